"""A PostgreSQL that hangs under dozens of units of work: each ends by its deadline, and nothing is lost or leaks."""

import asyncio
import os
import random
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pytest

from datasources.aurora.driver.database import Database
from datasources.aurora.statements import Statement
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.errors import SourceTimeout, SourceUnavailable
from datasources.request import RequestContext, use_request
from tests.fixtures.children import children
from tests.fixtures.standing_still import stand_still

POOL = 6
# Seconds of a unit of work, and by how much it may be late.
DEADLINE, LATE = 1.0, 1.0
TABLE = Statement(
    "make_table", "", "CREATE TABLE IF NOT EXISTS written (key text, part int, UNIQUE (key, part))", frozenset()
)
EMPTY = Statement("empty", "", "TRUNCATE written", frozenset())
INSERT = Statement("insert", "", "INSERT INTO written (key, part) VALUES (%(key)s, %(part)s)", frozenset())
READ = Statement("read", "", "SELECT key, count(*) FROM written GROUP BY key", frozenset())
# A part of the rows at once, the others after 9 s.
TEXTS = Statement(
    "texts",
    "",
    "SELECT CASE WHEN n < 60 THEN repeat('x', 900) ELSE pg_sleep(9)::text END AS body FROM generate_series(1, 60) n",
    frozenset(),
)
SLEEP = Statement("sleep", "", "SELECT pg_sleep(%(seconds)s)::text", frozenset())


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    with tempfile.TemporaryDirectory(prefix="stackflow-") as folder:
        Path(folder).chmod(0o755)
        server = EmbeddedPostgres(Path(folder) / "postgres")
        server.start(("stackflow",), {"fsync": "off"})
        yield server
        server.stop()


@pytest.fixture
async def database(server: EmbeddedPostgres) -> AsyncIterator[Database]:
    database = Database("main", server.url("stackflow"), pool_max=POOL)
    async with database.transaction() as transaction:
        await transaction.execute(TABLE, {})
        await transaction.execute(EMPTY, {})
    yield database
    await database.close()


class Hang:
    """Stops the server and all below it."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        assert server.pid is not None
        self._server = server.pid
        self._pids: list[int] = []

    def begin(self) -> None:
        # The server first: it makes no more processes then. Others end by themselves at any time, as autovacuum's do.
        stand_still(self._server)
        self._pids = [self._server]
        for pid in children(self._server):
            with suppress(ProcessLookupError):
                stand_still(pid)
                self._pids.append(pid)

    def end(self) -> None:
        for pid in self._pids:
            os.kill(pid, signal.SIGCONT)


class Units:
    """Units of work one after the other; `acknowledged` are those that ended well, `late` the seconds of the others."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.acknowledged: list[str] = []
        self.lost = 0
        self.longest = 0.0
        self.over = asyncio.Event()

    async def run(self, number: int) -> None:
        clock, die = asyncio.get_running_loop().time, random.Random(number)
        while not self.over.is_set():
            key, begin = uuid4().hex, clock()
            with use_request(RequestContext(deadline=begin + DEADLINE, flow=f"flow {number}")):
                try:
                    await self._unit(key, die)
                except SourceUnavailable:
                    self.lost += 1
                else:
                    self.acknowledged.append(key)
            self.longest = max(self.longest, clock() - begin)

    async def _unit(self, key: str, die: random.Random) -> None:
        async with self._database.transaction() as transaction:
            await transaction.execute(INSERT, {"key": key, "part": 1})
            await asyncio.sleep(die.random() * 0.02)
            await transaction.execute(INSERT, {"key": key, "part": 2})


async def recovered(database: Database) -> None:
    """Wait until statements are answered again."""
    for _ in range(100):
        if (await database.health()).reachable:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it does not come back")


async def test_every_unit_of_work_ends_by_its_deadline_and_nothing_acknowledged_is_lost(
    server: EmbeddedPostgres, database: Database
) -> None:
    units, die = Units(database), random.Random(12)
    tasks = [asyncio.create_task(units.run(number)) for number in range(3 * POOL)]
    for _ in range(3):
        await asyncio.sleep(die.uniform(0.3, 0.6))
        hang = Hang(server)
        hang.begin()
        await asyncio.sleep(2 * DEADLINE + LATE)
        hang.end()
        await recovered(database)
    units.over.set()
    await asyncio.gather(*tasks)
    # Not a timed test: the bound is what is promised.
    assert units.longest < DEADLINE + LATE
    assert units.lost >= 3 * POOL
    rows = dict(await database.fetch(READ, {}, lambda key, count: (key, count)))
    assert set(rows.values()) == {2}
    assert set(units.acknowledged) <= set(rows)
    await whole(database)


