"""A lost or frozen Redis is a miss: the breaker opens, what is owed is paid, and it comes back."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest

from datasources.cache.redis.adapter import RedisCache
from datasources.embedded.valkey import EmbeddedValkey
from datasources.request import RequestContext, use_request
from tests.datasources.cache.test_laws import put
from tests.fixtures.standing_still import stand_still
from tests.fixtures.witness import Log


@pytest.fixture
async def cache(own_valkey: EmbeddedValkey) -> AsyncIterator[RedisCache]:
    """A client whose breaker opens at the third failure and stays open until the test says otherwise."""
    found = RedisCache(own_valkey.url, write_log=Log(), timeout=0.2, breaker_after=3, breaker_pause=3600)
    yield found
    await found.close()


def now(cache: RedisCache) -> None:
    """The pause of the breaker is over."""
    cache.breaker.open_seconds = 0.0


async def spent(cache: RedisCache, times: int) -> list[int]:
    """Round trips of each of some reads of `k`, all of which must be misses."""
    counts = []
    for _ in range(times):
        with use_request(RequestContext()) as call:
            assert (await cache.get_many(["k"], ["t"])).values == {}
        counts.append(call.usage.cache)
    return counts


async def test_killed_server_is_a_miss_then_costs_nothing_then_comes_back(
    own_valkey: EmbeddedValkey, cache: RedisCache
) -> None:
    await put(cache, {"k": b"v"}, ["t"])
    assert own_valkey.pid is not None
    port = own_valkey.port
    os.kill(own_valkey.pid, signal.SIGKILL)
    own_valkey.stop()
    assert await spent(cache, 6) == [1, 1, 1, 0, 0, 0]
    with use_request(RequestContext()) as call:
        found = await cache.get_many(["k"], ["t"])
        assert await cache.lease_many(["k"], found.stamp) == {"k": ""}
        assert await cache.wait_many(["k"], ["t"]) == {}
        await cache.fill({"k": b"v"}, {"k": ""}, found.stamp, 60)
    assert call.usage.cache == 0
    health = await cache.health()
    assert (health.reachable, health.details["breaker"]) == (False, "open")
    assert "refused" in health.problem or "Connect call failed" in health.problem
    own_valkey.start(port)
    now(cache)
    await put(cache, {"k": b"back"}, ["t"])
    assert (await cache.get_many(["k"], ["t"])).values == {"k": b"back"}
    assert (await cache.health()).details["breaker"] == "closed"


async def test_restart_between_two_calls_is_one_miss_at_most(own_valkey: EmbeddedValkey, cache: RedisCache) -> None:
    await put(cache, {"k": b"v"}, ["t"])
    port = own_valkey.port
    own_valkey.stop()
    own_valkey.start(port)
    await cache.get_many(["k"], ["t"])
    await put(cache, {"k": b"new"}, ["t"])
    assert (await cache.get_many(["k"], ["t"])).values == {"k": b"new"}


async def test_frozen_server_is_a_miss_and_its_late_answers_reach_nobody(
    own_valkey: EmbeddedValkey, cache: RedisCache
) -> None:
    await put(cache, {"k": b"v", "other": b"o"}, ["t"])
    assert own_valkey.pid is not None
    stand_still(own_valkey.pid)
    assert await spent(cache, 4) == [1, 1, 1, 0]
    assert (await cache.health()).problem == "the cache did not answer in time"
    os.kill(own_valkey.pid, signal.SIGCONT)
    now(cache)
    assert (await cache.get_many(["other"], ["t"])).values == {"other": b"o"}
    assert (await cache.get_many(["k"], ["t"])).values == {"k": b"v"}


async def test_deadline_shorter_than_the_timeout_does_not_count_against_redis(
    own_valkey: EmbeddedValkey, cache: RedisCache
) -> None:
    await put(cache, {"k": b"v"}, ["t"])
    assert own_valkey.pid is not None
    stand_still(own_valkey.pid)
    for _ in range(5):
        with use_request(RequestContext(deadline=asyncio.get_running_loop().time() + 0.01)):
            assert (await cache.get_many(["k"], ["t"])).values == {}
    os.kill(own_valkey.pid, signal.SIGCONT)
    assert (await cache.get_many(["k"], ["t"])).values == {"k": b"v"}


async def test_cancelled_trial_does_not_hold_the_breaker_open(own_valkey: EmbeddedValkey, cache: RedisCache) -> None:
    await put(cache, {"k": b"v"}, ["t"])
    assert own_valkey.pid is not None
    stand_still(own_valkey.pid)
    await spent(cache, 3)
    now(cache)
    trial = asyncio.ensure_future(cache.get_many(["k"], ["t"]))
    await asyncio.sleep(0.01)
    trial.cancel()
    with pytest.raises(asyncio.CancelledError):
        await trial
    os.kill(own_valkey.pid, signal.SIGCONT)
    assert (await cache.get_many(["k"], ["t"])).values == {"k": b"v"}


async def test_server_that_refuses_writes_is_no_error(own_valkey: EmbeddedValkey, cache: RedisCache) -> None:
    await cache._redis.config_set("maxmemory-policy", "noeviction")
    await cache._redis.config_set("maxmemory", "1")
    found = await cache.get_many(["k"], ["t"])
    assert await cache.lease_many(["k"], found.stamp) == {"k": ""}
    await cache.invalidate(["t"])
    await cache._redis.config_set("maxmemory", "0")
    await cache.invalidate(["t"])
    assert (await cache.health()).details == {"breaker": "closed"}
