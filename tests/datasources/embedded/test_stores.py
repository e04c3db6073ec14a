"""Embedded stores together: they recover, they leave nothing behind, and one process at a time has them."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from datasources.config import GraphEngine
from datasources.embedded.process import EmbeddedError, is_free
from datasources.embedded.stores import EmbeddedStores, StoreSelection, StoreUrls
from datasources.errors import SourceUnavailable
from tests.fixtures.children import children, gone, running
from tests.fixtures.engines import walks

DATABASES_ONLY = StoreSelection(cache=False)
NOTHING = StoreSelection(main=False, requirements=False, cache=False)
GRAPH_ONLY = replace(NOTHING, graph=GraphEngine.GREMLIN)


@contextmanager
def holding(folder: Path) -> Iterator[tuple[subprocess.Popen[str], StoreUrls]]:
    """Another process with the stores of the folder running."""
    command = [sys.executable, "-m", "tests.fixtures.holding", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, StoreUrls(**json.loads(process.stdout.readline()))
        finally:
            # In order: a killed one would leave its stores running.
            below = children(process.pid)
            process.terminate()
            process.wait()
            assert gone(below)


def test_after_a_kill_the_next_start_keeps_committed_rows_and_ends_what_was_left(open_folder: Path) -> None:
    with holding(open_folder) as (process, urls):
        left = children(process.pid)
        assert urls.main is not None
        with psycopg.connect(urls.main) as connection:
            connection.execute("CREATE TABLE kept (number int)")
            connection.execute("INSERT INTO kept VALUES (1), (2), (3)")
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert len(left) >= 2
    assert running(left)
    stores = EmbeddedStores(open_folder, StoreSelection())
    try:
        again = stores.start()
        assert again.main is not None
        assert not running(left)
        with psycopg.connect(again.main) as connection:
            assert connection.execute("SELECT count(*) FROM kept").fetchone() == (3,)
    finally:
        stores.stop()


def test_stop_leaves_no_process_and_no_note(open_folder: Path) -> None:
    before = children(os.getpid())
    stores = EmbeddedStores(open_folder, StoreSelection())
    urls = stores.start()
    started = children(os.getpid()) - before
    stores.stop()
    assert started
    assert gone(started)
    assert None not in (urls.main, urls.requirements, urls.cache)
    assert not (open_folder / "running.json").exists()
    assert stores.find_running() is None


def test_a_second_start_in_the_same_folder_says_who_has_it(open_folder: Path) -> None:
    with holding(open_folder) as (process, _):
        with pytest.raises(EmbeddedError) as caught:
            EmbeddedStores(open_folder, StoreSelection()).start()
        assert str(caught.value) == (
            f"{open_folder} is in use by process {process.pid}; stop that one, or set STACKFLOW_STATE to another folder"
        )
        assert process.poll() is None


def test_another_process_joins_the_running_stores(open_folder: Path) -> None:
    with holding(open_folder) as (process, urls):
        with EmbeddedStores(open_folder, DATABASES_ONLY).join_or_start() as joined:
            assert joined == StoreUrls(urls.main, urls.requirements, None)
        assert running({process.pid})


def test_only_what_is_wanted_is_started(open_folder: Path) -> None:
    stores = EmbeddedStores(open_folder, StoreSelection(main=False, requirements=True, cache=False))
    try:
        urls = stores.start()
        assert (urls.main, urls.cache) == (None, None)
        assert urls.requirements is not None
        assert re.fullmatch(r"postgresql://stackflow:[0-9a-f]{48}@127\.0\.0\.1:\d+/requirements", urls.requirements)
        with psycopg.connect(urls.requirements) as connection:
            known = {row[0] for row in connection.execute("SELECT datname FROM pg_database")}
        assert "stackflow" not in known
    finally:
        stores.stop()
    assert not (open_folder / "valkey").exists()


def test_a_graph_is_started_joined_and_stopped(open_folder: Path) -> None:
    before = children(os.getpid())
    stores = EmbeddedStores(open_folder, GRAPH_ONLY)
    try:
        urls = stores.start()
        assert urls.graph is not None
        assert urls == StoreUrls(graph=urls.graph)
        assert walks(urls.graph)
        assert EmbeddedStores(open_folder, GRAPH_ONLY).find_running() == urls
        # Whoever joins takes the graph that runs, unless it has one of its own.
        assert EmbeddedStores(open_folder, NOTHING).find_running() == urls
        assert EmbeddedStores(open_folder, replace(NOTHING, own_graph=True)).find_running() == StoreUrls()
    finally:
        stores.stop()
    assert gone(children(os.getpid()) - before)
    assert sorted(path.name for path in open_folder.iterdir()) == ["graph", "lock"]


def test_a_double_of_neptune_stands_before_the_graph_as_long_as_it_runs(open_folder: Path) -> None:
    stores = EmbeddedStores(open_folder, replace(NOTHING, graph=GraphEngine.NEPTUNE_LIKE))
    try:
        urls = stores.start()
        assert stores.find_running() == urls
        ports = [urlsplit(url).port or 0 for url in (urls.graph, urls.graph_reader) if url is not None]
        # Two endpoints, neither of which is the engine itself.
        assert len({*ports}) == 2
        assert [walks(url) for url in (urls.graph, urls.graph_reader) if url is not None] == [True, True]
    finally:
        stores.stop()
    assert [is_free(port) for port in ports] == [True, True]


def test_nothing_wanted_touches_nothing(open_folder: Path) -> None:
    stores = EmbeddedStores(open_folder / "state", NOTHING)
    assert stores.start() == StoreUrls()
    stores.stop()
    assert not (open_folder / "state").exists()


def test_a_state_folder_that_is_a_file_gives_one_line(open_folder: Path) -> None:
    (open_folder / "state").write_text("")
    with pytest.raises(EmbeddedError) as caught:
        EmbeddedStores(open_folder / "state", StoreSelection()).start()
    assert str(caught.value) == f"{open_folder / 'state'}: File exists; set STACKFLOW_STATE to another folder"


@contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[Path]:
    """A file system of this size; the test is skipped where we may not mount one."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k,mode=755", "tmpfs", str(folder)],
        capture_output=True, check=False,
    )  # fmt: skip
    if mounted.returncode:
        pytest.skip("only root may mount a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def write_much(url: str) -> None:
    """Fails as a source does whose disk is full."""
    try:
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE much AS SELECT repeat('x', 999) FROM generate_series(1, 99999)")
    except psycopg.OperationalError as error:
        raise SourceUnavailable("main", "main was lost") from error


def test_a_disk_that_fills_up_later_is_told_instead_of_a_lost_database(open_folder: Path) -> None:
    with small_disk(open_folder / "small", 64_000) as disk:
        stores = EmbeddedStores(disk / "state", StoreSelection(requirements=False, cache=False))
        urls = stores.start()
        assert urls.main is not None
        with suppress(OSError):
            (disk / "filling").write_bytes(bytes(64_000_000))
        try:
            with pytest.raises(EmbeddedError) as caught, stores.explain_failures():
                write_much(urls.main)
        finally:
            stores.stop()
    assert re.fullmatch(
        r"embedded PostgreSQL broke down: could not .*: No space left on device; "
        r"free some disk space, or set STACKFLOW_STATE to a folder on another disk",
        str(caught.value),
    )


@pytest.mark.parametrize("kilobytes", [64, 8_000])
def test_a_full_disk_gives_one_line_and_leaves_no_process(open_folder: Path, kilobytes: int) -> None:
    before = children(os.getpid())
    with small_disk(open_folder / "small", kilobytes) as disk:
        if kilobytes == 64:
            with suppress(OSError):
                (disk / "filling").write_bytes(bytes(65_536))
        stores = EmbeddedStores(disk / "state", StoreSelection())
        with pytest.raises(EmbeddedError) as caught:
            stores.start()
        assert "No space left on device" in str(caught.value)
        assert str(caught.value).endswith("free some disk space, or set STACKFLOW_STATE to a folder on another disk")
        assert "\n" not in str(caught.value)
        assert gone(children(os.getpid()) - before)
