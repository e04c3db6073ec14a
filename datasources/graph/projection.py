"""The projection port: how a graph store is updated from the tables, and read for comparison."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from datasources.graph.port import Edge


@dataclass(frozen=True, slots=True)
class NodeChange:
    """A node to upsert, or to remove together with its edges."""

    id: str
    removed: bool = False


@dataclass(frozen=True, slots=True)
class EdgeVersion:
    """An edge as valid from `valid_from` until, excluding, `valid_to`; None means that it is still valid.

    Times have microsecond precision, as in PostgreSQL.
    """

    edge: Edge
    valid_from: datetime
    valid_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class EdgeChange:
    """A version of an edge to upsert, or to remove. Its ends may be unknown as nodes."""

    version: EdgeVersion
    removed: bool = False


@dataclass(frozen=True, slots=True)
class Changes:
    """A batch of changes from the projector: nodes before edges, each in order; the last change of an id wins.

    `fresh` states that the store probably contains all ends and none of the edges, so that it is not queried
    first; if this is wrong, the write only takes longer.
    """

    nodes: tuple[NodeChange, ...] = ()
    edges: tuple[EdgeChange, ...] = ()
    fresh: bool = False


class Projection(Protocol):
    """A graph store with a copy of the relationships. Raises the errors of the graph port.

    Reads go to the writer, so they see all earlier changes.
    """

    async def apply(self, changes: Changes) -> None:
        """Apply the changes to the store. Idempotent, so that an interrupted call can be repeated. The changes are sent
        in batches; each batch is atomic."""
        ...

    def nodes(self) -> AsyncIterator[Sequence[str]]:
        """Yield the ids of all nodes in batches, unordered."""
        ...

    async def outgoing_edges(self, ids: Sequence[str]) -> Mapping[str, Sequence[EdgeVersion]]:
        """Return every version of every edge that leaves each node, as declared, by (edge id, valid_from)."""
        ...

    async def clear(self) -> None:
        """Remove all nodes and edges, in batches."""
        ...
