"""A Redis whose end of a connection vanished without a word, as while Lambda freezes a function; over TLS."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from datasources.cache.redis.adapter import RedisCache
from datasources.cache.redis.connection import MAX_IDLE_SECONDS
from datasources.cache.redis.keys import SNAPSHOT_KEY, VALIDITY_KEY
from datasources.request import RequestContext, use_request
from tests.datasources.cache.servers import TOKEN, TlsRedis
from tests.fixtures.gate import Gate
from tests.fixtures.witness import Log


@dataclass
class Instance:
    """A function that is thawed: its cache, the gate before the server, and its wall clock."""

    gate: Gate
    cache: RedisCache
    # What its key and its table are called.
    name: str
    now: float = 1_000_000.0

    async def found(self, times: int) -> int:
        """How many of so many reads at once find the value."""
        answers = await asyncio.gather(*(self.cache.get_many([self.name], [self.name]) for _ in range(times)))
        return sum(answer.values == {self.name: b"v"} for answer in answers)

    def vanish(self) -> int:
        """The other end of each connection is gone, and new ones are let in; how many stood."""
        self.gate.silence()
        return self.gate.cut_off()

    def breaker_is_closed(self) -> bool:
        return self.cache.breaker.is_closed


@pytest.fixture
async def instance(tls_redis: TlsRedis, name: str) -> AsyncIterator[Instance]:
    gate = Gate(f"rediss://:{TOKEN}@127.0.0.1:{tls_redis.port}/0")
    await gate.open()
    # Its certificate is for this name. Nothing may look slow on a slow machine but what is silent.
    url = gate.url.replace("127.0.0.1", "localhost")
    cache = RedisCache(
        url,
        ca_file=tls_redis.ca_file,
        timeout=2.0,
        validity_seconds=600.0,
        write_log=Log(),
        clock=lambda: made.now,
    )
    made = Instance(gate, cache, name)
    # Of tests before, which trusted as long as this one and knew no longer than a minute.
    await made.cache._redis.delete(VALIDITY_KEY, SNAPSHOT_KEY)
    found = await made.cache.get_many([name], [name])
    tokens = await made.cache.lease_many([name], found.stamp)
    await made.cache.fill({name: b"v"}, tokens, found.stamp, 600.0)
    yield made
    await made.cache.close()
    await gate.shut()


async def test_after_a_long_pause_every_read_finds_its_value_on_a_new_connection(instance: Instance) -> None:
    assert await instance.found(4) == 4
    stood = instance.gate.seen
    assert instance.vanish() == stood == 4
    instance.now += MAX_IDLE_SECONDS
    with use_request(RequestContext()) as call:
        assert await instance.found(4) == 4
    # Nothing was sent to the old ones, so nothing was sent twice.
    assert (call.usage.hits, call.usage.misses, call.usage.cache) == (4, 0, 4)
    assert instance.gate.seen == stood + 4
    assert instance.breaker_is_closed()


async def test_after_a_short_pause_one_read_misses_and_every_later_one_finds_its_value(instance: Instance) -> None:
    assert await instance.found(4) == 4
    stood = instance.gate.seen
    assert instance.vanish() == stood == 4
    assert await instance.found(1) == 0
    # One silent connection is enough to doubt the others: none of them costs another miss.
    assert await instance.found(1) == 1
    assert await instance.found(3) == 3
    assert instance.gate.seen == stood + 3
    assert instance.breaker_is_closed()


async def test_a_connection_in_use_stays(instance: Instance) -> None:
    assert await instance.found(1) == 1
    for _ in range(5):
        instance.now += MAX_IDLE_SECONDS - 1
        assert await instance.found(1) == 1
    # A clock that was set back is no pause.
    instance.now -= 10 * MAX_IDLE_SECONDS
    assert await instance.found(1) == 1
    assert instance.gate.seen == 1


async def test_whoever_closes_waits_for_no_goodbye(instance: Instance) -> None:
    assert await instance.found(3) == 3
    assert instance.vanish() == 3
    # It raises what a connection raises that is not closed in time.
    await instance.cache.close()
    assert instance.gate.seen == 3
