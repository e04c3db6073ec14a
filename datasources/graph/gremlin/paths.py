"""Shortest paths by bidirectional search, which always expands the smaller frontier; see the port."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping

from datasources.errors import SourceUnavailable
from datasources.graph.gremlin.neighbours import neighbours
from datasources.graph.gremlin.reach import NeighbourCache
from datasources.graph.gremlin.submitting import TraversalClient
from datasources.graph.path_builder import build_paths
from datasources.graph.port import Direction, Edge, Paths, Walk

# The maximum number of searches if edges disappear between the search and the reading of their properties.
MAX_TRIES = 3


class _Side:
    """One side of the search: the least depth of each node, and the nodes from which it was first met."""

    def __init__(self, client: TraversalClient, walk: Walk, direction: Direction, start: str) -> None:
        self.direction = direction
        self.depths = {start: 0}
        self.outer = [start]
        self.capped = False
        self._predecessors: dict[str, set[str]] = defaultdict(set)
        self._frontier = NeighbourCache(client, walk, direction)

    async def grow(self) -> None:
        """Expand by one whole level."""
        await self._frontier.load(self.outer)
        depth = self.depths[self.outer[0]] + 1
        for near in self.outer:
            self.capped = self.capped or self._frontier.capped_degree(near) is not None
            for far in self._frontier.neighbours_of(near):
                if self.depths.setdefault(far, depth) == depth:
                    self._predecessors[far].add(near)
        self.outer = [id for id, at in self.depths.items() if at == depth]

    def hops(self, ends: Iterable[str]) -> dict[str, set[str]]:
        """Return the nodes on paths to these ends, each with its successors on those paths."""
        hops: dict[str, set[str]] = defaultdict(set)
        level = set(ends)
        while level:
            before = set()
            for far in level:
                for near in self._predecessors[far]:
                    hops[near].add(far)
                    before.add(near)
            level = before
        return hops


async def shortest_paths(client: TraversalClient, from_id: str, to_id: str, walk: Walk, most: int) -> Paths:
    """Return all shortest paths between two different nodes, at most `most`."""
    for _ in range(MAX_TRIES):
        front = _Side(client, walk, walk.direction, from_id)
        back = _Side(client, walk, walk.direction.opposite, to_id)
        turns = 0
        both: set[str] = set()
        while not both and front.outer and back.outer and turns < walk.max_depth:
            side, other = (front, back) if len(front.outer) <= len(back.outer) else (back, front)
            await side.grow()
            both = {id for id in side.outer if id in other.depths}
            turns += 1
        least = min((front.depths[id] + back.depths[id] for id in both), default=0)
        joints = [id for id in both if front.depths[id] + back.depths[id] == least]
        capped = front.capped or back.capped
        there, again = await asyncio.gather(
            _edges(client, walk, front, joints), _edges(client, walk, back, joints)
        )  # fmt: skip
        if there is not None and again is not None:
            hops = defaultdict(dict, there)
            for far, nears in again.items():
                for near, edges in nears.items():
                    hops[near][far] = edges
            ordered = {tail: dict(sorted(heads.items())) for tail, heads in sorted(hops.items())}
            return build_paths(from_id, to_id, ordered, most, capped)
    raise SourceUnavailable("graph", "the graph changed while its paths were searched; ask again")


async def _edges(
    client: TraversalClient, walk: Walk, side: _Side, joints: Iterable[str]
) -> Mapping[str, dict[str, tuple[Edge, ...]]] | None:
    # The edges of each hop on a path, as met by one side, by near and far node; None if one of them has disappeared.
    hops = side.hops(joints)
    if not hops:
        return {}
    by_node: dict[str, dict[str, tuple[Edge, ...]]] = {}
    for near, met in (await neighbours(client, hops, walk, None, side.direction)).items():
        edges: dict[str, list[Edge]] = defaultdict(list)
        for step in met.steps:
            if step.neighbour_id in hops[near]:
                edges[step.neighbour_id].append(step.edge)
        if edges.keys() != hops[near]:
            return None
        by_node[near] = {far: tuple(sorted(some, key=lambda edge: edge.id)) for far, some in edges.items()}
    return by_node
