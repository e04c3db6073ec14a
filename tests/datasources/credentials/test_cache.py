"""A cache whose token turns, against a real Valkey, and one whose sockets were cut."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from datasources.cache.redis.adapter import RedisCache
from datasources.config import SecretReference
from datasources.credentials.aws import cache_secret_fetcher
from datasources.credentials.cached import CredentialCache
from datasources.embedded.valkey import EmbeddedValkey
from tests.fixtures.gate import Gate
from tests.fixtures.secrets_manager import SecretsManager

SECRET = SecretReference("REDIS_SECRET", "arn:aws:secretsmanager:us-east-1:123456789012:secret:redis-AbCdEf")


@pytest.fixture
def valkey() -> Iterator[EmbeddedValkey]:
    with tempfile.TemporaryDirectory(prefix="stackflow-") as folder:
        server = EmbeddedValkey(Path(folder) / "valkey")
        server.start()
        yield server
        server.stop()


@pytest.fixture
async def cache(valkey: EmbeddedValkey) -> AsyncIterator[RedisCache]:
    credentials = CredentialCache("cache", cache_secret_fetcher(SECRET))
    opened = RedisCache(f"redis://127.0.0.1:{urlsplit(valkey.url).port}/0", timeout=5.0, credentials=credentials)
    yield opened
    await opened.close()


@pytest.mark.parametrize("form", ["{}", '{{"token": "{}"}}', '{{"username": "default", "token": "{}"}}'])
async def test_a_token_that_turned_is_fetched_once(
    secrets: SecretsManager, valkey: EmbeddedValkey, cache: RedisCache, form: str
) -> None:
    secrets.texts[SECRET.arn] = form.format(urlsplit(valkey.url).password)
    assert (await cache.health()).reachable
    assert len(secrets.asked) == 1
    await cache._send("CONFIG", "SET", "requirepass", "second")
    await cache._redis.connection_pool.disconnect()
    secrets.texts[SECRET.arn] = form.format("second")
    assert (await cache.health()).problem == ""
    assert secrets.asked == [SECRET.arn] * 2


async def test_a_wrong_token_is_one_line_that_names_the_variable(secrets: SecretsManager, cache: RedisCache) -> None:
    secrets.texts[SECRET.arn] = "hush"
    for _ in range(3):
        assert (await cache.health()).problem == ("the cache refused the credentials; check the token in REDIS_SECRET")
    assert len(secrets.asked) == 2


@pytest.mark.parametrize("text", ["", '{"token": 7, "x": "hush"}', '{"token": "hush'])
async def test_a_secret_without_a_token_is_told(secrets: SecretsManager, cache: RedisCache, text: str) -> None:
    secrets.texts[SECRET.arn] = text
    problem = (await cache.health()).problem
    assert problem.startswith("REDIS_SECRET names a")
    assert "hush" not in problem


async def test_the_first_command_after_a_cut_answers(valkey: EmbeddedValkey) -> None:
    gate = Gate(valkey.url)
    await gate.open()
    opened = RedisCache(gate.url, timeout=5.0)
    try:
        assert (await opened.health()).reachable
        await gate.shut()
        await gate.open()
        assert (await opened.health()).reachable
        assert gate.seen == 2
    finally:
        await opened.close()
        await gate.shut()
