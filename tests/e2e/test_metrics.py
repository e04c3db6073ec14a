"""What operations measure, by value, on real stores: a cache that learns, a graph and a database that are lost."""

import logging
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from datasources.embedded.gremlin import EmbeddedGremlin
from datasources.embedded.valkey import EmbeddedValkey
from datasources.sources import open_sources
from resolvers.projection.resync import ensure_complete
from settings import load_settings
from tests.fixtures.emf import measured, values
from tests.fixtures.gate import Gate
from tests.fixtures.serving import serving

COSTS = ("Statements", "Traversals", "CacheHits", "CacheMisses", "Degraded", "StoreDown", "OperationErrors")
ITEM = '{ configurationItem(key: {source: "gitlab", key: "redis"}) { id name owner { name } } }'
WALK = '{ configurationItem(key: {source: "gitlab", key: "redis"}) { neighbours(first: 50) { totalCount } } }'
REQUIREMENTS = "{ requirements(first: 1) { totalCount } }"


@pytest.fixture
def valkey(tmp_path: Any) -> Iterator[EmbeddedValkey]:
    server = EmbeddedValkey(tmp_path / "valkey")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Lines are heard, as where metrics are on."""
    for name in ("stackflow.metrics", "stackflow.operations"):
        caplog.set_level(logging.INFO, name)
    return caplog


async def costs(client: httpx.AsyncClient, told: pytest.LogCaptureFixture, document: str) -> dict[str, Any]:
    """What one operation measured."""
    told.clear()
    assert (await client.post("/graphql", json={"query": document})).status_code == 200
    [line] = measured(told.records)
    return dict(zip(COSTS, values(line, *COSTS), strict=True))


def stores(demo: tuple[str, str], **more: str) -> dict[str, str]:
    return {
        "DATABASE_URL": demo[0], "REQUIREMENTS_URL": demo[1], "REDIS_URL": "off", "REQUEST_TIMEOUT_SECONDS": "4",
    } | more  # fmt: skip


async def test_what_misses_the_cache_hits_it_the_next_time(
    demo: tuple[str, str], valkey: EmbeddedValkey, told: pytest.LogCaptureFixture
) -> None:
    # Nothing may look slow on a slow machine.
    async with serving(stores(demo, REDIS_URL=valkey.url, REDIS_TIMEOUT_SECONDS="5")) as client:
        first = await costs(client, told, ITEM)
        second = await costs(client, told, ITEM)
    quiet = {"Traversals": 0, "Degraded": 0, "StoreDown": 0, "OperationErrors": 0}
    assert first == quiet | {"Statements": 2, "CacheHits": 0, "CacheMisses": 2}
    assert second == quiet | {"Statements": 0, "CacheHits": 2, "CacheMisses": 0}


async def test_a_lost_cache_measures_neither_hits_nor_misses(
    demo: tuple[str, str], valkey: EmbeddedValkey, told: pytest.LogCaptureFixture
) -> None:
    async with serving(stores(demo, REDIS_URL=valkey.url, REDIS_TIMEOUT_SECONDS="5")) as client:
        valkey.stop()
        lost = await costs(client, told, ITEM)
        assert (lost["CacheHits"], lost["CacheMisses"], lost["StoreDown"], lost["OperationErrors"]) == (0, 0, 0, 0)
        told.clear()
        await client.get("/health/ready")
        [line] = measured(told.records)
        assert values(line, "StoreDown") == (1,)


async def test_a_walk_counts_its_traversals_and_a_lost_graph_is_replaced(
    demo: tuple[str, str], gremlin_server: EmbeddedGremlin, told: pytest.LogCaptureFixture
) -> None:
    sources = open_sources(*load_settings(stores(demo, GRAPH_URL=gremlin_server.url)).require_stores())
    await ensure_complete(sources)
    await sources.close()
    gate = Gate(gremlin_server.url)
    await gate.open()
    async with serving(stores(demo, GRAPH_URL=f"ws://127.0.0.1:{gate.port}/gremlin")) as client:
        walked = await costs(client, told, WALK)
        await gate.shut()
        lost = await costs(client, told, WALK)
        told.clear()
        await client.get("/health/ready")
        [line] = measured(told.records)
    await gate.shut()
    assert walked == {
        "Statements": 1, "Traversals": 1, "CacheHits": 0, "CacheMisses": 0, "Degraded": 0, "StoreDown": 0,
        "OperationErrors": 0,
    }  # fmt: skip
    assert (lost["Degraded"], lost["StoreDown"], lost["OperationErrors"]) == (1, 0, 0)
    assert values(line, "StoreDown") == (1,)


async def test_a_database_that_is_down_is_counted_and_the_others_are_not(
    demo: tuple[str, str], told: pytest.LogCaptureFixture
) -> None:
    # One that is late by the deadline is slow, not down, so the wait for a connection is shorter.
    gate = Gate(demo[1])
    await gate.open()
    async with serving(stores((demo[0], gate.url), DATABASE_POOL_TIMEOUT_SECONDS="1")) as client:
        standing = await costs(client, told, REQUIREMENTS)
        await gate.shut()
        down = await costs(client, told, REQUIREMENTS)
        beside = await costs(client, told, ITEM)
    assert [(each["StoreDown"], each["OperationErrors"], each["Degraded"]) for each in (standing, down, beside)] == [
        (0, 0, 0), (1, 1, 0), (0, 0, 0),
    ]  # fmt: skip
