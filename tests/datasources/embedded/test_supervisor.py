"""A supervisor starts again what ended by itself, with pauses, and gives up where a start mends nothing."""

import logging
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from datasources.config import GraphEngine
from datasources.embedded import supervisor
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.embedded.process import EmbeddedError
from datasources.embedded.stores import EmbeddedStores, StoreSelection
from datasources.embedded.supervisor import MAX_STARTS, SupervisedStore, Supervisor
from datasources.embedded.termination import RemainingSeconds, countdown, descendants
from tests.fixtures.children import gone
from tests.fixtures.standing_still import stand_still


class Frail:
    """A server that ends again and again; `refusing` says how many starts fail."""

    def __init__(self, refusing: int) -> None:
        self.starts = 0
        self.pid: int | None = None
        self._refusing = refusing

    def exit_code(self) -> int | None:
        return -9

    def stop(self, left: RemainingSeconds | None = None) -> bool:
        return True

    def start(self) -> None:
        self.starts += 1
        if self.starts <= self._refusing:
            raise EmbeddedError("no space")


def until(done: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize("refusing", [0, 99])
def test_it_gives_up_after_so_many_starts(
    refusing: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(supervisor, "POLL_SECONDS", 0.001)
    server = Frail(refusing)
    store = SupervisedStore("Frail", server, server.start, "its.log")
    watching = Supervisor([store], first_pause=0.001)
    with caplog.at_level(logging.WARNING, "stackflow"):
        watching.start()
        until(lambda: store.given_up)
        time.sleep(0.05)
        watching.stop(countdown(5))
    assert server.starts == MAX_STARTS
    [last] = [each.getMessage() for each in caplog.records if each.levelname == "ERROR"]
    assert last.endswith(
        "it was started 5 times in 5 minutes and is not started again: see its.log, then restart the server"
    )


@pytest.fixture
def stores(open_folder: Path) -> Iterator[EmbeddedStores]:
    stores = EmbeddedStores(open_folder, StoreSelection(requirements=False, graph=GraphEngine.GREMLIN))
    yield stores
    stores.stop()


def test_stores_come_back_where_they_were(stores: EmbeddedStores) -> None:
    urls = stores.start()
    stores.supervise()
    assert urls.main is not None
    with psycopg.connect(urls.main) as connection:
        connection.execute("CREATE TABLE written (n int)")
        connection.execute("INSERT INTO written VALUES (1)")
    for store in stores._stores:
        died = store.server.pid
        assert died is not None
        os.kill(died, signal.SIGKILL)
        until(lambda died=died, store=store: store.server.pid not in (None, died) and store.due is None)  # type: ignore[misc]
    with psycopg.connect(urls.main) as connection:
        assert connection.execute("SELECT n FROM written").fetchall() == [(1,)]
    assert stores.find_running() == urls


def test_a_server_that_hangs_is_ended_in_the_time_that_is_left(open_folder: Path) -> None:
    server = EmbeddedPostgres(open_folder / "postgres")
    server.start()
    assert server.pid is not None
    pids = {server.pid, *descendants(server.pid)}
    for pid in pids:
        stand_still(pid)
    begin = time.monotonic()
    assert not server.stop(countdown(2.0))
    assert time.monotonic() - begin < 3.0
    assert gone(pids)
    # Nothing was lost, and nothing is in the way.
    server.start()
    assert server.stop()


def test_children_of_a_killed_server_that_hang_are_ended_by_the_next_start(open_folder: Path) -> None:
    server = EmbeddedPostgres(open_folder / "postgres")
    server.start()
    assert server.pid is not None
    below = descendants(server.pid)
    for pid in below:
        stand_still(pid)
    os.kill(server.pid, signal.SIGKILL)
    assert server.stop()
    again = EmbeddedPostgres(open_folder / "postgres")
    again.start()
    assert gone(set(below))
    again.stop()
