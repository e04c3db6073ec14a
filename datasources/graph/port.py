"""The graph port: who is connected to whom. Ids and edge facts only, batch first.

Laws, the same for every adapter:

- Results are ordered by (depth, id); edges by (neighbour id, edge id, outgoing before incoming).
- Each node stands once in a reach, at its least depth. Starts stand at depth 0 and are never returned.
- Cycles and self-loops terminate. Parallel edges are edges of their own, never nodes of their own.
- An unknown id has no edges: it is an answer, not an error.
- A walk at `as_of` sees the edges that were valid then: valid_from <= as_of < valid_to.
- Nothing is dropped silently. A node with more than `fan_out` edges in the walk's direction is expanded
  by its first `fan_out` edges and listed in `capped` with its exact degree; a reach with more than
  `max_nodes` nodes returns the first ones and a `cursor` from which the same walk goes on. An edge counts
  once for each time that it is met (see `Step`).
- A reach grows level by level, and no further than it must: a node is expanded when its depth is less than
  that of the first node beyond the answer, or less than `max_depth` when no node is beyond. So the pages of a
  reach joined are the reach in one page, and the `capped` of its last page is that of the whole.
- The same walk on the same graph gives the same answer from every adapter, order and truncation included.

Which edges a walk follows depends on its direction. OUT, IN and BOTH go along the edge as declared.
DEPENDENTS goes the way impact flows, from what fails to what it impacts, and DEPENDENCIES the other way;
both skip edges through which no impact flows.

Shortest paths are searched from both ends, and this is the search that every adapter must answer like:
one side holds `from_id` and goes along the walk, the other holds `to_id` and goes against it. Each turn the
side with fewer nodes at its outermost level grows by one whole level, the `from_id` side on a tie, each node
expanded by its first `fan_out` edges as its own side meets them. The search ends when a node stands on both
sides, when the outermost level of either is empty, or after `max_depth` turns. The answer is every path of
least length through a node that stands on both sides, made of the edges by which each side first met its
nodes. Where no node was capped these are all shortest paths, whatever the order of turns.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from datasources.health import Health
from datasources.records.relationship_types import Impact as Impact

MAX_DEPTH = 64
MAX_FAN_OUT = 10_000
MAX_NODES = 10_000


class Direction(StrEnum):
    """Which edges a walk follows from a node."""

    OUT = "OUT"
    IN = "IN"
    BOTH = "BOTH"
    DEPENDENTS = "DEPENDENTS"
    DEPENDENCIES = "DEPENDENCIES"

    @property
    def opposite(self) -> "Direction":
        """The direction that goes the same edges the other way."""
        return _OPPOSITE[self]


_OPPOSITE = {
    Direction.OUT: Direction.IN,
    Direction.IN: Direction.OUT,
    Direction.BOTH: Direction.BOTH,
    Direction.DEPENDENTS: Direction.DEPENDENCIES,
    Direction.DEPENDENCIES: Direction.DEPENDENTS,
}


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the order of a reach."""

    depth: int
    id: str


@dataclass(frozen=True, slots=True)
class Walk:
    """How to walk. `types` None means every relationship type; an empty tuple follows nothing.

    Bounds: 1 <= max_depth <= 64 hops, 1 <= fan_out <= 10,000 edges per node, 1 <= max_nodes <= 10,000
    nodes per answer. ValueError outside them.
    """

    direction: Direction
    types: tuple[str, ...] | None = None
    max_depth: int = 3
    fan_out: int = 1_000
    max_nodes: int = 1_000
    as_of: datetime | None = None

    def __post_init__(self) -> None:
        for name, value, most in (
            ("max_depth", self.max_depth, MAX_DEPTH),
            ("fan_out", self.fan_out, MAX_FAN_OUT),
            ("max_nodes", self.max_nodes, MAX_NODES),
        ):
            if not 1 <= value <= most:
                raise ValueError(f"{name} must be between 1 and {most}, not {value}")
        if self.types is not None:
            object.__setattr__(self, "types", tuple(sorted(set(self.types))))
        if self.as_of is not None and self.as_of.tzinfo is None:
            raise ValueError("as_of needs a time zone")

    def one_hop(self) -> "Walk":
        """The same walk, one hop far."""
        return replace(self, max_depth=1)


