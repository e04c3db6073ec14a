"""The content that a projection must have: the nodes and edges of the tables, in pages.

This module belongs to the graph and not to the tables, because it returns edges.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple, Protocol, TypeVar

from datasources.aurora.statements import Statement, statements
from datasources.graph.port import Edge, Impact
from datasources.graph.projection import EdgeVersion
from datasources.values import UUID

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Counts:
    """The number of nodes and edges in the tables."""

    nodes: int
    edges: int


class BucketDigest(NamedTuple):
    """A bucket of the tables: its numbers of nodes and edges, and the sums of their hashes as decimal strings."""

    bucket: int
    nodes: int
    nodes_sum: str
    edges: int
    edges_sum: str


class Reader(Protocol):
    """The main database, or a transaction of it."""

    async def fetch(
        self, statement: Statement, parameters: Mapping[str, object], record: Callable[..., R], /
    ) -> list[R]: ...


class RelationalSource:
    """Reads the graph from the tables. Nodes are the configuration items and the ends of current relationships; edges
    are the current relationships. Every read is one statement with its own snapshot, so a long pass blocks nothing.
    Raises the errors of the database."""

    def __init__(self, main: Reader) -> None:
        self._main = main

    async def counts(self) -> Counts:
        """Return the exact current counts."""
        return (await self._main.fetch(statements("graph/projection")["counts"], {}, Counts))[0]

    async def nodes(self, after: str | None, most: int) -> list[str]:
        """Return the first `most` nodes after an id, or from the start if it is None, in order of id."""
        return await self._main.fetch(statements("graph/projection")["nodes_page"], {"after": after, "most": most}, str)

    async def existing_nodes(self, ids: Sequence[str]) -> frozenset[str]:
        """Return those of the ids that are nodes. Ids that are not canonical UUIDs are excluded."""
        valid = [id for id in ids if UUID.fullmatch(id)]
        return frozenset(await self._main.fetch(statements("graph/projection")["nodes_known"], {"ids": valid}, str))

    async def edges(self, after: str | None, most: int) -> list[EdgeVersion]:
        """Return the first `most` edges after an id, or from the start if it is None, in order of id."""
        return await self._main.fetch(_edges("page"), {"after": after, "most": most}, _version)

    async def outgoing_edges(self, ids: Sequence[str]) -> list[EdgeVersion]:
        """Return every edge that leaves one of the nodes, by (node, edge id)."""
        valid = [id for id in ids if UUID.fullmatch(id)]
        return await self._main.fetch(_edges("leaving"), {"ids": valid}, _version)

    async def edges_by_ids(self, ids: Sequence[str]) -> list[EdgeVersion]:
        """Return the edges with these ids, in order of id; unknown ids are excluded."""
        valid = [id for id in ids if UUID.fullmatch(id)]
        return await self._main.fetch(_edges("by_ids"), {"ids": valid}, _version)

    async def adjacent_edges(self, ids: Sequence[str]) -> list[EdgeVersion]:
        """Return every edge that leaves or enters one of the nodes, in order of id."""
        valid = [id for id in ids if UUID.fullmatch(id)]
        return await self._main.fetch(_edges("touching"), {"ids": valid}, _version)

    async def digests(self, buckets: Sequence[int]) -> list[BucketDigest]:
        """Return the digests of these buckets, 0 to 255, unordered."""
        bound = {"buckets": list(buckets)}
        return await self._main.fetch(statements("graph/projection")["buckets_digested"], bound, BucketDigest)

    async def nodes_in_buckets(self, buckets: Sequence[int]) -> list[str]:
        """Return the nodes of these buckets, in order of id."""
        return await self._main.fetch(statements("graph/projection")["bucket_nodes"], {"buckets": list(buckets)}, str)

    async def edges_before(self, positions: Sequence[int]) -> list[EdgeVersion]:
        """Return the edges as they were before the changes at these outbox positions, in order of position."""
        return await self._main.fetch(_edges("before"), {"positions": list(positions)}, _version)


def _edges(kind: str) -> Statement:
    named = statements("graph/projection")
    return named[f"edges_{kind}"].fill_slots(columns=named["edge_columns"].text)


def _version(
    id: str, from_id: str, to_id: str, type: str, impact: str, group_id: str | None, valid_from: datetime
) -> EdgeVersion:
    edge = Edge(id=id, from_id=from_id, to_id=to_id, type=type, impact=Impact(impact), group_id=group_id)
    return EdgeVersion(edge, valid_from.astimezone(UTC))
