"""No cache at all: the legal setting `off`."""

# The port gives the arguments; nothing here needs them.

from collections.abc import Mapping, Sequence

from datasources.cache.port import CachedValues
from datasources.health import Health


class NoCache:
    """Everything is a miss and every lease is won; no round trips."""

    enabled = False

    async def get_many(self, keys: Sequence[str], depends_on: Sequence[str]) -> CachedValues:
        """Nothing."""
        return CachedValues({}, b"")

    async def lease_many(self, keys: Sequence[str], stamp: bytes) -> Mapping[str, str]:
        """Every key, with a token of nothing."""
        return dict.fromkeys(keys, "")

    async def wait_many(self, keys: Sequence[str], depends_on: Sequence[str]) -> Mapping[str, bytes]:
        """Nothing, at once: nobody else's load can be seen."""
        return {}

    async def fill(self, values: Mapping[str, bytes], tokens: Mapping[str, str], stamp: bytes, seconds: float) -> None:
        """Stores nothing."""

    async def invalidate(self, tables: Sequence[str]) -> None:
        """There is nothing to make a miss."""

    async def expire_all(self) -> None:
        """There is nothing to doubt."""

    async def health(self) -> Health:
        """Always well."""
        return Health("cache", reachable=True, version="off")

    async def close(self) -> None:
        """There is nothing to close."""
