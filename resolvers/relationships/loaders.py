"""Loaders of relationships, and of walks along them in the graph."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from datasources.aurora.relationships.table import RELATIONSHIPS, fetch_redundancy_groups
from datasources.aurora.tables.invalidation import TRAVERSAL_TABLES
from datasources.graph.port import (
    Neighbours,
    Paths,
    Position,
    Reach,
    StepPosition,
    Subgraph,
    TypeDegree,
    Walk,
)
from datasources.records.relationships import RedundancyGroupRecord, RelationshipRecord
from resolvers.loading.loader import Loader
from resolvers.loading.tables import RowBy


class RelationshipById(RowBy[RelationshipRecord]):
    table = RELATIONSHIPS


class RedundancyGroupById(Loader[str, RedundancyGroupRecord | None]):
    value = RedundancyGroupRecord | None
    reads = ("redundancy_groups", "relationships")

    async def fetch(self, keys: Sequence[str]) -> Mapping[str, RedundancyGroupRecord | None]:
        return dict(await fetch_redundancy_groups(self.context.sources.main, keys))

    def absent(self, key: str) -> RedundancyGroupRecord | None:
        return None


@dataclass(frozen=True, slots=True)
class NeighboursArguments:
    """A one-hop walk and the position after which it continues."""

    walk: Walk
    after: StepPosition | None = None


class NeighboursByConfigurationItem(Loader[str, Neighbours]):
    """Neighbours of each item: one traversal for all of them. `arguments` is a NeighboursArguments."""

    value = Neighbours
    reads = TRAVERSAL_TABLES
    arguments: NeighboursArguments

    async def fetch(self, keys: Sequence[str]) -> Mapping[str, Neighbours]:
        return await self.context.sources.graph.neighbours(keys, self.arguments.walk, self.arguments.after)

    def absent(self, key: str) -> Neighbours:
        return Neighbours((), 0, truncated=False)


@dataclass(frozen=True, slots=True)
class ReachArguments:
    """A walk and the position after which it continues."""

    walk: Walk
    after: Position | None = None


class ReachByStarts(Loader[tuple[str, ...], Reach]):
    """The reach of each set of starts (sorted ids): one traversal for all sets. `arguments` is a ReachArguments."""

    value = Reach
    reads = TRAVERSAL_TABLES
    arguments: ReachArguments

    async def fetch(self, keys: Sequence[tuple[str, ...]]) -> Mapping[tuple[str, ...], Reach]:
        starts = [frozenset(key) for key in keys]
        reached = await self.context.sources.graph.reach(starts, self.arguments.walk, self.arguments.after)
        return dict(zip(keys, reached, strict=True))

    def absent(self, key: tuple[str, ...]) -> Reach:
        return Reach(())


@dataclass(frozen=True, slots=True)
class SubgraphArguments:
    """Selects edges between given nodes, with a maximum number."""

    walk: Walk
    most: int


class SubgraphByNodes(Loader[tuple[str, ...], Subgraph]):
    """The edges between the nodes of each set (sorted ids): one traversal each. `arguments` is a SubgraphArguments."""

    value = Subgraph
    reads = TRAVERSAL_TABLES
    arguments: SubgraphArguments

    async def fetch(self, keys: Sequence[tuple[str, ...]]) -> Mapping[tuple[str, ...], Subgraph]:
        graph, arguments = self.context.sources.graph, self.arguments
        return {key: await graph.subgraph(key, arguments.walk, arguments.most) for key in keys}

    def absent(self, key: tuple[str, ...]) -> Subgraph:
        return Subgraph((), truncated=False)


@dataclass(frozen=True, slots=True)
class PathsArguments:
    """A walk from one end to the other, with a maximum number of paths."""

    walk: Walk
    most: int


class PathsByEnds(Loader[tuple[str, str], Paths]):
    """Shortest paths between two ends: one traversal for each pair. `arguments` is a PathsArguments."""

    value = Paths
    reads = TRAVERSAL_TABLES
    arguments: PathsArguments

    async def fetch(self, keys: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], Paths]:
        graph, arguments = self.context.sources.graph, self.arguments
        return {(start, end): await graph.paths(start, end, arguments.walk, arguments.most) for start, end in keys}

    def absent(self, key: tuple[str, str]) -> Paths:
        return Paths((), truncated=False)


class DegreesByConfigurationItem(Loader[str, Sequence[TypeDegree]]):
    """Exact degrees by relationship type. `arguments` is the as-of time, None for now."""

    value = tuple[TypeDegree, ...]
    reads = TRAVERSAL_TABLES
    arguments: datetime | None

    async def fetch(self, keys: Sequence[str]) -> Mapping[str, Sequence[TypeDegree]]:
        return await self.context.sources.graph.degrees(keys, self.arguments)

    def absent(self, key: str) -> Sequence[TypeDegree]:
        return ()
