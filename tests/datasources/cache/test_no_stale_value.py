"""The law that matters most, in random interleavings of processes: no value outlives a write that was acknowledged."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from datasources.cache.redis.adapter import RedisCache
from datasources.cache.redis.connection import create_client
from datasources.cache.write_log import WrittenTables
from datasources.embedded.process import free_port
from datasources.embedded.valkey import EmbeddedValkey
from tests.fixtures.profiles import examples
from tests.fixtures.witness import Log

T = TypeVar("T")
DEPENDS = {"one": ("t",), "two": ("t", "u"), "three": ("u",)}
KEYS = st.sampled_from(sorted(DEPENDS))
TABLES = st.sampled_from(["t", "u"])
CLIENTS = st.sampled_from([0, 1])
# Where in a renewal of trust something may come in between.
STAGES = ("before it is noted", "before it is asked", "before it is told")


async def _finished(work: Awaitable[T]) -> T:
    return await work


class Interrupted(Log):
    """A witness whose answers something comes in between. Trust ends when the test says so, and then `until` is 0."""

    def __init__(self) -> None:
        super().__init__()
        self.between: dict[str, list[Callable[[], Awaitable[None]]]] = {stage: [] for stage in STAGES}

    async def record_lease(self, seconds: float) -> None:
        await self._come(STAGES[0])
        self.until = 1.0

    async def read_writes(self, since: str | None) -> WrittenTables:
        await self._come(STAGES[1])
        answer = await super().read_writes(since)
        await self._come(STAGES[2])
        return answer

    async def record_writes(self, tables: Sequence[str]) -> float:
        """Only asked where nobody need be waited for."""
        assert self.until == 0.0
        self.tables += tables
        return 0.0

    async def _come(self, stage: str) -> None:
        while self.between[stage]:
            await self.between[stage].pop()()


@dataclass
class Load:
    """A load under way in one process: what it read of the database, and its lease once it has one."""

    client: int
    key: str
    stamp: bytes
    value: bytes | None = None
    tokens: dict[str, str] | None = None


class Interleavings(RuleBasedStateMachine):
    """`database` is the version of each table; `floor` the version that was acknowledged last.

    A write is acknowledged after it was told to the cache; or by who can't reach the cache, once trust has ended; or
    by who doubts, as another process made it and died.
    """

    url: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        # The third only polls: its waits end at once, so that a lease that nobody ends holds up no test.
        leases = (60.0, 60.0, 0.001)
        self.log = Interrupted()
        self.caches = [
            RedisCache(self.url, write_log=self.log, timeout=5, lease=lease, validity_seconds=600.0) for lease in leases
        ]
        self.cut_off = RedisCache(f"redis://127.0.0.1:{free_port()}/0", write_log=self.log)
        # Sees what is trusted and renews nothing.
        self.watcher = RedisCache(self.url, timeout=5)
        self.bare = create_client(self.url, None, 5)
        self.run(self.bare.flushall())
        self.database = {"t": 1, "u": 1}
        self.floor = {"t": 1, "u": 1}
        self.loads: list[Load] = []

    def run(self, work: Awaitable[T]) -> T:
        return self.runner.run(_finished(work))

    def versions(self, key: str) -> bytes:
        return json.dumps({table: self.database[table] for table in DEPENDS[key]}).encode()

    def check(self, key: str, value: bytes) -> None:
        read = json.loads(value)
        assert sorted(read) == sorted(DEPENDS[key])
        assert all(read[table] >= self.floor[table] for table in read), (key, read, self.floor)

    @rule(client=CLIENTS, key=KEYS)
    def get(self, client: int, key: str) -> None:
        found = self.run(self.caches[client].get_many([key], DEPENDS[key]))
        if key in found.values:
            self.check(key, found.values[key])
        else:
            self.loads.append(Load(client, key, found.stamp))

    @precondition(lambda self: any(load.tokens is None for load in self.loads))
    @rule(number=st.integers(0, 5))
    def lease_and_read(self, number: int) -> None:
        waiting = [load for load in self.loads if load.tokens is None]
        load = waiting[number % len(waiting)]
        load.tokens = dict(self.run(self.caches[load.client].lease_many([load.key], load.stamp)))
        load.value = self.versions(load.key)

    @precondition(lambda self: any(load.value is not None for load in self.loads))
    @rule(number=st.integers(0, 5))
    def fill(self, number: int) -> None:
        ready = [load for load in self.loads if load.value is not None]
        load = ready[number % len(ready)]
        assert load.value is not None
        assert load.tokens is not None
        self.loads.remove(load)
        self.run(self.caches[load.client].fill({load.key: load.value}, load.tokens, load.stamp, 60))

    @rule(client=CLIENTS, key=KEYS, complete=st.booleans())
    def load(self, client: int, key: str, complete: bool) -> None:
        # Several steps at once, as most loads go, so that there are values to outlive a write.
        cache = self.caches[client]
        found = self.run(cache.get_many([key], DEPENDS[key]))
        if key in found.values:
            return
        tokens = dict(self.run(cache.lease_many([key], found.stamp)))
        load = Load(client, key, found.stamp, self.versions(key), tokens)
        if complete:
            self.run(cache.fill({key: self.versions(key)}, tokens, found.stamp, 60))
        else:
            self.loads.append(load)

    @rule(client=CLIENTS, table=TABLES)
    def write_and_invalidate(self, client: int, table: str) -> None:
        self._write(table)
        self.what_stands_in_redis_is_fresh()
        self.run(self.caches[client].invalidate([table]))
        self.floor[table] = self.database[table]

    def _write(self, table: str) -> None:
        self.database[table] += 1
        self.log.tables.append(table)

    @rule(table=TABLES)
    def write_and_die(self, table: str) -> None:
        self._write(table)

    async def _doubt(self, client: int) -> None:
        await self.caches[client].expire_all()
        self.floor = dict(self.database)

    async def _cut_off(self, table: str) -> None:
        # Who would have to wait is not done yet.
        if self.log.until == 0.0:
            await self.cut_off.invalidate([table])
            self.floor = dict(self.database)

    @rule(client=CLIENTS)
    def doubt(self, client: int) -> None:
        self.run(self._doubt(client))

    @rule(table=TABLES)
    def write_cut_off(self, table: str) -> None:
        self._write(table)
        self.run(self._cut_off(table))

    @rule()
    def trust_ends(self) -> None:
        self.run(self.bare.delete("sf1:trust"))
        self.log.until = 0.0

    @rule(
        client=CLIENTS, key=KEYS, table=TABLES, stage=st.sampled_from(STAGES),
        how=st.sampled_from(["dies", "doubts", "is cut off", "tells", "renews"]),
    )  # fmt: skip
    def write_while_trust_is_renewed(self, client: int, key: str, table: str, stage: str, how: str) -> None:
        self.trust_ends()
        other = self.caches[1 - client]

        async def write() -> None:
            self._write(table)
            if how == "doubts":
                await self._doubt(1 - client)
            elif how == "is cut off":
                await self._cut_off(table)
            elif how == "tells":
                await other.invalidate([table])
                self.floor[table] = self.database[table]
            elif how == "renews":
                await other.get_many([key], DEPENDS[key])

        self.log.between[stage].append(write)
        self.get(client, key)

    @rule(key=KEYS)
    def wait(self, key: str) -> None:
        for value in self.run(self.caches[2].wait_many([key], DEPENDS[key])).values():
            self.check(key, value)

    @rule(name=st.sampled_from(["g:t", "g:u", "v:one", "v:two", "l:one", "l:two", "trust", "moment"]))
    def evict(self, name: str) -> None:
        self.run(self.bare.delete(f"sf1:{name}"))

    @invariant()
    def what_stands_in_redis_is_fresh(self) -> None:
        for key, tables in DEPENDS.items():
            for value in self.run(self.watcher.get_many([key], tables)).values.values():
                self.check(key, value)

    def teardown(self) -> None:
        for cache in (*self.caches, self.cut_off, self.watcher):
            self.run(cache.close())
        self.run(self.bare.aclose())
        self.runner.close()


@pytest.fixture
def url(own_valkey: EmbeddedValkey) -> str:
    return own_valkey.url


def test_no_read_after_an_invalidation_gives_what_was_read_before_it(url: str) -> None:
    Interleavings.url = url
    run_state_machine_as_test(
        Interleavings,
        settings=settings(
            max_examples=examples(60), stateful_step_count=30, suppress_health_check=[HealthCheck.too_slow]
        ),
    )
