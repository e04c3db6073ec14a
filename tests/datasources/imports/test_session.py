"""Sessions of imports: plans know how many rows there are, and the lock says who has it."""

import pytest

from datasources.aurora.imports.session import MAX_NESTED_LOOP_ROWS, ImportStopped, Session
from datasources.aurora.imports.staging_session import StagingSession
from datasources.aurora.imports.tables import TABLES
from tests.fixtures.imports import Stores, small

ITEMS = 600
SIZES = """
SELECT relname, reltuples::bigint FROM pg_class
WHERE relname IN ('configuration_items', 'configuration_item_keys', 'relationships') ORDER BY 1
"""
JOINS = b"SELECT current_setting('enable_nestloop')"


async def setting(session: Session) -> str:
    row = await (await session.connection.execute(JOINS)).fetchone()
    assert row is not None
    return str(row[0])


async def test_what_an_import_fills_is_known_to_the_planner_after_a_dry_run(stores: Stores) -> None:
    stores.write("items.csv", "key,name,rack\n" + "".join(f"k{n},K,1\n" for n in range(ITEMS)))
    stores.write("links.csv", "from,to\n" + "".join(f"k{n},k{n + 1}\n" for n in range(ITEMS - 1)))
    await stores.load(small(), dry_run=True)
    # As autovacuum does, once the rows of the dry run are dead: tables of many pages and no rows.
    async with stores.main.connection() as connection:
        await connection.execute(b"ANALYZE")
    assert {rows for _, rows in stores.rows(SIZES)} == {0}
    await stores.load(small())
    assert stores.rows(SIZES) == [
        ("configuration_item_keys", ITEMS),
        ("configuration_items", ITEMS),
        ("relationships", ITEMS - 1),
    ]


async def test_what_a_killed_import_left_is_known_to_the_next(stores: Stores) -> None:
    async with stores.main.connection() as connection:
        await connection.execute(b"ANALYZE teams")
        await connection.execute(
            b"INSERT INTO teams (id, key, name) SELECT gen_random_uuid(), n::text, 't' FROM generate_series(1, 300) n"
        )
        await connection.execute(b"SELECT pg_stat_force_next_flush()")
    stores.write("items.csv", "key,name,rack\n")
    stores.write("links.csv", "from,to\n")
    await stores.load(small(), dry_run=True)
    assert stores.rows("SELECT reltuples::bigint FROM pg_class WHERE relname = 'teams'") == [(300,)]


async def test_the_temporary_tables_that_batches_join_are_analyzed(stores: Stores) -> None:
    rows = b"".join(b"%d\t%d\t00000000-0000-7000-8000-%012d\tk%d\n" % (n, n, n, n) for n in range(1, 202))
    async with stores.main.connection() as connection:
        landing = StagingSession(connection)
        await landing.stage(TABLES["teams"], ["key"], iter([rows]))
        await landing.plan(TABLES["teams"], 201)
        query = b"SELECT relname, reltuples::bigint FROM pg_class WHERE relname IN ('planned', 'staged') ORDER BY 1"
        assert await (await connection.execute(query)).fetchall() == [("planned", 201), ("staged", 201)]
        await landing.clear()


async def test_a_role_that_may_not_analyze_goes_without_nested_loops(stores: Stores) -> None:
    async with stores.main.connection() as connection:
        session = Session(connection)
        await session.begin()
        await connection.execute(b"CREATE ROLE import_guest")
        await connection.execute(b"SET ROLE import_guest")
        try:
            await session.choose_joins("teams", MAX_NESTED_LOOP_ROWS)
            assert await setting(session) == "on"
            await session.choose_joins("teams", MAX_NESTED_LOOP_ROWS + 1)
            assert await setting(session) == "off"
            # Nothing to analyze is no error.
            await session.refresh_statistics()
            await session.record_growth("teams", 10_000)
        finally:
            await connection.execute(b"RESET ROLE")
            await connection.execute(b"DROP ROLE import_guest")
        await session.end()
        assert await setting(session) == "on"


async def test_an_owner_joins_as_the_planner_likes(stores: Stores) -> None:
    async with stores.main.connection() as connection:
        session = Session(connection)
        await session.choose_joins("teams", 1_000_000)
        assert await setting(session) == "on"


async def test_the_lock_says_who_holds_it(stores: Stores) -> None:
    async with stores.main.connection() as one, stores.main.connection() as two:
        first, second = Session(one), Session(two)
        await first.begin()
        await first.lock()
        with pytest.raises(ImportStopped) as stopped:
            await second.lock()
        said = str(stopped.value)
        assert said.startswith("another import is under way since 20")
        assert f"session {one.info.backend_pid} of PostgreSQL" in said
        assert "(stackflow import, process " in said
        assert said.endswith(f"SELECT pg_terminate_backend({one.info.backend_pid})")
        await first.unlock()
        await second.lock()
        await second.unlock()
        await first.end()
        row = await (await one.execute(b"SELECT current_setting('application_name')")).fetchone()
        assert row == ("",)
