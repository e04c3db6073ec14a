"""The graph port: which configuration items are connected. Ids and edge properties only, in batches.

The contract, the same for every adapter:

- Results are ordered by (depth, id); edges by (neighbour id, edge id, outgoing before incoming).
- Each node occurs once in a reach, at its least depth. Starts have depth 0 and are never returned.
- Cycles and self-loops terminate. Parallel edges are separate edges but do not repeat their nodes.
- An unknown id has no edges; it is not an error.
- A walk at `as_of` sees the edges that were valid then: valid_from <= as_of < valid_to.
- Nothing is dropped silently. A node with more than `fan_out` edges in the walk's direction is expanded
  by its first `fan_out` edges and listed in `capped` with its exact degree; a reach with more than
  `max_nodes` nodes returns the first ones and a `cursor` at which the same walk can continue. An edge counts
  once for each time that it is met (see `Step`).
- A reach grows level by level, and no further than necessary: a node is expanded if its depth is less than
  that of the first node beyond the answer, or less than `max_depth` if no node is beyond. So the pages of a
  reach together equal the reach in one page, and the `capped` of its last page is that of the whole reach.
- The same walk on the same graph returns the same answer from every adapter, including order and truncation.
Which edges a walk follows depends on its direction. OUT, IN and BOTH follow edges in their declared direction.
DEPENDENTS follows impact, from what fails to what it impacts, and DEPENDENCIES follows it backwards;
both skip edges without impact.

Shortest paths are searched from both ends. Every adapter must return the answer of this search: one side
starts at `from_id` and follows the walk, the other starts at `to_id` and follows it backwards. In each turn the
side with fewer nodes at its outermost level grows by one whole level, the `from_id` side on a tie; each node is
expanded by its first `fan_out` edges as its own side meets them. The search ends when a node is on both
sides, when the outermost level of either side is empty, or after `max_depth` turns. The answer is every path of
least length through a node on both sides, made of the edges by which each side first met its
nodes. If no node was capped, these are all shortest paths, regardless of the order of turns.
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
    """The edges that a walk follows from a node."""

    OUT = "OUT"
    IN = "IN"
    BOTH = "BOTH"
    DEPENDENTS = "DEPENDENTS"
    DEPENDENCIES = "DEPENDENCIES"

    @property
    def opposite(self) -> "Direction":
        """The direction that follows the same edges backwards."""
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
    """A position in the order of a reach."""

    depth: int
    id: str


@dataclass(frozen=True, slots=True)
class Walk:
    """The parameters of a walk. `types` None means every relationship type; an empty tuple follows none.

    Bounds: 1 <= max_depth <= 64 hops, 1 <= fan_out <= 10,000 edges per node, 1 <= max_nodes <= 10,000
    nodes per answer. Raises ValueError outside them.
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
        """Return the same walk with a depth of one hop."""
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
    """An edge as met from a node: the edge, the node at its other end, and whether it leaves the node.

    For DEPENDENTS and DEPENDENCIES, `outgoing` still refers to the declared direction. A self-loop is met
    once in OUT, IN, DEPENDENTS and DEPENDENCIES, and twice in BOTH.
    """

    neighbour_id: str
    edge: Edge
    outgoing: bool


@dataclass(frozen=True, slots=True)
class StepPosition:
    """A position in the order of a node's steps.

    `outgoing` distinguishes the two steps of a self-loop in BOTH, and is ignored otherwise.
    """

    neighbour_id: str
    edge_id: str
    outgoing: bool


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The steps from one node, its exact degree in that walk, and whether more steps follow."""

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
    """A node of whose `degree` edges only the first `shown` were followed."""

    id: str
    depth: int
    degree: int
    shown: int


@dataclass(frozen=True, slots=True)
class Reach:
    """Nodes reached after the given position, in (depth, id) order.

    `cursor` is the position of the last node if more nodes follow, else None. `capped` lists the nodes
    whose fan-out was capped, in (depth, id) order, among the starts and all nodes expanded so far, including
    earlier pages. `truncated` is true if either is set.
    """

    nodes: tuple[Reached, ...]
    capped: tuple[Capped, ...] = ()
    cursor: Position | None = None

    @property
    def truncated(self) -> bool:
        return self.cursor is not None or bool(self.capped)


@dataclass(frozen=True, slots=True)
class Path:
    """A shortest path: its nodes from start to end, and the edges of each hop, by edge id."""

    nodes: tuple[str, ...]
    hops: tuple[tuple[Edge, ...], ...]


@dataclass(frozen=True, slots=True)
class Paths:
    """All shortest paths, in order of their node ids; `truncated` if more exist or a node was capped."""

    paths: tuple[Path, ...]
    truncated: bool


@dataclass(frozen=True, slots=True)
class Subgraph:
    """The edges with both ends among the given nodes, by edge id; `truncated` if more exist."""

    edges: tuple[Edge, ...]
    truncated: bool


@dataclass(frozen=True, slots=True)
class TypeDegree:
    """The number of edges of one type that leave and enter a node. A self-loop counts in both."""

    type: str
    outgoing: int
    incoming: int


class Graph(Protocol):
    """The queries of a graph. Every id is a bare UUID in canonical text form.

    Raises SourceUnavailable, SourceTimeout (the deadline of the current request) and SourceRefused.
    """

    async def neighbours(
        self, ids: Sequence[str], walk: Walk, after: StepPosition | None = None
    ) -> Mapping[str, Neighbours]:
        """Return the steps from each id, at most `walk.fan_out` each, after the given position; every id is a key.

        The degree is that of the whole node, regardless of the page."""
        ...

    async def reach(
        self, starts: Sequence[frozenset[str]], walk: Walk, after: Position | None = None
    ) -> Sequence[Reach]:
        """Return for each set of starts the nodes within `walk.max_depth` hops of any of them, in the given order.

        A page after a cursor walks again from the starts: it costs as much as the walk up to its end."""
        ...

    async def paths(self, from_id: str, to_id: str, walk: Walk, most: int) -> Paths:
        """Return all shortest paths, at most `most`, no longer than `walk.max_depth`; one path without hops if both
        ends are the same node. `walk.max_nodes` is ignored; `walk.fan_out` bounds each expansion.
        Raises ValueError if `most` is less than 1."""
        ...

    async def subgraph(self, ids: Sequence[str], walk: Walk, most: int) -> Subgraph:
        """Return the edges among the ids, at most `most`; DEPENDENTS and DEPENDENCIES exclude edges without impact, the
        other directions include every edge. Otherwise only the walk's types and time apply. Raises ValueError if
        `most` is less than 1."""
        ...

    async def degrees(self, ids: Sequence[str], as_of: datetime | None = None) -> Mapping[str, Sequence[TypeDegree]]:
        """Return the exact degrees of each id by relationship type, in order of type; every id is a key."""
        ...

    async def health(self) -> Health:
        """Run one round trip; an unreachable store is reported, not raised."""
        ...

    async def close(self) -> None:
        """Close the connections and threads of the graph, but no shared database."""
        ...
