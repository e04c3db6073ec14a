"""The cache adapter for the setting `off`: it stores nothing."""

# The port defines the arguments; this adapter needs none of them.

from collections.abc import Mapping, Sequence

from datasources.cache.port import CachedValues
from datasources.health import Health


class NoCache:
    """Treat every read as a miss and grant every lease, without round trips."""

    enabled = False

    async def get_many(self, keys: Sequence[str], depends_on: Sequence[str]) -> CachedValues:
        """Return no values."""
        return CachedValues({}, b"")

    async def lease_many(self, keys: Sequence[str], stamp: bytes) -> Mapping[str, str]:
        """Grant the lease of every key, with an empty token."""
        return dict.fromkeys(keys, "")

    async def wait_many(self, keys: Sequence[str], depends_on: Sequence[str]) -> Mapping[str, bytes]:
        """Return no values immediately: the loads of other processes are not visible."""
        return {}

    async def fill(self, values: Mapping[str, bytes], tokens: Mapping[str, str], stamp: bytes, seconds: float) -> None:
        """Store nothing."""

    async def invalidate(self, tables: Sequence[str]) -> None:
        """Do nothing: no values are cached."""

    async def expire_all(self) -> None:
        """Do nothing: no values are cached."""

    async def health(self) -> Health:
        """Report that the cache is available and off."""
        return Health("cache", reachable=True, version="off")

    async def close(self) -> None:
        """Do nothing: there are no connections."""
