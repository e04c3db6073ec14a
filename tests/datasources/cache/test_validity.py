"""Trust: what a writer could not tell the cache, whoever reads learns from the database before he believes a value."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import psycopg
import pytest

from datasources.aurora.driver.database import Database
from datasources.aurora.outbox.write_log import PostgresWriteLog, purge
from datasources.cache.redis import validity as trusting
from datasources.cache.redis.adapter import RedisCache
from datasources.cache.redis.connection import create_client
from datasources.cache.write_log import WriteLog, WrittenTables
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.embedded.valkey import EmbeddedValkey
from datasources.request import RequestContext, use_request
from tests.fixtures.databases import create_database
from tests.fixtures.gate import Gate

TEAMS = ("teams",)
# Seconds of trust where a test waits for its end, and where nothing may happen by waiting.
SHORT, LONG = 0.5, 600.0


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    server = EmbeddedValkey(tmp_path_factory.mktemp("trust") / "valkey")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def url(postgres: EmbeddedPostgres) -> str:
    return create_database(postgres, "trust")


@dataclass
class ReplaceableLog:
    """A write log that a test may replace under a running cache."""

    current: WriteLog

    async def record_lease(self, seconds: float) -> None:
        await self.current.record_lease(seconds)

    async def read_writes(self, since: str | None) -> WrittenTables:
        return await self.current.read_writes(since)

    async def record_writes(self, tables: Sequence[str]) -> float:
        return await self.current.record_writes(tables)


@dataclass
class Process:
    """A process of the service: its way to the cache, which may be cut, and to the database."""

    cache: RedisCache
    gate: Gate
    main: Database
    log: ReplaceableLog

    async def read(self) -> tuple[str, bool]:
        """The name of the one team as a loader reads it, and whether it came out of the cache."""
        found = await self.cache.get_many(["team"], TEAMS)
        if "team" in found.values:
            return found.values["team"].decode(), True
        tokens = await self.cache.lease_many(["team"], found.stamp)
        name = await self.load()
        await self.cache.fill({"team": name.encode()}, tokens, found.stamp, 60)
        return name, False

    async def load(self) -> str:
        async with self.main.connection() as connection:
            row = await (await connection.execute("SELECT name FROM teams")).fetchone()
        assert row is not None
        return str(row[0])

    async def write(self, name: str) -> None:
        """A write that is not told to anybody."""
        async with self.main.connection() as connection:
            await connection.execute("UPDATE teams SET name = %s", (name,))


@dataclass
class World:
    """Two processes, the database between them, and what stands in Redis."""

    one: Process
    two: Process
    # Any: the client types its answers as bytes, text or awaitables of either.
    redis: Any
    url: str


@asynccontextmanager
async def running(server: EmbeddedValkey, url: str, seconds: float) -> AsyncIterator[World]:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("TRUNCATE teams, outbox CASCADE")
        connection.execute("DELETE FROM table_writes")
        connection.execute("UPDATE cache_trust SET until = now()")
        connection.execute("INSERT INTO teams (id, key, name) VALUES (gen_random_uuid(), 'one', 'old')")
    redis: Any = create_client(server.url, None, 5.0)
    await redis.flushall()
    processes = []
    for _ in range(2):
        gate, main = Gate(server.url), Database("main", url)
        await gate.open()
        # One failure is enough for the breaker, so that a lost cache costs the test no time.
        log = ReplaceableLog(PostgresWriteLog(main))
        cache = RedisCache(gate.url, write_log=log, timeout=1.0, breaker_after=1, validity_seconds=seconds)
        processes.append(Process(cache, gate, main, log))
    one, two = processes
    yield World(one, two, redis, url)
    for each in processes:
        await each.cache.close()
        await each.gate.shut()
        await each.main.close()
    await redis.aclose()


@pytest.fixture
async def world(valkey: EmbeddedValkey, url: str) -> AsyncIterator[World]:
    """Trust ends soon."""
    async with running(valkey, url, SHORT) as found:
        yield found


@pytest.fixture
async def trusting_world(valkey: EmbeddedValkey, url: str) -> AsyncIterator[World]:
    """Trust does not end by itself."""
    async with running(valkey, url, LONG) as found:
        yield found


async def test_a_writer_cut_off_from_the_cache_acknowledges_when_no_other_process_gives_the_old_value(
    world: World,
) -> None:
    one, two = world.one, world.two
    for name in ("first", "second"):
        assert (await two.read())[0] == (await two.load())
        assert (await two.read())[1]
        await one.gate.shut()
        await one.write(name)
        await one.cache.invalidate(TEAMS)
        assert await two.read() == (name, False)
        assert await two.read() == (name, True)


async def test_a_slow_reader_fills_in_what_it_read_before_a_write_that_the_cache_was_not_told_of(world: World) -> None:
    one, two = world.one, world.two
    found = await two.cache.get_many(["team"], TEAMS)
    tokens = await two.cache.lease_many(["team"], found.stamp)
    old = await two.load()
    await one.gate.shut()
    await one.write("new")
    await two.cache.fill({"team": old.encode()}, tokens, found.stamp, 60)
    await one.cache.invalidate(TEAMS)
    assert await two.read() == ("new", False)
    # And once more, with a fill that comes after the acknowledgement.
    found = await two.cache.get_many(["other"], TEAMS)
    tokens = await two.cache.lease_many(["other"], found.stamp)
    await one.write("newer")
    await one.cache.invalidate(TEAMS)
    await two.cache.fill({"other": b"new"}, tokens, found.stamp, 60)
    assert (await two.cache.get_many(["other"], TEAMS)).values == {}


async def test_a_writer_that_dies_after_its_commit_is_made_up_for_without_anybody_following(world: World) -> None:
    assert [await world.two.read() for _ in range(2)] == [("old", False), ("old", True)]
    await world.one.write("new")
    end = monotonic() + 30
    while (await world.two.read())[0] == "old":
        assert monotonic() < end
    assert await world.two.read() == ("new", True)


async def test_who_repeats_the_answer_of_a_writer_that_died_leaves_no_old_value(trusting_world: World) -> None:
    one, two = trusting_world.one, trusting_world.two
    assert [await two.read() for _ in range(2)] == [("old", False), ("old", True)]
    await one.write("new")
    assert await two.read() == ("old", True)
    await one.cache.expire_all()
    assert await two.read() == ("new", False)


async def test_doubt_of_who_is_cut_off_waits_for_the_end_of_trust(world: World) -> None:
    one, two = world.one, world.two
    assert [await two.read() for _ in range(2)] == [("old", False), ("old", True)]
    await one.write("new")
    await one.gate.shut()
    await one.cache.expire_all()
    assert await two.read() == ("new", False)


async def test_whoever_asked_before_a_doubt_does_not_bring_trust_back(trusting_world: World) -> None:
    one, two = trusting_world.one, trusting_world.two
    assert [await two.read() for _ in range(2)] == [("old", False), ("old", True)]
    await trusting_world.redis.delete("sf1:trust")
    witness = PostgresWriteLog(two.main)

    class Slow(PostgresWriteLog):
        async def read_writes(self, since: str | None) -> Any:
            answer = await witness.read_writes(since)
            if not slept:
                slept.append(True)
                await one.write("new")
                await one.cache.expire_all()
            return answer

    slept: list[bool] = []
    two.log.current = Slow(two.main)
    assert await two.read() == ("new", False)
    assert slept == [True]


async def test_a_write_that_comes_while_somebody_asks_waits_for_the_end_of_his_trust(world: World) -> None:
    one, two = world.one, world.two
    assert [await two.read() for _ in range(2)] == [("old", False), ("old", True)]
    await world.redis.delete("sf1:trust")
    with psycopg.connect(world.url, autocommit=True) as connection:
        connection.execute("UPDATE cache_trust SET until = now()")
    acknowledged: list[asyncio.Task[None]] = []

    class Slow(PostgresWriteLog):
        async def read_writes(self, since: str | None) -> Any:
            answer = await super().read_writes(since)
            if not acknowledged:
                await one.write("new")
                await one.gate.shut()
                acknowledged.append(asyncio.create_task(one.cache.invalidate(TEAMS)))
                # Long enough for who need not wait, and shorter than trust.
                await asyncio.sleep(SHORT / 5)
            return answer

    two.log.current = Slow(two.main)
    # A renewal that had begun before may have brought trust back: then nobody is asked, and it is taken away again.
    async with asyncio.timeout(30):
        while not acknowledged:
            await world.redis.delete("sf1:trust")
            await two.cache.get_many(["team"], TEAMS)
    await acknowledged[0]
    assert await two.read() == ("new", False)


async def test_with_redis_lost_to_all_no_write_waits_for_longer_than_a_trust(trusting_world: World) -> None:
    one, two = trusting_world.one, trusting_world.two
    for each in (one, two):
        await each.gate.shut()
        assert await each.read() == ("old", False)
    await one.write("new")
    # Nobody was trusted since: trust lasts for ten minutes here, so a test that ends says that nobody waited.
    async with asyncio.timeout(30):
        await one.cache.invalidate(TEAMS)
    assert await two.read() == ("new", False)
    with psycopg.connect(trusting_world.url) as connection:
        assert connection.execute("SELECT table_name FROM table_writes").fetchall() == [("teams",)]


async def test_with_redis_and_the_database_lost_a_write_waits_the_whole_time(world: World) -> None:
    one, two = world.one, world.two
    assert [await two.read() for _ in range(2)] == [("old", False), ("old", True)]
    await one.write("new")
    await one.gate.shut()
    await one.main.close()
    await one.cache.invalidate(TEAMS)
    assert await two.read() == ("new", False)
    one.main = Database("main", world.url)


async def test_without_the_database_nothing_is_trusted(trusting_world: World) -> None:
    two = trusting_world.two
    assert [await two.read() for _ in range(2)] == [("old", False), ("old", True)]
    await trusting_world.redis.delete("sf1:trust")
    two.log.current = PostgresWriteLog(Database("main", "postgresql://127.0.0.1:1/none", pool_timeout=0.2))
    assert (await two.cache.get_many(["team"], TEAMS)).values == {}
    two.log.current = PostgresWriteLog(two.main)
    # It is asked again after a pause, and then the value is still good.
    await asyncio.sleep(trusting.RETRY_PAUSE_SECONDS)
    assert await two.read() == ("old", True)


async def test_a_renewal_misses_what_was_written_and_nothing_else(trusting_world: World) -> None:
    one, two = trusting_world.one, trusting_world.two
    tables = ["teams", "users", "relationship_types", "documents"]
    for table in tables:
        found = await two.cache.get_many([table], [table])
        tokens = await two.cache.lease_many([table], found.stamp)
        await two.cache.fill({table: b"v"}, tokens, found.stamp, 60)
    async with one.main.connection() as connection:
        await connection.execute("UPDATE teams SET name = 'other'")
        await connection.execute("DELETE FROM documents")
        await connection.execute("BEGIN; UPDATE teams SET name = 'gone'; ROLLBACK")
    await trusting_world.redis.delete("sf1:trust")
    held = [bool((await two.cache.get_many([table], [table])).values) for table in tables]
    assert held == [False, True, True, False]
    # What was told once is not told again.
    generation = await trusting_world.redis.get("sf1:g:teams")
    await trusting_world.redis.delete("sf1:trust")
    await two.cache.get_many(["teams"], TEAMS)
    assert await trusting_world.redis.get("sf1:g:teams") == generation


async def test_a_write_under_way_at_one_renewal_is_told_at_the_next(trusting_world: World) -> None:
    two = trusting_world.two
    assert await two.read() == ("old", False)
    async with await psycopg.AsyncConnection.connect(trusting_world.url) as slow:
        await slow.execute("UPDATE teams SET name = 'new'")
        # Younger transactions are over before it.
        await trusting_world.one.main.close()
        with psycopg.connect(trusting_world.url, autocommit=True) as other:
            other.execute("INSERT INTO table_writes (table_name) VALUES ('documents')")
        await trusting_world.redis.delete("sf1:trust")
        assert await two.read() == ("old", True)
        await slow.commit()
    await trusting_world.redis.delete("sf1:trust")
    assert await two.read() == ("new", False)
    trusting_world.one.main = Database("main", trusting_world.url)


@pytest.mark.parametrize("lost", ["the moment", "an older database"])
async def test_where_nobody_knows_since_when_everything_is_a_miss(trusting_world: World, lost: str) -> None:
    two, redis = trusting_world.two, trusting_world.redis
    assert [await two.read() for _ in range(2)] == [("old", False), ("old", True)]
    epoch = (await redis.get("sf1:moment")).split(b" ")[0]
    if lost == "the moment":
        await redis.delete("sf1:moment", "sf1:trust")
    else:
        await redis.set("sf1:moment", epoch + b" 9000000000:9000000000:")
        await redis.delete("sf1:trust")
    assert await two.read() == ("old", False)
    assert (await redis.get("sf1:moment")).split(b" ")[0] != epoch


async def test_what_renewing_spends_is_no_requests(trusting_world: World) -> None:
    two = trusting_world.two
    await two.read()
    await trusting_world.redis.delete("sf1:trust")
    with use_request(RequestContext()) as call:
        assert (await two.cache.get_many(["team"], TEAMS)).values == {"team": b"old"}
    assert (call.usage.cache, call.usage.sql, call.usage.rows) == (1, 0, 0)


async def test_many_readers_ask_once(trusting_world: World) -> None:
    two = trusting_world.two
    asked: list[float] = []

    class Counting(PostgresWriteLog):
        async def record_lease(self, seconds: float) -> None:
            asked.append(seconds)
            await super().record_lease(seconds)

    two.log.current = Counting(two.main)
    await asyncio.gather(*(two.cache.get_many([str(number)], TEAMS) for number in range(20)))
    assert asked == [LONG * trusting.MARGIN_FACTOR]


async def test_old_notes_are_dropped(trusting_world: World) -> None:
    with psycopg.connect(trusting_world.url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO table_writes (table_name, written_at) VALUES ('a', now() - interval '2 hours'), ('b', now())"
        )
        await purge(trusting_world.one.main)
        assert connection.execute("SELECT table_name FROM table_writes").fetchall() == [("b",)]


def test_the_files_of_scripts_are_small() -> None:
    """They are sent with each call."""
    folder = Path(trusting.__file__).parent
    assert all(path.stat().st_size < 2_600 for path in folder.glob("*.lua"))
