"""The graph port over the relationships table: recursive SQL, one statement for each method."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from datasources.aurora.driver.database import Database
from datasources.aurora.statements import Statement, statements
from datasources.graph.path_builder import build_paths
from datasources.graph.port import (
    Capped,
    Direction,
    Edge,
    Neighbours,
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
from datasources.graph.recursive import fragments
from datasources.graph.recursive.records import DegreeRow, EdgeRow, HopRow, ReachedRow, StepRow, edge_of
from datasources.health import Health


class RecursiveGraph:
    """Walks the current relationships and, at a past time, their history. Each method is one statement.

    It counts as one walk of the request, not as a statement. A call with no ids returns immediately and costs nothing.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def neighbours(
        self, ids: Sequence[str], walk: Walk, after: StepPosition | None = None
    ) -> Mapping[str, Neighbours]:
        if not ids:
            return {}
        rows = await self._database.fetch(
            _statement(
                "neighbours",
                steps=fragments.steps(walk, walk.direction, after is not None),
                count=fragments.count(walk),
                facts=fragments.facts(walk.as_of),
            ),
            _bound(walk)
            | {
                "ids": list(ids),
                "after": after is not None,
                "after_neighbour": after.neighbour_id if after else None,
                "after_edge": after.edge_id if after else None,
                "after_in": not after.outgoing if after else None,
            },
            StepRow,
            "graph",
        )
        met: dict[str, list[Step]] = defaultdict(list)
        degrees: dict[str, int] = {}
        for row in rows:
            degrees[row.node_id] = row.degree
            if row.neighbour_id is not None:
                met[row.node_id].append(Step(row.neighbour_id, edge_of(row), row.outgoing))
        return {id: Neighbours(tuple(met[id][: walk.fan_out]), degrees[id], len(met[id]) > walk.fan_out) for id in ids}

    async def reach(
        self, starts: Sequence[frozenset[str]], walk: Walk, after: Position | None = None
    ) -> Sequence[Reach]:
        pairs = [(number, id) for number, ids in enumerate(starts) for id in ids]
        if not pairs:
            return [Reach(()) for _ in starts]
        rows = await self._database.fetch(
            _statement("reach", steps=fragments.steps(walk, walk.direction), count=fragments.count(walk)),
            _bound(walk)
            | {
                "walks": [number for number, _ in pairs],
                "ids": [id for _, id in pairs],
                "max_depth": walk.max_depth,
                "max_nodes": walk.max_nodes,
                "after_depth": after.depth if after else 0,
                "after_id": after.id if after else None,
            },
            ReachedRow,
            "graph",
        )
        nodes: list[list[Reached]] = [[] for _ in starts]
        capped: list[list[Capped]] = [[] for _ in starts]
        for row in rows:
            if row.degree is None:
                nodes[row.walk].append(Reached(row.id, row.depth))
            else:
                capped[row.walk].append(Capped(row.id, row.depth, row.degree, walk.fan_out))
        return [_page(reached, tuple(cut), walk.max_nodes) for reached, cut in zip(nodes, capped, strict=True)]

    async def paths(self, from_id: str, to_id: str, walk: Walk, most: int) -> Paths:
        _check_limit(most)
        if from_id == to_id:
            return build_paths(from_id, to_id, {}, most, capped=False)
        rows = await self._database.fetch(
            _statement(
                "paths",
                along=fragments.steps(walk, walk.direction),
                against=fragments.steps(walk, walk.direction.opposite),
                facts=fragments.facts(walk.as_of),
            ),
            _bound(walk) | {"from_id": from_id, "to_id": to_id, "max_depth": walk.max_depth},
            HopRow,
            "graph",
        )
        hops: dict[str, dict[str, tuple[Edge, ...]]] = defaultdict(dict)
        for row in rows:
            if row.tail_id is not None:
                heads = hops[row.tail_id]
                heads[row.head_id] = (*heads.get(row.head_id, ()), edge_of(row))
        return build_paths(from_id, to_id, hops, most, rows[0].capped)

    async def subgraph(self, ids: Sequence[str], walk: Walk, most: int) -> Subgraph:
        _check_limit(most)
        if not ids:
            return Subgraph((), truncated=False)
        rows = await self._database.fetch(
            _statement("subgraph", leaving=fragments.leaving(walk), facts=fragments.facts(walk.as_of)),
            _bound(walk)
            | {
                "ids": list(ids),
                "most": most,
                "with_impact": walk.direction in (Direction.DEPENDENTS, Direction.DEPENDENCIES),
            },
            EdgeRow,
            "graph",
        )
        return Subgraph(tuple(edge_of(row) for row in rows[:most]), len(rows) > most)

    async def degrees(self, ids: Sequence[str], as_of: datetime | None = None) -> Mapping[str, Sequence[TypeDegree]]:
        degrees: dict[str, list[TypeDegree]] = {id: [] for id in ids}
        if not ids:
            return degrees
        rows = await self._database.fetch(
            _statement("degrees", met=fragments.types_met(as_of)),
            {"ids": list(ids), "as_of": as_of},
            DegreeRow,
            "graph",
        )
        for row in rows:
            degrees[row.node_id].append(TypeDegree(row.type, row.outgoing, row.incoming))
        return degrees

    async def health(self) -> Health:
        """Run one round trip to the database; an unreachable one is reported, not raised."""
        return replace(await self._database.health(), name="graph", details={"engine": "recursive SQL"})

    async def close(self) -> None:
        """Do nothing: the database is shared."""


def _check_limit(most: int) -> None:
    if most < 1:
        raise ValueError(f"most must be at least 1, not {most}")


def _statement(name: str, **slots: str) -> Statement:
    return statements("graph/walks")[name].fill_slots(**slots)


def _bound(walk: Walk) -> dict[str, object]:
    types = None if walk.types is None else list(walk.types)
    return {"types": types, "as_of": walk.as_of, "fan_out": walk.fan_out}


def _page(nodes: list[Reached], capped: tuple[Capped, ...], max_nodes: int) -> Reach:
    shown = tuple(nodes[:max_nodes])
    cursor = Position(shown[-1].depth, shown[-1].id) if len(nodes) > max_nodes else None
    return Reach(shown, capped, cursor)