async def whole(database: Database) -> None:
    """Every place of the pool can be had at once: none leaked."""
    together = asyncio.Barrier(POOL)

    async def hold(number: int) -> None:
        with use_request(RequestContext(flow=f"holder {number}")):
            async with database.connection():
                await together.wait()

    async with asyncio.timeout(10):
        await asyncio.gather(*map(hold, range(POOL)))


@pytest.mark.parametrize("step", ["begin", "statement", "commit", "rollback"])
async def test_each_step_of_a_transaction_has_the_deadline(
    server: EmbeddedPostgres, database: Database, step: str
) -> None:
    hang, clock = Hang(server), asyncio.get_running_loop().time

    async def unit() -> None:
        if step == "begin":
            hang.begin()
        async with database.transaction() as transaction:
            await transaction.execute(INSERT, {"key": step, "part": 1})
            if step != "begin":
                hang.begin()
            if step == "rollback":
                raise ZeroDivisionError
            if step == "statement":
                await transaction.execute(INSERT, {"key": step, "part": 2})

    begin = clock()
    expected = ZeroDivisionError if step == "rollback" else SourceTimeout
    try:
        with use_request(RequestContext(deadline=begin + DEADLINE)), pytest.raises(expected):
            await unit()
        assert clock() - begin < DEADLINE + LATE
    finally:
        hang.end()
    await recovered(database)
    await whole(database)
    rows = dict(await database.fetch(READ, {}, lambda key, count: (key, count)))
    # Of a commit without an answer nobody knows.
    assert rows in ([{}, {step: 1}] if step == "commit" else [{}])


async def test_a_cancelled_unit_does_not_wait_for_a_server_that_hangs(
    server: EmbeddedPostgres, database: Database
) -> None:
    """As where a client went away, or the server is told to end: from outside, at any step."""
    clock = asyncio.get_running_loop().time
    units = Units(database)
    tasks = [asyncio.create_task(units.run(number)) for number in range(2 * POOL)]
    await asyncio.sleep(0.4)
    hang = Hang(server)
    hang.begin()
    await asyncio.sleep(0.1)
    begin = clock()
    for task in tasks:
        task.cancel()
    try:
        await asyncio.gather(*tasks, return_exceptions=True)
        assert clock() - begin < LATE
        began = clock()
        with use_request(RequestContext(deadline=began + DEADLINE)):
            assert not (await database.health()).reachable
        assert clock() - began < DEADLINE + LATE
    finally:
        hang.end()
    await recovered(database)
    await whole(database)


@pytest.mark.parametrize("row_bytes", [None, 1_000_000], ids=["at once", "in parts"])
async def test_rows_that_come_from_a_server_that_hangs_have_the_deadline(
    server: EmbeddedPostgres, database: Database, row_bytes: int | None
) -> None:
    clock, hang = asyncio.get_running_loop().time, Hang(server)
    begin = clock()
    with use_request(RequestContext(deadline=begin + DEADLINE, row_bytes=row_bytes)):
        reading = asyncio.create_task(database.fetch(TEXTS, {}, str))
    await asyncio.sleep(0.2)
    hang.begin()
    try:
        with pytest.raises(SourceTimeout):
            await reading
        assert clock() - begin < DEADLINE + LATE
    finally:
        hang.end()
    await recovered(database)
    await whole(database)


@pytest.mark.parametrize("row_bytes", [None, 1_000_000], ids=["at once", "in parts"])
async def test_a_cancelling_that_the_server_confirms_keeps_the_connection(
    database: Database, row_bytes: int | None
) -> None:
    for _ in range(2):
        async with database.connection() as connection:
            pid = connection.info.backend_pid
        call = RequestContext(deadline=asyncio.get_running_loop().time() + 0.3, row_bytes=row_bytes)
        with use_request(call), pytest.raises(SourceTimeout):
            await database.fetch(TEXTS, {}, str)
        async with database.connection() as connection:
            assert connection.info.backend_pid == pid


async def test_one_flow_does_not_hold_the_whole_pool(database: Database) -> None:
    """A dozen slow statements of one flow: another one's statement does not wait for the end of any of them."""
    with use_request(RequestContext(flow="slow", deadline=asyncio.get_running_loop().time() + 2.0)):
        slow = [asyncio.create_task(database.fetch(SLEEP, {"seconds": 9.0}, str)) for _ in range(12)]
    await asyncio.sleep(0.3)
    with use_request(RequestContext(flow="quick")):
        for number in range(20):
            await database.fetch(SLEEP, {"seconds": 0.0}, str)
            assert not any(each.done() for each in slow), number
    await asyncio.gather(*slow, return_exceptions=True)
