"""Asking each store how it is: one round trip each, all at once."""

import asyncio
import time
from collections.abc import Awaitable
from dataclasses import replace
from urllib.parse import urlsplit

from datasources.aurora.database import Database
from datasources.cache.redis.adapter import RedisCache
from datasources.health import Health
from datasources.options import CacheSettings, GraphSettings, PostgresSettings
from settings import Settings

# Seconds: a person waits, so a cold TLS handshake is not a fault yet.
PATIENCE = 5.0
_GREMLIN_PORT = 8182


async def healths(settings: Settings) -> list[Health]:
    """The state of every store of filled settings, in the order main, requirements, cache, graph. Never raises."""
    asked: list[Awaitable[Health]] = []
    for name, postgres in (("main", settings.main), ("requirements", settings.requirements)):
        if postgres is not None:
            asked.append(_database(name, postgres))
    asked.append(_cache(settings.cache))
    asked.append(_graph(settings.graph))
    return list(await asyncio.gather(*asked))


async def _database(name: str, postgres: PostgresSettings) -> Health:
    database = Database(name, postgres.url, connect_timeout=PATIENCE, pool_timeout=PATIENCE)
    try:
        return await database.health()
    finally:
        await database.close()


async def _cache(settings: CacheSettings | None) -> Health:
    if settings is None or settings.url is None:
        return Health("cache", reachable=True, details={"state": "off"})
    cache = RedisCache(settings.url, ca_file=settings.ca_file, timeout=PATIENCE)
    try:
        return await cache.health()
    finally:
        await cache.close()


async def _graph(settings: GraphSettings) -> Health:
    if settings.url is None:
        return Health("graph", reachable=True, details={"state": "recursive SQL on main"})
    # Reachability of the socket, TLS included; whether it speaks Gremlin shows in the first walk.
    parts = urlsplit(settings.url)
    begin = time.perf_counter()
    health = Health("graph", reachable=False)
    try:
        async with asyncio.timeout(PATIENCE):
            _, writer = await asyncio.open_connection(
                parts.hostname, parts.port or _GREMLIN_PORT, ssl=parts.scheme == "wss" or None
            )
            writer.close()
            await writer.wait_closed()
    except TimeoutError:
        return replace(health, problem=f"no answer within {PATIENCE:.0f} s")
    except OSError as error:
        return replace(health, problem=error.strerror or str(error))
    return replace(health, reachable=True, latency_ms=(time.perf_counter() - begin) * 1_000)
