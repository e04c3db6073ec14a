"""The cache port: batches of bytes by key, and a lease for whoever loads what is missing.

Laws: a lost or slow cache is a miss, never an error; reads and writes are batches, never a round trip per key. Once
`invalidate` has returned, no process is given what is older than the write it told of, whoever reached the cache.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from datasources.health import Health


@dataclass(frozen=True, slots=True)
class CachedValues:
    """What a read gave: values by key, and the generations under which they were read.

    `stamp` must be handed back to `fill`, so that what was read before a write is never stored after it.
    """

    values: Mapping[str, bytes]
    stamp: bytes


class Cache(Protocol):
    """Read-through for loader batches. Keys are complete: format version, access scope and arguments included."""

    @property
    def enabled(self) -> bool:
        """False for a cache that never holds anything, so that nobody encodes for it."""
        ...

    async def get_many(self, keys: Sequence[str], depends_on: Sequence[str]) -> CachedValues:
        """Values that are present and not older than the last write of any table they depend on that was
        acknowledged.

        One round trip, but for the one reader a second who asks the database what was written. `depends_on` names
        tables.
        """
        ...

    async def lease_many(self, keys: Sequence[str], stamp: bytes) -> Mapping[str, str]:
        """Try to become the one loader of each key: the keys won, each with its token.

        The lease ends by `fill`, or by itself after the lease time. Without a reachable cache every key is won,
        with an empty token. A key that was filled since it was missed is not won: `wait_many` gives it at once.
        The load must begin after this returns.
        """
        ...

    async def wait_many(self, keys: Sequence[str], depends_on: Sequence[str]) -> Mapping[str, bytes]:
        """Values another process is loading, waited for at most the lease time; whoever is not there must load."""
        ...

    async def fill(self, values: Mapping[str, bytes], tokens: Mapping[str, str], stamp: bytes, seconds: float) -> None:
        """Store what was loaded, each under its lease, for about `seconds` (with jitter), and end the leases.

        A key with a token and no value gives its lease back. What was read before a write is not stored.
        """
        ...

    async def invalidate(self, tables: Sequence[str]) -> None:
        """Make everything that depends on these tables a miss, in every process, from when this returns.

        Call it once the write is committed, and acknowledge the write after it. If the cache can't be reached from
        here, it returns when nobody trusts any more what he may have read before: within about a second.
        """
        ...

    async def expire_all(self) -> None:
        """From when this returns, no process is given what is older than any write that is committed by now.

        For who acknowledges what another process wrote, which may have died before its `invalidate`.
        """
        ...

    async def health(self) -> Health:
        """One round trip; never raises for an unreachable cache."""
        ...

    async def close(self) -> None:
        """Close the sockets."""
        ...