@dataclass(frozen=True, slots=True)
class Edge:
    """One relationship, as declared. `group_id` is its redundancy group, if it is a member of one."""

    id: str
    from_id: str
    to_id: str
    type: str
    impact: Impact
    group_id: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """An edge as met from a node: the edge, its other end, and whether it leaves the node.

    For DEPENDENTS and DEPENDENCIES `outgoing` is still about the declared direction. A self-loop is met
    once in OUT, IN, DEPENDENTS and DEPENDENCIES, and twice in BOTH.
    """

    neighbour_id: str
    edge: Edge
    outgoing: bool


@dataclass(frozen=True, slots=True)
class StepPosition:
    """A place in the order of a node's steps.

    `outgoing` tells apart the two meetings with a self-loop in BOTH, and counts there only.
    """

    neighbour_id: str
    edge_id: str
    outgoing: bool


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The steps from one node, the node's exact degree in that walk, and whether more steps follow."""

    steps: tuple[Step, ...]
    degree: int
    truncated: bool


@dataclass(frozen=True, slots=True)
class Reached:
    """A node and its least number of hops from the nearest start."""

    id: str
    depth: int


@dataclass(frozen=True, slots=True)
class Capped:
    """A node of which only the first `shown` of `degree` edges were followed."""

    id: str
    depth: int
    degree: int
    shown: int


@dataclass(frozen=True, slots=True)
class Reach:
    """Nodes reached after the given position, in (depth, id) order.

    `cursor` is the position of the last node when more nodes follow, else None. `capped` lists the nodes
    whose fan-out was cut, in (depth, id) order, among the starts and all nodes expanded so far, those of
    earlier pages included. `truncated` is true when either is.
    """

    nodes: tuple[Reached, ...]
    capped: tuple[Capped, ...] = ()
    cursor: Position | None = None

    @property
    def truncated(self) -> bool:
        return self.cursor is not None or bool(self.capped)


@dataclass(frozen=True, slots=True)
class Path:
    """A shortest path: its nodes from start to end, and for each hop the edges that make it, by edge id."""

    nodes: tuple[str, ...]
    hops: tuple[tuple[Edge, ...], ...]


@dataclass(frozen=True, slots=True)
class Paths:
    """All shortest paths, in order of their node ids; `truncated` when more exist or a cap was met."""

    paths: tuple[Path, ...]
    truncated: bool


@dataclass(frozen=True, slots=True)
class Subgraph:
    """The edges with both ends among the given nodes, by edge id; `truncated` when more exist."""

    edges: tuple[Edge, ...]
    truncated: bool


@dataclass(frozen=True, slots=True)
class TypeDegree:
    """How many edges of one type leave and enter a node. A self-loop counts in both."""

    type: str
    outgoing: int
    incoming: int


class Graph(Protocol):
    """Five reading verbs. Every id is a bare uuid in canonical text form.

    Errors: SourceUnavailable, SourceTimeout (the current call's deadline), SourceRefused.
    """

    async def neighbours(
        self, ids: Sequence[str], walk: Walk, after: StepPosition | None = None
    ) -> Mapping[str, Neighbours]:
        """The steps from each id, at most `walk.fan_out` each, after the given place; every id is a key.

        The degree is that of the whole node, wherever the page starts."""
        ...

    async def reach(
        self, starts: Sequence[frozenset[str]], walk: Walk, after: Position | None = None
    ) -> Sequence[Reach]:
        """For each set of starts the nodes within `walk.max_depth` hops of any of them, in order given.

        Going on from a cursor walks again from the starts: a page costs what the walk up to it costs."""
        ...

    async def paths(self, from_id: str, to_id: str, walk: Walk, most: int) -> Paths:
        """All shortest paths, at most `most`, no longer than `walk.max_depth`; one empty hop list when both ends
        are the same node. `walk.max_nodes` bounds nothing here; `walk.fan_out` bounds each expansion.
        ValueError when `most` is less than 1."""
        ...

    async def subgraph(self, ids: Sequence[str], walk: Walk, most: int) -> Subgraph:
        """The edges among the ids, at most `most`; DEPENDENTS and DEPENDENCIES leave out edges without impact,
        the other directions take every edge. Only the walk's types and time count besides. ValueError when `most`
        is less than 1."""
        ...

    async def degrees(self, ids: Sequence[str], as_of: datetime | None = None) -> Mapping[str, Sequence[TypeDegree]]:
        """Exact degrees of each id by relationship type, in order of type; every id is a key."""
        ...

    async def health(self) -> Health:
        """One round trip; never raises for an unreachable store."""
        ...

    async def close(self) -> None:
        """Close what is the graph's own: sockets and threads, not a database that others use."""
        ...
