"""Compare and repair the outgoing edges of nodes: differences between the tables and the graph."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from datasources.graph.projection import Changes, EdgeChange, EdgeVersion, Projection
from datasources.graph.recursive.source import RelationalSource
from resolvers.projection.reports import Difference

# Maximum number of repeated readings while differences are changing.
MAX_READS = 4
# Maximum number of repairs of one page: repeated if a write intervened.
MAX_REPAIR_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class EdgeDifferences:
    """The differences at some nodes in one reading of both sides, and the number of edges in the tables there."""

    edges: int
    differences: tuple[Difference, ...]

    @property
    def nodes(self) -> list[str]:
        """The nodes with a difference, sorted."""
        return sorted({difference.node for difference in self.differences})


@dataclass(frozen=True, slots=True)
class RepairResult:
    """The differences at some nodes before the repair, and those that remain."""

    found: EdgeDifferences
    left: tuple[Difference, ...] = ()


class EdgeComparison:
    """Compares edges of the tables with those of a graph."""

    def __init__(self, truth: RelationalSource, projection: Projection) -> None:
        self._truth = truth
        self._projection = projection

    async def compare(self, ids: Sequence[str]) -> EdgeDifferences:
        """Return the differences at these nodes that two consecutive readings agree on.

        A write between reading the tables and reading the graph looks like a difference, and disappears or changes in
        the next reading. What still changes after several readings is left to the next check.
        """
        look = await self._read_differences(ids)
        edges, stable = look.edges, look
        for _ in range(MAX_READS):
            if not look.differences:
                break
            before = set(look.differences)
            look = await self._read_differences(look.nodes)
            stable = EdgeDifferences(edges, tuple(each for each in look.differences if each in before))
            if len(stable.differences) == len(look.differences):
                break
        return stable

    async def repair(self, ids: Sequence[str]) -> RepairResult:
        """Compare and repair; then read again, since a write may have intervened."""
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
        # An engine cannot change the ends or the label of an edge, so an edge of another shape is removed first.
        gone = [each.held for each in differences if each.held is not None and not _same_shape(each)]
        wanted = {each.true.edge.id: each.true for each in differences if each.true is not None}
        # An engine that identifies edges by id alone also removes an edge that the tables have at another node.
        elsewhere = [held.edge.id for held in gone if held.valid_to is None and held.edge.id not in wanted]
        wanted |= (
            {version.edge.id: version for version in await self._truth.edges_by_ids(elsewhere)} if elsewhere else {}
        )
        if gone:
            await self._projection.apply(Changes(edges=tuple(EdgeChange(held, removed=True) for held in gone)))
        if wanted:
            await self._projection.apply(Changes(edges=tuple(EdgeChange(version) for version in wanted.values())))


def find_differences(true: Sequence[EdgeVersion], held: Sequence[EdgeVersion]) -> list[Difference]:
    """Return the differing edges of the same nodes: those of the tables first, then those that only the graph has."""
    current: dict[tuple[str, str], list[EdgeVersion]] = defaultdict(list)
    for version in held:
        if version.valid_to is None:
            current[_edge_key(version)].append(version)
    differences = []
    for version in true:
        # An engine without edge ids may contain an old edge in addition; then that one is extra.
        same = current[_edge_key(version)]
        if version in same:
            same.remove(version)
        else:
            differences.append(Difference(version, same.pop(0) if same else None))
    closed = (version for version in held if version.valid_to is not None)
    return [*differences, *(Difference(None, version) for version in (*chain.from_iterable(current.values()), *closed))]


def _edge_key(version: EdgeVersion) -> tuple[str, str]:
    return version.edge.from_id, version.edge.id


def _same_shape(difference: Difference) -> bool:
    if difference.true is None or difference.held is None:
        return False
    true, held = difference.true.edge, difference.held.edge
    return (true.to_id, true.type) == (held.to_id, held.type)
