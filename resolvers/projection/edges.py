"""The edges that leave some nodes, in the tables and in the graph: what differs, and how it is mended."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from datasources.graph.projection import Changes, EdgeChange, EdgeVersion, Projection
from datasources.graph.recursive.source import RelationalSource
from resolvers.projection.reports import Difference

# How often what differs is read again before it is believed, while something in it moves.
MAX_READS = 4
# How often a page is mended: once, and again if a write came between.
MAX_REPAIR_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class EdgeDifferences:
    """The differences at some nodes in one reading of both, and how many edges the tables had there."""

    edges: int
    differences: tuple[Difference, ...]

    @property
    def nodes(self) -> list[str]:
        """The nodes with a difference, in order."""
        return sorted({difference.node for difference in self.differences})


@dataclass(frozen=True, slots=True)
class RepairResult:
    """What was found at some nodes, and what of it is still there."""

    found: EdgeDifferences
    left: tuple[Difference, ...] = ()


class EdgeComparison:
    """The tables and a graph beside each other."""

    def __init__(self, truth: RelationalSource, projection: Projection) -> None:
        self._truth = truth
        self._projection = projection

    async def compare(self, ids: Sequence[str]) -> EdgeDifferences:
        """The differences at these nodes that two readings in a row show alike.

        A write between the readings of the tables and of the graph looks like a difference, and is gone or another one
        in the next reading. What is still moving after a few is being written and left to the next check.
        """
        look = await self._read_differences(ids)
        edges, found = look.edges, look
        for _ in range(MAX_READS):
            if not look.differences:
                break
            before = set(look.differences)
            look = await self._read_differences(look.nodes)
            found = EdgeDifferences(edges, tuple(each for each in look.differences if each in before))
            if len(found.differences) == len(look.differences):
                break
        return found

    async def repair(self, ids: Sequence[str]) -> RepairResult:
        """The same, and mended; then read again, as a write may have come between the reading and the mending."""
        found = await self.compare(ids)
        left = found
        for _ in range(MAX_REPAIR_ROUNDS):
            if not left.differences:
                break
            await self._apply_repairs(left.differences)
            left = await self._read_differences(left.nodes)
        return RepairResult(found, left.differences)

    async def _read_differences(self, ids: Sequence[str]) -> EdgeDifferences:
        true, held = await asyncio.gather(self._truth.outgoing_edges(ids), self._projection.outgoing_edges(ids))
        return EdgeDifferences(
            len(true), tuple(find_differences(true, [version for id in ids for version in held.get(id, ())]))
        )

    async def _apply_repairs(self, differences: Sequence[Difference]) -> None:
        # An engine can't move an edge or relabel it, so what has another shape goes before what is wanted comes.
        gone = [each.held for each in differences if each.held is not None and not _same_shape(each)]
        wanted = {each.true.edge.id: each.true for each in differences if each.true is not None}
        # An engine that knows edges by id alone has removed with them what the tables hold at another node.
        elsewhere = [held.edge.id for held in gone if held.valid_to is None and held.edge.id not in wanted]
        wanted |= (
            {version.edge.id: version for version in await self._truth.edges_by_ids(elsewhere)} if elsewhere else {}
        )
        if gone:
            await self._projection.apply(Changes(edges=tuple(EdgeChange(held, removed=True) for held in gone)))
        if wanted:
            await self._projection.apply(Changes(edges=tuple(EdgeChange(version) for version in wanted.values())))


def find_differences(true: Sequence[EdgeVersion], held: Sequence[EdgeVersion]) -> list[Difference]:
    """Where the edges of the same nodes differ: those of the tables first, then those that only the graph has."""
    current: dict[tuple[str, str], list[EdgeVersion]] = defaultdict(list)
    for version in held:
        if version.valid_to is None:
            current[_edge_key(version)].append(version)
    found = []
    for version in true:
        # An engine that takes no ids of edges may hold an old one beside it; then that is the one too many.
        same = current[_edge_key(version)]
        if version in same:
            same.remove(version)
        else:
            found.append(Difference(version, same.pop(0) if same else None))
    closed = (version for version in held if version.valid_to is not None)
    return [*found, *(Difference(None, version) for version in (*chain.from_iterable(current.values()), *closed))]


def _edge_key(version: EdgeVersion) -> tuple[str, str]:
    return version.edge.from_id, version.edge.id


def _same_shape(difference: Difference) -> bool:
    if difference.true is None or difference.held is None:
        return False
    true, held = difference.true.edge, difference.held.edge
    return (true.to_id, true.type) == (held.to_id, held.type)
