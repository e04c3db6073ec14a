"""What a projection must hold: the nodes and edges of the tables, a page at a time.

It stands here and not among the tables, as it speaks of edges.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple, Protocol, TypeVar

from datasources.aurora.statements import Statement, statements
from datasources.graph.port import Edge, Impact
from datasources.graph.projection import EdgeVersion

R = TypeVar("R")

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Counts:
    """How many nodes and edges the tables hold."""

    nodes: int
    edges: int


class BucketDigest(NamedTuple):
    """A bucket in the tables: how many nodes and edges, and the sums of their hashes as decimal texts."""

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
    """Nodes are the configuration items and whatever stands at an end of a current relationship; edges are the
    current relationships. Every read is one statement with its own view of the tables, so a long pass holds up
    nobody. Errors are those of the database."""

    def __init__(self, main: Reader) -> None:
        self._main = main

    async def counts(self) -> Counts:
        """Exact, as of now."""
        return (await self._main.fetch(statements("graph/projection")["counts"], {}, Counts))[0]

    async def nodes(self, after: str | None, most: int) -> list[str]:
        """The first `most` nodes after an id, in order of id; from the first one if it is None."""
        return await self._main.fetch(statements("graph/projection")["nodes_page"], {"after": after, "most": most}, str)

    async def existing_nodes(self, ids: Sequence[str]) -> frozenset[str]:
        """Those of the ids that are nodes. What is no uuid in canonical form is none."""
        asked = [id for id in ids if _ID.fullmatch(id)]
        return frozenset(await self._main.fetch(statements("graph/projection")["nodes_known"], {"ids": asked}, str))

    async def edges(self, after: str | None, most: int) -> list[EdgeVersion]:
        """The first `most` edges after an id, in order of id; from the first one if it is None."""
        return await self._main.fetch(_edges("page"), {"after": after, "most": most}, _version)

    async def outgoing_edges(self, ids: Sequence[str]) -> list[EdgeVersion]:
        """Every edge that leaves one of the nodes, by (node, edge id)."""
        asked = [id for id in ids if _ID.fullmatch(id)]
        return await self._main.fetch(_edges("leaving"), {"ids": asked}, _version)

    async def edges_by_ids(self, ids: Sequence[str]) -> list[EdgeVersion]:
        """The edges of these ids, in order of id; unknown ids are left out."""
        asked = [id for id in ids if _ID.fullmatch(id)]
        return await self._main.fetch(_edges("by_ids"), {"ids": asked}, _version)

    async def adjacent_edges(self, ids: Sequence[str]) -> list[EdgeVersion]:
        """Every edge that leaves or enters one of the nodes, in order of id."""
        asked = [id for id in ids if _ID.fullmatch(id)]
        return await self._main.fetch(_edges("touching"), {"ids": asked}, _version)

    async def digests(self, buckets: Sequence[int]) -> list[BucketDigest]:
        """The digests of these buckets, 0 to 255, in no order."""
        bound = {"buckets": list(buckets)}
        return await self._main.fetch(statements("graph/projection")["buckets_digested"], bound, BucketDigest)

    async def nodes_in_buckets(self, buckets: Sequence[int]) -> list[str]:
        """The nodes of these buckets, in order of id."""
        return await self._main.fetch(statements("graph/projection")["bucket_nodes"], {"buckets": list(buckets)}, str)

    async def edges_before(self, positions: Sequence[int]) -> list[EdgeVersion]:
        """The edges as they were before the changes at these positions of the outbox, in order of position."""
        return await self._main.fetch(_edges("before"), {"positions": list(positions)}, _version)


def _edges(kind: str) -> Statement:
    known = statements("graph/projection")
    return known[f"edges_{kind}"].fill_slots(columns=known["edge_columns"].text)


def _version(
    id: str, from_id: str, to_id: str, type: str, impact: str, group_id: str | None, valid_from: datetime
) -> EdgeVersion:
    return EdgeVersion(Edge(id, from_id, to_id, type, Impact(impact), group_id), valid_from.astimezone(UTC))
