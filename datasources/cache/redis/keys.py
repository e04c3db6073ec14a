"""The names of keys in Redis, and the generations under which cached values are stored.

The generation of a table is a random text that changes with each `invalidate`. It is never a counter: an evicted
counter would start again and could make old values valid. `s...` was set by a lease that found none; `i...` was set
by an invalidation.

The epoch is a random text that all values share; a new one makes all of them misses. It is the first part of the
snapshot, up to which all writes have changed their generations. While the epoch is also stored at VALIDITY_KEY, that
snapshot is recent.

A view is the SHA-1 of the epoch and of the tables with their generations. A stored value begins with its format
version and its view; the reader compares them with those of the generations read in the same round trip.
"""

import hashlib
import secrets
from collections.abc import Iterable, Sequence

# Increase it when the layout of a stored value changes: values of other versions are then misses.
FORMAT_VERSION = b"\x01"
VIEW_LENGTH = 40

# The epoch, while values are valid; the epoch and the snapshot up to which all writes are known.
VALIDITY_KEY = "sf1:trust"
SNAPSHOT_KEY = "sf1:moment"


def sort_tables(tables: Iterable[str]) -> list[str]:
    """Return each table once, in the order of views and stamps."""
    return sorted(set(tables))


def generation_key(table: str) -> str:
    """Return the key of a table's generation."""
    return f"sf1:g:{table}"


def value_key(key: str) -> str:
    """Return the key of a value."""
    return f"sf1:v:{key}"


def lease_key(key: str) -> str:
    """Return the key of the lease under which a value is loaded."""
    return f"sf1:l:{key}"


def initial_generation() -> str:
    """Return a generation for a table that has none."""
    return "s" + secrets.token_urlsafe(9)


def next_generation() -> str:
    """Return a generation for a table that was written."""
    return "i" + secrets.token_urlsafe(9)


def new_epoch() -> str:
    """Return an epoch in which no value is stored."""
    return "e" + secrets.token_urlsafe(9)


def compute_view(trust: bytes | None, tables: Sequence[str], generations: Sequence[bytes | None]) -> bytes | None:
    """Return the 40 hexadecimal digits for an epoch and these generations.

    None if values are not valid or a table has no generation. lease.lua and fill.lua compute the same.
    """
    parts = [table.encode() + b"=" + now for table, now in zip(tables, generations, strict=True) if now is not None]
    if trust is None or len(parts) < len(tables):
        return None
    return hashlib.sha1(b",".join([trust, *parts]), usedforsecurity=False).hexdigest().encode()


def encode_stamp(trust: bytes | None, tables: Sequence[str], generations: Sequence[bytes | None]) -> bytes:
    """Return the epoch, the tables and the generations of a read as one text for the loader."""
    pairs = [table.encode() + b"=" + (now or b"") for table, now in zip(tables, generations, strict=True)]
    return b",".join([trust or b"", *pairs])


def decode_stamp(text: bytes) -> tuple[bytes, list[str], list[bytes]]:
    """Return the epoch, the tables and the generations of a stamp; missing ones are empty."""
    first, *rest = text.split(b",")
    pairs = [pair.partition(b"=") for pair in rest]
    return first, [table.decode() for table, _, _ in pairs], [generation for _, _, generation in pairs]
