"""Asking each store how it is: one round trip each, all at once."""

import asyncio
from collections.abc import Awaitable
from dataclasses import replace

from datasources.cache.redis.adapter import RedisCache
from datasources.config import CacheSettings, GraphSettings, PostgresSettings
from datasources.credentials.factory import cache_credentials
from datasources.health import Health
from datasources.sources import open_database
from settings import Settings

# Seconds: a person waits, so a cold TLS handshake is not a fault yet.
TIMEOUT_SECONDS = 5.0


async def check_stores(settings: Settings) -> list[Health]:
    """The state of every store of filled settings, in the order main, requirements, cache, graph. Never raises."""
    asked: list[Awaitable[Health]] = []
    for name, postgres in (("main", settings.main), ("requirements", settings.requirements)):
        if postgres is not None:
            asked.append(_database(name, postgres))
    asked.append(_cache(settings.cache))
    asked.append(_graph(settings.graph))
    return list(await asyncio.gather(*asked))


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
    # The client is loaded only where there is a graph to ask.
    from datasources.graph.gremlin.client.client import GremlinClient

    client = GremlinClient(replace(settings, connect_timeout=TIMEOUT_SECONDS))
    try:
        return await client.health()
    finally:
        await client.close()
