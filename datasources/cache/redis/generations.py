"""Generations: what a cached value was read under, and where everything stands in Redis.

A table's generation is a random text that changes with each `invalidate`. It is never a counter: a counter
that was evicted would begin again and could revive a value of its earlier life. `s...` was settled by a lease
that found none; `i...` was set by an invalidation.

A view is the SHA-1 of the tables and their generations. A stored value begins with its format version and its
view; whoever reads it compares that head with the one of the generations read in the same round trip.
"""

import hashlib
import secrets
from collections.abc import Iterable, Sequence

# Raise it when the layout of a stored value changes: what another version wrote is then a miss.
FORMAT = b"\x01"
VIEW_LENGTH = 40


def tables_in_order(tables: Iterable[str]) -> list[str]:
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


def settled() -> str:
    """A generation for a table that has none."""
    return "s" + secrets.token_urlsafe(9)


def moved() -> str:
    """A generation for a table that was written to."""
    return "i" + secrets.token_urlsafe(9)


def view(tables: Sequence[str], generations: Sequence[bytes | None]) -> bytes | None:
    """The 40 hexadecimal digits of these generations; None while any table has none. lease.lua says the same."""
    parts = [table.encode() + b"=" + now for table, now in zip(tables, generations, strict=True) if now is not None]
    if len(parts) < len(tables):
        return None
    return hashlib.sha1(b",".join(parts), usedforsecurity=False).hexdigest().encode()


def stamp(tables: Sequence[str], generations: Sequence[bytes | None]) -> bytes:
    """The tables and the generations that a read saw, as one text for whoever loads."""
    return b",".join(table.encode() + b"=" + (now or b"") for table, now in zip(tables, generations, strict=True))


def seen(text: bytes) -> tuple[list[str], list[bytes]]:
    """The tables and generations of a stamp; a generation that was not there is empty."""
    pairs = [pair.partition(b"=") for pair in text.split(b",")] if text else []
    return [table.decode() for table, _, _ in pairs], [generation for _, _, generation in pairs]
