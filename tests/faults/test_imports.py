"""An import ends at any moment, by any signal, or loses its server: repeated, it ends as one that was left alone."""

import asyncio
import os
import random
import signal
import time
from pathlib import Path

import psycopg
import pytest

from datasources.embedded.postgres import EmbeddedPostgres
from tests.faults.imports import sessions, start, state, write_files
from tests.fixtures.imports import names
from workers.migrations import migrate

__all__ = ["names"]

ITEMS = 6_000
KILLS = 3
# Seconds in which the server must notice that a client is gone, in the middle of a statement too.
NOTICED = 10.0


@pytest.fixture
def two(postgres: EmbeddedPostgres, names: dict[str, str], tmp_path: Path) -> tuple[str, str, Path]:
    """Addresses of two fresh databases, and a folder with a mapping and its files."""
    write_files(tmp_path, ITEMS)
    return postgres.url(names["main"]), postgres.url(names["requirements"]), tmp_path


async def whole(url: str, other: str, folder: Path) -> float:
    """An import left alone, to its end; its seconds."""
    begin = time.monotonic()
    process = await start(folder, url, other)
    _, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return time.monotonic() - begin


async def freed(url: str) -> None:
    """Wait until no session of an import is left."""
    end = time.monotonic() + NOTICED
    while sessions(url):
        assert time.monotonic() < end, "a session of an import that ended holds its lock"
        await asyncio.sleep(0.1)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
async def test_a_signal_at_any_moment(two: tuple[str, str, Path], number: signal.Signals, seed: int) -> None:
    url, other, folder = two
    draw = random.Random(f"{seed} {number}")
    # A dry run takes as long as a run, and leaves nothing.
    process = await start(folder, url, other, "--dry-run")
    begin = time.monotonic()
    await process.communicate()
    seconds = time.monotonic() - begin
    assert process.returncode == 0
    for _ in range(KILLS):
        before = state(url)
        process = await start(folder, url, other)
        await asyncio.sleep(draw.uniform(0.3, 1.0) * seconds)
        if process.returncode is None:
            process.send_signal(number)
        report, errors = await asyncio.wait_for(process.communicate(), 30)
        said = errors.decode()
        if number is not signal.SIGKILL and process.returncode:
            # Before Python has handlers a signal ends it as it ends any process.
            assert process.returncode in {128 + number, -number}, said
            assert "Traceback" not in said or process.returncode == -number
            # Before it begins there are no rows to speak of; once the report is out, all are written.
            assert "run the same import again" in said or report or state(url) == before
        await freed(url)
    await whole(url, other, folder)
    result = state(url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("TRUNCATE configuration_items, configuration_item_history, relationships,"
                           " relationship_history, waiting_rows CASCADE")  # fmt: skip
    await whole(url, other, folder)
    assert result == state(url)
    assert [len(rows) for rows in result[:3]] == [ITEMS - 1, ITEMS - 2 - (ITEMS - 1) // 10, 1 + (ITEMS - 1) // 10]


async def test_a_statement_under_way_ends_with_its_client(two: tuple[str, str, Path]) -> None:
    url, other, folder = two
    with psycopg.connect(url) as blocker:
        # The import waits for this lock, in the middle of a statement.
        blocker.execute("LOCK TABLE configuration_items IN SHARE MODE")
        process = await start(folder, url, other)
        end = time.monotonic() + 60
        while blocker.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone() != (1,):
            assert time.monotonic() < end
            await asyncio.sleep(0.05)
        second = await start(folder, url, other)
        _, errors = await second.communicate()
        assert second.returncode == 1
        assert "another import is under way since" in errors.decode()
        assert f"stackflow import, process {process.pid} on " in errors.decode()
        process.send_signal(signal.SIGKILL)
        await process.communicate()
        await freed(url)
    await whole(url, other, folder)


async def test_a_lost_server_is_one_line_and_the_import_repeats(open_folder: Path) -> None:
    write_files(open_folder, ITEMS)
    server = EmbeddedPostgres(open_folder / "postgres")
    server.start(("stackflow", "requirements"))
    try:
        url, other = server.url("stackflow"), server.url("requirements")
        migrate("main", url)
        migrate("requirements", other)
        process = await start(open_folder, url, other)
        end = time.monotonic() + 60
        while not sessions(url):
            assert time.monotonic() < end
            await asyncio.sleep(0.05)
        port = server.port
        assert server.pid is not None
        os.kill(server.pid, signal.SIGQUIT)
        _, errors = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == 3, errors.decode()
        assert "Traceback" not in errors.decode()
        server.stop()
        server.start(("stackflow", "requirements"), port=port)
        await whole(url, other, open_folder)
        assert [len(rows) for rows in state(url)[:2]] == [ITEMS - 1, ITEMS - 2 - (ITEMS - 1) // 10]
    finally:
        server.stop()
