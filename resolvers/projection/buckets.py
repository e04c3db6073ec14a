"""Buckets of nodes with their outgoing edges: the bucket of a node, and the digest of a graph's contents."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from datasources.graph.projection import EdgeVersion
from datasources.graph.recursive.source import BucketDigest
from datasources.values import UUID

BUCKET_COUNT = 256

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def bucket_of(id: str) -> int:
    """Return the last byte of a UUID, which is random in all common versions; for other texts a byte of their hash."""
    return int(id[-2:], 16) if UUID.fullmatch(id) else hashlib.md5(id.encode(), usedforsecurity=False).digest()[0]


@dataclass(slots=True)
class Digest:
    """Counts and sums of hashes, independent of the order and grouping of the entries."""

    nodes: int = 0
    nodes_sum: int = 0
    edges: int = 0
    edges_sum: int = 0

    def add_nodes(self, ids: Iterable[str]) -> None:
        """Add these nodes."""
        for id in ids:
            self.nodes += 1
            self.nodes_sum += _hash(id)

    def add_edges(self, versions: Iterable[EdgeVersion]) -> None:
        """Add these edges; the tables contain none that is no longer valid, so such an edge changes the digest."""
        for version in versions:
            self.edges += 1
            self.edges_sum += _hash(_edge_text(version))

    def __str__(self) -> str:
        return f"{self.nodes}:{self.nodes_sum}|{self.edges}:{self.edges_sum}"


def digest_of(tables: BucketDigest) -> str:
    """Return the digest of the tables in the same text form as that of a graph."""
    return f"{tables.nodes}:{tables.nodes_sum}|{tables.edges}:{tables.edges_sum}"


def _edge_text(version: EdgeVersion) -> str:
    # Same format as in the statement buckets_digested.
    edge = version.edge
    moment = (version.valid_from - _EPOCH) // _MICROSECOND
    closed = "" if version.valid_to is None else "|closed"
    return (
        f"{edge.id}|{edge.from_id}|{edge.to_id}|{edge.type}|{edge.impact.value}|{edge.group_id or ''}|{moment}{closed}"
    )


def _hash(text: str) -> int:
    return int(hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()[:15], 16)
