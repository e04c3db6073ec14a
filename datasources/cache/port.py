"""The cache port: batches of bytes by key, and a lease for the process that loads a missing value.

Laws: an unavailable or slow cache is a miss, never an error; reads and writes are batches, never one round trip per
key. After `invalidate` has returned, no process gets a value older than that write, whether or not the cache was
reachable.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from datasources.health import Health


@dataclass(frozen=True, slots=True)
class CachedValues:
    """The result of a read: values by key, and the generations under which they were read.

    Pass `stamp` on to `fill`, so that a value read before a write is never stored after it.
    """

    values: Mapping[str, bytes]
    stamp: bytes


class Cache(Protocol):
    """A read-through cache for loader batches. Keys are complete: with format version, scope and arguments."""

    @property
    def enabled(self) -> bool:
        """False for a cache that never stores anything, so that values need not be encoded for it."""
        ...

    async def get_many(self, keys: Sequence[str], depends_on: Sequence[str]) -> CachedValues:
        """Return the cached values that are not older than the last acknowledged write of any table they depend on.

        Takes one round trip, except for the one reader per second that asks the database what was written.
        `depends_on` names tables.
        """
        ...

    async def lease_many(self, keys: Sequence[str], stamp: bytes) -> Mapping[str, str]:
        """Try to become the one loader of each key; return the granted keys, each with its token.

        A lease ends with `fill` or after the lease time. If the cache is unreachable, every key is granted with an
        empty token. A key that was filled after the miss is not granted: `wait_many` returns it immediately. The load
        must begin after this returns.
        """
        ...

    async def wait_many(self, keys: Sequence[str], depends_on: Sequence[str]) -> Mapping[str, bytes]:
        """Wait at most the lease time for values that other processes load; the caller must load those not returned."""
        ...

    async def fill(self, values: Mapping[str, bytes], tokens: Mapping[str, str], stamp: bytes, seconds: float) -> None:
        """Store loaded values, each under its lease, for about `seconds` (with jitter), and end the leases.

        A key with a token but without a value releases its lease. A value read before a write is not stored.
        """
        ...

    async def invalidate(self, tables: Sequence[str]) -> None:
        """Turn all values that depend on these tables into misses, in every process, before this returns.

        Call it after the commit, and acknowledge the write after it. If the cache is unreachable from here, it returns
        when values that were read earlier are no longer trusted: after about one second.
        """
        ...

    async def expire_all(self) -> None:
        """Expire every cached value before this returns, so that no process gets one older than a committed write.

        Call before acknowledging another process's write: it may have crashed before invalidating.
        """
        ...

    async def health(self) -> Health:
        """Check the cache in one round trip; never raises for an unreachable cache."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...
