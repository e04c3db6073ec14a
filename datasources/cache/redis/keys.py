"""Generations: what a cached value was read under, and where everything stands in Redis.

A table's generation is a random text that changes with each `invalidate`. It is never a counter: a counter
that was evicted would begin again and could revive a value of its earlier life. `s...` was settled by a lease
that found none; `i...` was set by an invalidation.

The epoch is a random text that all values share; a new one makes all of them misses. It stands in front of the moment
up to which all that was written has moved its generations. While it stands at `TRUST` as well, that moment is recent.

A view is the SHA-1 of the epoch and of the tables with their generations. A stored value begins with its format version
and its view; whoever reads it compares that head with the one of the generations read in the same round trip.
"""

import hashlib
import secrets
from collections.abc import Iterable, Sequence

# Raise it when the layout of a stored value changes: what another version wrote is then a miss.
FORMAT_VERSION = b"\x01"
VIEW_LENGTH = 40

# The epoch, while values are trusted; the epoch and the moment up to which everything is told.
VALIDITY_KEY = "sf1:trust"
SNAPSHOT_KEY = "sf1:moment"


def sort_tables(tables: Iterable[str]) -> list[str]:
    """Each table once, in the order in which views and stamps name them."""
    return sorted(set(tables))


def generation_key(table: str) -> str:
    """Where the generation of a table stands."""
    return f"sf1:g:{table}"


def value_key(key: str) -> str:
    """Where a value stands."""
    return f"sf1:v:{key}"


def lease_key(key: str) -> str:
    """Where the lease of a key stands while someone loads it."""
    return f"sf1:l:{key}"


def initial_generation() -> str:
    """A generation for a table that has none."""
    return "s" + secrets.token_urlsafe(9)


def next_generation() -> str:
    """A generation for a table that was written to."""
    return "i" + secrets.token_urlsafe(9)


def new_epoch() -> str:
    """An epoch that no value was stored in."""
    return "e" + secrets.token_urlsafe(9)


def compute_view(trust: bytes | None, tables: Sequence[str], generations: Sequence[bytes | None]) -> bytes | None:
    """The 40 hexadecimal digits of an epoch and these generations; None while there is no trust or a table has no
    generation. lease.lua and fill.lua say the same."""
    parts = [table.encode() + b"=" + now for table, now in zip(tables, generations, strict=True) if now is not None]
    if trust is None or len(parts) < len(tables):
        return None
    return hashlib.sha1(b",".join([trust, *parts]), usedforsecurity=False).hexdigest().encode()


def encode_stamp(trust: bytes | None, tables: Sequence[str], generations: Sequence[bytes | None]) -> bytes:
    """The epoch, the tables and the generations that a read saw, as one text for whoever loads."""
    pairs = [table.encode() + b"=" + (now or b"") for table, now in zip(tables, generations, strict=True)]
    return b",".join([trust or b"", *pairs])


def decode_stamp(text: bytes) -> tuple[bytes, list[str], list[bytes]]:
    """The epoch, the tables and the generations of a stamp; what was not there is empty."""
    first, *rest = text.split(b",")
    pairs = [pair.partition(b"=") for pair in rest]
    return first, [table.decode() for table, _, _ in pairs], [generation for _, _, generation in pairs]
