"""The projection: how a graph store is kept like the tables, and asked what it holds."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from datasources.graph.port import Edge


@dataclass(frozen=True, slots=True)
class NodeChange:
    """A node to upsert, or to remove with its edges."""

    id: str
    removed: bool = False


@dataclass(frozen=True, slots=True)
class EdgeVersion:
    """An edge as it was from a moment until, not including, another; `valid_to` None means that it still is.

    Moments are exact to the microsecond, as PostgreSQL's are.
    """

    edge: Edge
    valid_from: datetime
    valid_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class EdgeChange:
    """A version of an edge to upsert, or to remove. Its ends need not be known as nodes yet."""

    version: EdgeVersion
    removed: bool = False


@dataclass(frozen=True, slots=True)
class Changes:
    """What the projector hands over: nodes before edges, each in order; the last one of an id counts.

    `fresh` says that the store most likely knows all ends and holds none of the edges, so that it need not be asked
    first; if that is wrong it costs time and nothing else.
    """

    nodes: tuple[NodeChange, ...] = ()
    edges: tuple[EdgeChange, ...] = ()
    fresh: bool = False


class Projection(Protocol):
    """A graph store that holds a copy of the relationships. Errors are those of the graph port.

    Reads here go to the writer: they see what was applied before.
    """

    async def apply(self, changes: Changes) -> None:
        """Bring the store up to date. Applying the same changes twice changes nothing, so what was cut off may be
        sent again. Sent in batches, each whole or not at all."""
        ...

    def nodes(self) -> AsyncIterator[Sequence[str]]:
        """The id of every node, in no order, some at a time."""
        ...

    async def outgoing_edges(self, ids: Sequence[str]) -> Mapping[str, Sequence[EdgeVersion]]:
        """Every version of every edge that leaves each node, as declared, by (edge id, valid_from)."""
        ...

    async def clear(self) -> None:
        """Remove every node and edge, a batch at a time."""
        ...
