"""Health checks of all stores, concurrently, with one round trip each."""

import asyncio
from collections.abc import Awaitable
from dataclasses import replace

from datasources.cache.redis.adapter import RedisCache
from datasources.config import CacheSettings, GraphSettings, PostgresSettings
from datasources.credentials.factory import cache_credentials
from datasources.health import Health
from datasources.sources import open_database
from settings import Settings

# Seconds: long enough for a cold TLS handshake, because a person waits for the result.
TIMEOUT_SECONDS = 5.0


async def check_stores(settings: Settings) -> list[Health]:
    """Check every store of complete settings, in the order main, requirements, cache, graph. Never raises."""
    checks: list[Awaitable[Health]] = []
    for name, postgres in (("main", settings.main), ("requirements", settings.requirements)):
        if postgres is not None:
            checks.append(_database(name, postgres))
    checks.append(_cache(settings.cache))
    checks.append(_graph(settings.graph))
    return list(await asyncio.gather(*checks))


async def _database(name: str, postgres: PostgresSettings) -> Health:
    database = open_database(name, replace(postgres, connect_timeout=TIMEOUT_SECONDS, pool_timeout=TIMEOUT_SECONDS))
    try:
        return await database.health()
    finally:
        await database.close()


async def _cache(settings: CacheSettings | None) -> Health:
    if settings is None or settings.url is None:
        return Health("cache", reachable=True, details={"state": "off"})
    cache = RedisCache(
        settings.url, ca_file=settings.ca_file, timeout=TIMEOUT_SECONDS, credentials=cache_credentials(settings)
    )
    try:
        return await cache.health()
    finally:
        await cache.close()


async def _graph(settings: GraphSettings) -> Health:
    if settings.url is None:
        return Health("graph", reachable=True, details={"state": "recursive SQL on main"})
    # Import the client only if there is a graph store.
    from datasources.graph.gremlin.client.client import GremlinClient

    client = GremlinClient(replace(settings, connect_timeout=TIMEOUT_SECONDS))
    try:
        return await client.health()
    finally:
        await client.close()
