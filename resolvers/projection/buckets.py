"""Buckets of nodes with the edges that leave them: which one a node is in, and the digest of what a graph holds."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from datasources.graph.projection import EdgeVersion
from datasources.graph.recursive.source import BucketDigest

BUCKET_COUNT = 256

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def bucket_of(id: str) -> int:
    """The last byte of a uuid, which is random in every version that is in use; something for what is no uuid."""
    return int(id[-2:], 16) if _ID.fullmatch(id) else hashlib.md5(id.encode(), usedforsecurity=False).digest()[0]


@dataclass(slots=True)
class Digest:
    """Counts and sums of hashes: the same in whatever order and in whatever parts the entries come."""

    nodes: int = 0
    nodes_sum: int = 0
    edges: int = 0
    edges_sum: int = 0

    def add_nodes(self, ids: Iterable[str]) -> None:
        """Count these nodes."""
        for id in ids:
            self.nodes += 1
            self.nodes_sum += _hash(id)

    def add_edges(self, versions: Iterable[EdgeVersion]) -> None:
        """Count these edges; one that is no longer valid is none that tables hold."""
        for version in versions:
            self.edges += 1
            self.edges_sum += _hash(_edge_text(version))

    def __str__(self) -> str:
        return f"{self.nodes}:{self.nodes_sum}|{self.edges}:{self.edges_sum}"


def digest_of(found: BucketDigest) -> str:
    """The tables' digest as a text like that of a graph."""
    return f"{found.nodes}:{found.nodes_sum}|{found.edges}:{found.edges_sum}"


def _edge_text(version: EdgeVersion) -> str:
    # As buckets_digested writes them.
    edge = version.edge
    moment = (version.valid_from - _EPOCH) // _MICROSECOND
    closed = "" if version.valid_to is None else "|closed"
    return (
        f"{edge.id}|{edge.from_id}|{edge.to_id}|{edge.type}|{edge.impact.value}|{edge.group_id or ''}|{moment}{closed}"
    )


def _hash(text: str) -> int:
    return int(hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()[:15], 16)
