"""The graph port over a plain list of edges: breadth first, slow and obvious."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import pairwise, product

from datasources.graph.port import (
    Capped,
    Direction,
    Edge,
    Impact,
    Neighbours,
    Path,
    Paths,
    Position,
    Reach,
    Reached,
    Step,
    StepPosition,
    Subgraph,
    TypeDegree,
    Walk,
)
from datasources.graph.projection import EdgeVersion
from datasources.health import Health

IMPACT_WALKS = (Direction.DEPENDENTS, Direction.DEPENDENCIES)


Version = EdgeVersion


class OracleGraph:
    """Every verb by its definition, from a list of versions that it scans each time."""

    def __init__(self, versions: Sequence[Version]) -> None:
        self._versions = [replace(version, edge=_normal(version.edge)) for version in versions]

    async def neighbours(
        self, ids: Sequence[str], walk: Walk, after: StepPosition | None = None
    ) -> Mapping[str, Neighbours]:
        answer = {}
        for id in ids:
            steps = self._steps(id, walk, walk.direction)
            left = [step for step in steps if after is None or _follows(step, after, walk.direction)]
            answer[id] = Neighbours(tuple(left[: walk.fan_out]), len(steps), len(left) > walk.fan_out)
        return answer

    async def reach(
        self, starts: Sequence[frozenset[str]], walk: Walk, after: Position | None = None
    ) -> Sequence[Reach]:
        return [self._reach(start, walk, after) for start in starts]

    def _reach(self, starts: frozenset[str], walk: Walk, after: Position | None) -> Reach:
        depths = dict.fromkeys(starts, 0)
        for depth in range(walk.max_depth):
            for id in [id for id, at in depths.items() if at == depth]:
                for step in self._steps(id, walk, walk.direction)[: walk.fan_out]:
                    depths.setdefault(step.neighbour_id, depth + 1)
        ordered = sorted((depth, id) for id, depth in depths.items())
        left = [
            Reached(id, depth)
            for depth, id in ordered
            if depth > 0 and (after is None or (depth, id) > (after.depth, after.id))
        ]
        shown, beyond = left[: walk.max_nodes], left[walk.max_nodes :]
        limit = beyond[0].depth if beyond else walk.max_depth
        degrees = [(depth, id, len(self._steps(id, walk, walk.direction))) for depth, id in ordered if depth < limit]
        return Reach(
            tuple(shown),
            tuple(Capped(id, depth, degree, walk.fan_out) for depth, id, degree in degrees if degree > walk.fan_out),
            Position(shown[-1].depth, shown[-1].id) if beyond else None,
        )

    async def paths(self, from_id: str, to_id: str, walk: Walk, most: int) -> Paths:
        if most < 1:
            raise ValueError(most)
        front = _Side(self, walk, walk.direction, from_id)
        back = _Side(self, walk, walk.direction.opposite, to_id)
        turns = 0
        while not front.depths.keys() & back.depths.keys() and front.outer and back.outer and turns < walk.max_depth:
            (front if len(front.outer) <= len(back.outer) else back).grow()
            turns += 1
        both = front.depths.keys() & back.depths.keys()
        least = min((front.depths[id] + back.depths[id] for id in both), default=0)
        found = sorted(
            (
                Path((*head.nodes, *reversed(tail.nodes[:-1])), (*head.hops, *reversed(tail.hops)))
                for id in both
                if front.depths[id] + back.depths[id] == least
                for head, tail in product(front.ways(id), back.ways(id))
            ),
            key=lambda path: path.nodes,
        )
        return Paths(tuple(found[:most]), len(found) > most or front.capped or back.capped)

    async def subgraph(self, ids: Sequence[str], walk: Walk, most: int) -> Subgraph:
        if most < 1:
            raise ValueError(most)
        edges = sorted(
            (
                edge
                for edge in self._edges(walk.types, walk.as_of)
                if edge.from_id in ids and edge.to_id in ids
                if walk.direction not in IMPACT_WALKS or edge.impact is not Impact.NONE
            ),
            key=lambda edge: edge.id,
        )
        return Subgraph(tuple(edges[:most]), len(edges) > most)

    async def degrees(self, ids: Sequence[str], as_of: datetime | None = None) -> Mapping[str, Sequence[TypeDegree]]:
        edges = self._edges(None, as_of)
        return {
            id: [
                TypeDegree(
                    type,
                    sum(edge.from_id == id and edge.type == type for edge in edges),
                    sum(edge.to_id == id and edge.type == type for edge in edges),
                )
                for type in sorted({edge.type for edge in edges if id in (edge.from_id, edge.to_id)})
            ]
            for id in ids
        }

    async def health(self) -> Health:
        return Health("graph", reachable=True)

    async def close(self) -> None: ...

    def steps(self, id: str, walk: Walk, direction: Direction) -> list[Step]:
        """All steps from a node in order."""
        return self._steps(id, walk, direction)

    def _edges(self, types: tuple[str, ...] | None, as_of: datetime | None) -> list[Edge]:
        return [
            version.edge
            for version in self._versions
            if (types is None or version.edge.type in types) and _valid(version, as_of)
        ]

    def _steps(self, id: str, walk: Walk, direction: Direction) -> list[Step]:
        steps = [step for edge in self._edges(walk.types, walk.as_of) for step in _met(edge, id, direction)]
        return sorted(steps, key=_place)


class _Side:
    """One side of a search for paths: the least depth of each node it holds, and the edges that first met it."""

    def __init__(self, graph: OracleGraph, walk: Walk, direction: Direction, start: str) -> None:
        self._graph, self._walk, self._direction = graph, walk, direction
        self.depths = {start: 0}
        self.outer = [start]
        self.capped = False
        self._came: dict[str, dict[str, list[Edge]]] = {}

    def grow(self) -> None:
        depth = self.depths[self.outer[0]] + 1
        for id in self.outer:
            steps = self._graph.steps(id, self._walk, self._direction)
            self.capped = self.capped or len(steps) > self._walk.fan_out
            for step in steps[: self._walk.fan_out]:
                if self.depths.setdefault(step.neighbour_id, depth) == depth:
                    self._came.setdefault(step.neighbour_id, {}).setdefault(id, []).append(step.edge)
        self.outer = [id for id, at in self.depths.items() if at == depth]

    def ways(self, id: str) -> list[Path]:
        """Every way from the start to a node."""
        if self.depths[id] == 0:
            return [Path((id,), ())]
        return [
            Path((*way.nodes, id), (*way.hops, tuple(sorted(edges, key=lambda edge: edge.id))))
            for near, edges in self._came[id].items()
            for way in self.ways(near)
        ]


def shortest_paths(edges: Sequence[Edge], from_id: str, to_id: str, direction: Direction, longest: int) -> list[Path]:
    """All shortest paths by trying every way of one hop, of two hops and so on: for small graphs only."""
    ways: list[tuple[str, ...]] = [(from_id,)]
    for _ in range(longest + 1):
        arrived = [nodes for nodes in ways if nodes[-1] == to_id]
        if arrived:
            return [Path(nodes, tuple(_hop(edges, *pair, direction) for pair in pairwise(nodes))) for nodes in arrived]
        ways = sorted(
            {
                (*nodes, step.neighbour_id)
                for nodes in ways
                for edge in edges
                for step in _met(_normal(edge), nodes[-1], direction)
                if step.neighbour_id not in nodes
            }
        )
    return []


def _hop(edges: Sequence[Edge], tail: str, head: str, direction: Direction) -> tuple[Edge, ...]:
    met = [step for edge in edges for step in _met(_normal(edge), tail, direction) if step.neighbour_id == head]
    return tuple(sorted((step.edge for step in met), key=lambda edge: edge.id))


def _met(edge: Edge, id: str, direction: Direction) -> list[Step]:
    leaves, enters = edge.from_id == id, edge.to_id == id
    out, into = Step(edge.to_id, edge, outgoing=True), Step(edge.from_id, edge, outgoing=False)
    if direction in IMPACT_WALKS:
        if edge.impact is Impact.NONE:
            return []
        along = (edge.impact is Impact.FORWARD) == (direction is Direction.DEPENDENTS)
        if leaves and enters:
            return [out]
        return ([out] if leaves else []) if along else ([into] if enters else [])
    met = []
    if leaves and direction in (Direction.OUT, Direction.BOTH):
        met.append(out)
    if enters and direction in (Direction.IN, Direction.BOTH):
        # In a walk IN a self-loop is met once, as it comes in.
        met.append(into)
    return met


def _place(step: Step) -> tuple[str, str, bool]:
    return step.neighbour_id, step.edge.id, not step.outgoing


def _follows(step: Step, place: StepPosition, direction: Direction) -> bool:
    here, there = (step.neighbour_id, step.edge.id), (place.neighbour_id, place.edge_id)
    if direction is Direction.BOTH and here == there:
        return place.outgoing and not step.outgoing
    return here > there


def _valid(version: Version, as_of: datetime | None) -> bool:
    if as_of is None:
        return version.valid_to is None
    return version.valid_from <= as_of and (version.valid_to is None or as_of < version.valid_to)


def _normal(edge: Edge) -> Edge:
    loop = edge.from_id == edge.to_id and edge.impact is not Impact.NONE
    return replace(edge, impact=Impact.FORWARD) if loop else edge
