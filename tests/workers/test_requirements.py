"""The follower of the requirements database: a writer that died before it told the cache leaves no stale value."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

import workers.projection
from datasources.aurora.driver.database import Database
from datasources.aurora.outbox import outbox as mailbox
from datasources.aurora.outbox.write_log import PostgresWriteLog
from datasources.cache.redis.adapter import RedisCache
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.embedded.valkey import EmbeddedValkey
from datasources.errors import SourceUnavailable
from resolvers.projection.requirements import follow
from tests.fixtures.gate import Gate
from tests.fixtures.operations import REQUIREMENT, Operations, opened, uuid
from workers.requirements import background_requirements_follower, handler

# Long past what any test takes: only a miss lets a new value be seen.
HOURS = 3_600.0
READ = '{ requirement(key: "REQ-1") { title } requirements { totalCount } }'


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    server = EmbeddedValkey(tmp_path / "valkey")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
async def plain(postgres: EmbeddedPostgres) -> AsyncIterator[Operations]:
    async with opened(postgres, "requirements_followed") as operations:
        yield operations


@pytest.fixture
async def landscape(plain: Operations, valkey: EmbeddedValkey) -> AsyncIterator[Operations]:
    cache = RedisCache(valkey.url, write_log=PostgresWriteLog(plain.sources.main))
    put(plain, "DELETE FROM outbox")
    yield replace(plain, sources=replace(plain.sources, cache=cache, cache_seconds=HOURS))
    await cache.close()


def put(landscape: Operations, text: str) -> None:
    """Write as somebody who dies before the cache is told."""
    with psycopg.connect(landscape.requirements_url, autocommit=True) as connection:
        connection.execute(text.encode())


def retitle(landscape: Operations, title: str) -> None:
    put(landscape, f"UPDATE requirements SET title = '{title}' WHERE id = '{uuid(REQUIREMENT, 1)}'")


def told(landscape: Operations) -> list[bool]:
    """Whether each row of the outbox is done, in order."""
    with psycopg.connect(landscape.requirements_url) as connection:
        return [done for (done,) in connection.execute("SELECT projected FROM outbox ORDER BY position")]


async def title(landscape: Operations) -> str:
    return str((await landscape.data(READ))["requirement"]["title"])


async def until_told(landscape: Operations) -> None:
    async with asyncio.timeout(60):
        while not all(told(landscape)):
            await asyncio.sleep(0.02)


async def test_what_a_dead_writer_left_is_seen_after_a_round(landscape: Operations) -> None:
    first = await title(landscape)
    retitle(landscape, "dead")
    # Without the follower the old value would stay for hours.
    assert await title(landscape) == first
    done = await follow(landscape.sources)
    assert (done.held, done.rows, done.full, told(landscape)) == (True, 1, False, [True])
    assert await title(landscape) == "dead"
    assert (await follow(landscape.sources)).rows == 0


class Dying(RedisCache):
    """Whose process ends once it has told of a miss."""

    async def invalidate(self, tables: Sequence[str]) -> None:
        await super().invalidate(tables)
        raise asyncio.CancelledError


async def test_a_round_that_died_is_done_again(landscape: Operations, valkey: EmbeddedValkey) -> None:
    dying = Dying(valkey.url)
    retitle(landscape, "again")
    with pytest.raises(asyncio.CancelledError):
        await follow(replace(landscape.sources, cache=dying))
    await dying.close()
    assert told(landscape) == [False]
    assert (await follow(landscape.sources)).rows == 1
    assert await title(landscape) == "again"


async def test_one_follower_is_at_work_at_a_time_and_takes_so_many_rows(landscape: Operations) -> None:
    for number in range(3):
        retitle(landscape, f"t{number}")
    async with landscape.sources.requirements.transaction() as transaction:
        assert await mailbox.lock(transaction, 30)
        assert not (await follow(landscape.sources)).held
    assert told(landscape) == [False] * 3
    rounds = [await follow(landscape.sources, max_rows=2) for _ in range(2)]
    assert [(each.rows, each.full) for each in rounds] == [(2, True), (1, False)]


async def test_the_followers_of_the_two_databases_do_not_wait_for_each_other(landscape: Operations) -> None:
    retitle(landscape, "apart")
    async with landscape.sources.main.transaction() as transaction:
        assert await mailbox.lock(transaction, 30)
        assert (await follow(landscape.sources)).rows == 1


async def test_the_loop_waits_for_a_lost_database_and_goes_on(
    landscape: Operations, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(workers.projection, "MIN_BACKOFF_SECONDS", 0.05)
    gate = Gate(landscape.requirements_url)
    await gate.open()
    behind = Database("requirements", gate.url, connect_timeout=1, pool_timeout=0.5)
    sources = replace(landscape.sources, requirements=behind)
    first = await title(landscape)
    async with background_requirements_follower(sources):
        [task] = [each for each in asyncio.all_tasks() if each.get_name() == "requirements"]
        retitle(landscape, "before")
        await until_told(landscape)
        await gate.shut()
        retitle(landscape, "lost")
        async with asyncio.timeout(60):
            while "worker waits for a store" not in caplog.text:
                await asyncio.sleep(0.02)
        assert told(landscape) == [True, False]
        await gate.open()
        await until_told(landscape)
    assert task.done()
    assert (first != "lost", await title(landscape)) == (True, "lost")
    waits = [vars(record) for record in caplog.records if record.message == "worker waits for a store"]
    assert {(each["levelno"], each["source"]) for each in waits} == {(logging.WARNING, "requirements")}
    await behind.close()
    await gate.shut()


async def test_rows_with_values_that_nobody_can_read_hold_up_no_other(landscape: Operations) -> None:
    """Times and documents beyond all bounds, of an entity that is known, and one that is not."""
    first = await title(landscape)
    retitle(landscape, "poisoned")
    for values in (
        "'REQUIREMENT', gen_random_uuid(), 'CHANGED', 'infinity', repeat('[', 300)::text || repeat(']', 300)",
        "'REQUIREMENT', gen_random_uuid(), 'CHANGED', '-infinity', '{\"a\": 1' || repeat('0', 400) || '}'",
        "'of a later version', gen_random_uuid(), 'something else', '0044-03-15 BC', '[]'",
    ):
        put(
            landscape,
            "INSERT INTO outbox (entity, entity_id, change, written_at, payload) "
            f"SELECT entity, id, change, at::timestamptz, payload::jsonb FROM (SELECT {values}) "
            "AS poison (entity, id, change, at, payload)",
        )
    put(landscape, f"UPDATE requirements SET updated_at = 'infinity' WHERE id = '{uuid(REQUIREMENT, 1)}'")
    assert await title(landscape) == first
    done = await follow(landscape.sources)
    assert (done.rows, done.full, told(landscape)) == (5, False, [True] * 5)
    # The one of the year 44 BC is that old indeed.
    assert 2_000 * 31_557_600 < done.lag < 2_100 * 31_557_600
    assert await title(landscape) == "poisoned"
    assert (await follow(landscape.sources)).rows == 0


async def test_a_lost_database_ends_a_round(landscape: Operations) -> None:
    gate = Gate(landscape.requirements_url)
    lost = Database("requirements", gate.url, connect_timeout=1, pool_timeout=0.5)
    with pytest.raises(SourceUnavailable, match="requirements"):
        await follow(replace(landscape.sources, requirements=lost))
    await lost.close()


class Seconds:
    """What a Lambda function knows of its time."""

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


async def test_the_function_follows_and_forgets(
    landscape: Operations, valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", landscape.url)
    monkeypatch.setenv("REQUIREMENTS_URL", landscape.requirements_url)
    monkeypatch.setenv("REDIS_URL", valkey.url)
    first = await title(landscape)
    retitle(landscape, "new")
    retitle(landscape, "old")
    put(landscape, "UPDATE outbox SET projected = true, written_at = now() - interval '8 days' WHERE position = "
                   "(SELECT max(position) FROM outbox)")  # fmt: skip
    put(landscape, "INSERT INTO idempotent_answers (principal, key, action, input, entity_ids, answered_at) VALUES "
                   "('USER:a', 'k', 'A', '', '{}', now() - interval '25 hours')")  # fmt: skip
    assert await asyncio.to_thread(handler, {}, Seconds()) == {"rows": 1}
    # The old row is gone, and so is the old answer.
    assert told(landscape) == [True]
    with psycopg.connect(landscape.requirements_url) as connection:
        assert connection.execute("SELECT count(*) FROM idempotent_answers").fetchall() == [(0,)]
    assert (first != "old", await title(landscape)) == (True, "old")
