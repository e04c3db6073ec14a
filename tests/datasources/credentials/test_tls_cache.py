"""A cache with TLS whose token stands in a secret and is turned as ElastiCache turns it, as settings open it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis

from datasources.cache.port import Cache
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.sources import open_sources
from settings import load_settings
from tests.datasources.cache.conftest import tls_redis
from tests.datasources.cache.servers import TOKEN, TlsRedis
from tests.datasources.credentials.test_cache import SECRET
from tests.fixtures.secrets_manager import SecretsManager

__all__ = ["tls_redis"]

NEXT = "the-next-token-of-sixteen"


async def turned(server: TlsRedis, *steps: str, token: str = TOKEN) -> None:
    """What ElastiCache does to its tokens: ROTATE adds one, SET leaves that one alone."""
    client: Any = Redis(host="localhost", port=server.port, password=token, ssl=True, ssl_ca_certs=server.ca_file)
    async with client as bare:
        await bare.execute_command("ACL", "SETUSER", "default", *steps)


@pytest.fixture
async def cache(tls_redis: TlsRedis, postgres: EmbeddedPostgres, secrets: SecretsManager) -> AsyncIterator[Cache]:
    secrets.texts[SECRET.arn] = TOKEN
    sources = open_sources(
        *load_settings(
            {
                "DATABASE_URL": postgres.url("stackflow"), "REQUIREMENTS_URL": postgres.url("requirements"),
                "REDIS_URL": f"rediss://localhost:{tls_redis.port}/0", "REDIS_SECRET": SECRET.arn,
                "REDIS_CA_FILE": tls_redis.ca_file, "REDIS_TIMEOUT_SECONDS": "5",
            }
        ).require_stores()
    )  # fmt: skip
    yield sources.cache
    await sources.close()
    # Whatever a test left, the server's own token is the only one again.
    await turned(tls_redis, "resetpass", f">{TOKEN}", token=NEXT)


async def closed(cache: Cache) -> None:
    """Its connections end, as those of an instance that starts."""
    await cache._redis.connection_pool.disconnect()  # type: ignore[attr-defined]


async def test_a_token_is_turned_under_way_and_nobody_is_turned_away(
    cache: Cache, tls_redis: TlsRedis, secrets: SecretsManager
) -> None:
    health = await cache.health()
    assert (health.reachable, health.problem, secrets.asked) == (True, "", [SECRET.arn])
    # Both serve: who has the old one needs no other.
    await turned(tls_redis, f">{NEXT}")
    await closed(cache)
    assert (await cache.health()).reachable
    assert secrets.asked == [SECRET.arn]
    # The secret is written, then the old one ends. What stands goes on; a new connection is refused, asks once more.
    secrets.texts[SECRET.arn] = NEXT
    await turned(tls_redis, "resetpass", f">{NEXT}")
    assert (await cache.health()).reachable
    assert secrets.asked == [SECRET.arn]
    await closed(cache)
    health = await cache.health()
    assert (health.reachable, health.problem, secrets.asked) == (True, "", [SECRET.arn] * 2)
    # It serves from now on.
    await closed(cache)
    assert (await cache.health()).reachable
    assert len(secrets.asked) == 2
    # And values go in and out by it.
    found = await cache.get_many(["turned"], ["turned"])
    tokens = await cache.lease_many(["turned"], found.stamp)
    await cache.fill({"turned": b"v"}, tokens, found.stamp, 600.0)
    assert (await cache.get_many(["turned"], ["turned"])).values == {"turned": b"v"}
