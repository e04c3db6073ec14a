"""A database behind its pool: what is lost is known to be lost, and known to be back."""

import asyncio

import pytest

from datasources.aurora.driver.database import LOST_POOL_WAIT_SECONDS, Database
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.errors import SourceUnavailable
from tests.fixtures.gate import Gate


async def test_a_lost_database_is_not_waited_for_and_once_back_it_is(postgres: EmbeddedPostgres) -> None:
    gate = Gate(postgres.url("stackflow"))
    await gate.open()
    await gate.shut()
    database = Database("main", gate.url, pool_max=1, pool_timeout=5.0)
    loop = asyncio.get_running_loop()
    try:
        for wait in (5.0, LOST_POOL_WAIT_SECONDS):
            begin = loop.time()
            with pytest.raises(SourceUnavailable):
                async with database.connection():
                    pass
            assert loop.time() - begin >= wait
        assert loop.time() - begin < 5
        await gate.open()
        for _ in range(100):
            if (await database.health()).reachable:
                break
        # Back again, a busy pool is waited for: longer than a lost one.
        async with database.connection():
            waiting = asyncio.ensure_future(database.health())
            await asyncio.sleep(2 * LOST_POOL_WAIT_SECONDS)
            assert not waiting.done()
        assert (await waiting).reachable
    finally:
        await database.close()
        await gate.shut()
