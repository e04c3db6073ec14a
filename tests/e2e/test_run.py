"""`stackflow serve` as a real process: it serves, it stops whole, it recovers, and it refuses in one line."""

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest

from commands.exit_codes import Exit
from datasources.embedded.postgres import EmbeddedPostgres
from tests.fixtures.children import children, gone, running

STORES = ("main", "requirements", "graph", "cache")
SERVED = re.compile(r"StackFlow +(http://127\.0\.0\.1:\d+)/graphiql/")


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Nothing of ours leaks in: only what a shell has, and these settings."""
    return {"PATH": "/usr/bin:/bin", "STACKFLOW_STATE": str(folder), "STACKFLOW_PORT": "0", **more}


@contextmanager
def serving(settings: Mapping[str, str], *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process, and its address once it serves."""
    command = [sys.executable, "-m", "commands", "serve", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(settings)) as process:
        try:
            assert process.stdout is not None
            found = next(filter(None, map(SERVED.search, process.stdout)), None)
            assert found is not None
            yield process, found.group(1)
        finally:
            if process.poll() is None:
                process.terminate()


def refused(settings: Mapping[str, str]) -> tuple[int, str]:
    """Exit code and stderr of a start that fails."""
    done = subprocess.run(
        [sys.executable, "-m", "commands", "serve"],
        capture_output=True, check=False, text=True, env=dict(settings),
    )  # fmt: skip
    return done.returncode, done.stderr


def test_it_serves_with_embedded_stores_and_stops_every_child(open_folder: Path) -> None:
    with serving(environment(open_folder)) as (process, address):
        answer = httpx.get(f"{address}/health/live")
        assert (answer.status_code, answer.json()) == (200, {"status": "live"})
        assert "server" not in answer.headers
        ready = httpx.get(f"{address}/health/ready").json()
        assert [(store["name"], store["reachable"]) for store in ready["stores"]] == [(name, True) for name in STORES]
        counted = httpx.post(f"{address}/graphql", json={"query": "{ configurationItems(first: 1) { totalCount } }"})
        first = counted.json()["data"]["configurationItems"]["totalCount"]
        assert first > 0
        ended_by(signal.SIGINT, process)
    # State survives: the next starts find the demo there and load nothing twice.
    for number in (signal.SIGTERM, signal.SIGHUP):
        with serving(environment(open_folder)) as (process, address):
            again = httpx.post(f"{address}/graphql", json={"query": "{ configurationItems(first: 1) { totalCount } }"})
            assert again.json()["data"]["configurationItems"]["totalCount"] == first
            ended_by(number, process)
    assert not (open_folder / "running.json").exists()


def test_it_serves_with_an_embedded_graph_and_stops_it_too(open_folder: Path) -> None:
    cache = str(Path("~/.cache").expanduser())
    with serving(environment(open_folder, GRAPH="gremlin", XDG_CACHE_HOME=cache)) as (process, address):
        assert process.stdout is not None
        (banner,) = [line for line in iter(process.stdout.readline, "\n") if line.startswith("  stores")]
        assert banner.endswith("| cache embedded Valkey | graph Gremlin Server\n")
        ready = httpx.get(f"{address}/health/ready").json()
        assert [(store["name"], store["reachable"]) for store in ready["stores"]] == [(name, True) for name in STORES]
        ended_by(signal.SIGINT, process)
    assert not (open_folder / "running.json").exists()


def ended_by(number: signal.Signals, process: subprocess.Popen[str]) -> None:
    """The signal ends the process in order, with all that stands below it."""
    below = children(process.pid)
    assert len(running(below)) >= 2
    process.send_signal(number)
    assert process.wait(timeout=30) == Exit.OK
    assert gone(below)


def test_after_a_kill_the_next_start_serves_and_the_old_children_are_gone(open_folder: Path) -> None:
    with serving(environment(open_folder)) as (process, _):
        below = children(process.pid)
        process.send_signal(signal.SIGKILL)
        process.wait()
    with serving(environment(open_folder)) as (process, address):
        assert httpx.get(f"{address}/health/live").status_code == 200
        assert not running(below)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == Exit.OK


def test_real_servers_are_only_settings(open_folder: Path, postgres: EmbeddedPostgres) -> None:
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE served")
    settings = environment(
        open_folder / "state",
        DATABASE_URL=postgres.url("served"), REQUIREMENTS_URL=postgres.url("requirements"), REDIS_URL="off",
    )  # fmt: skip
    with serving(settings) as (process, address):
        assert httpx.get(f"{address}/health/ready").status_code == 200
        assert children(process.pid) == set()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == Exit.OK
    assert not (open_folder / "state").exists()
    with psycopg.connect(postgres.url("served")) as connection:
        assert connection.execute("SELECT to_regclass('incidents') IS NOT NULL").fetchone() == (True,)


def test_a_busy_port_is_one_line_before_anything_is_started(open_folder: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        code, said = refused(environment(open_folder / "state", STACKFLOW_PORT=str(port)))
    assert (code, said) == (
        Exit.BUSY,
        f"stackflow: port {port} on 127.0.0.1 is in use: another program listens there; "
        "stop it, or choose another port with STACKFLOW_PORT\n",
    )
    assert not (open_folder / "state").exists()


def test_a_second_run_in_the_same_folder_is_one_line(open_folder: Path) -> None:
    with serving(environment(open_folder)) as (process, _):
        code, said = refused(environment(open_folder))
        assert (code, said) == (
            Exit.EMBEDDED,
            f"stackflow: {open_folder} is in use by process {process.pid}; "
            "stop that one, or set STACKFLOW_STATE to another folder\n",
        )
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)


def test_a_database_that_does_not_answer_is_one_line_without_its_password(open_folder: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        url = f"postgresql://someone:secret@127.0.0.1:{port}/stackflow"
        code, said = refused(environment(open_folder, DATABASE_URL=url, REQUIREMENTS_URL=url, REDIS_URL="off"))
    assert code == Exit.UNREACHABLE
    assert said.startswith("stackflow: main cannot be reached: connection failed:")
    assert said.endswith("; check DATABASE_URL and that the server runs\n")
    assert said.count("\n") == 1
    assert "secret" not in said


@pytest.mark.parametrize(
    ("url", "code", "line"),
    [
        ("mysql://someone:secret@h/d", Exit.USAGE, "DATABASE_URL is not a usable URL; write it as postgresql://"),
        (
            "postgresql://someone:secret@127.0.0.1/d?colour=blue",
            Exit.FAILED,
            "the URL of main is not one that libpq understands",
        ),
    ],
)
def test_a_wrong_url_is_one_line_without_its_password(open_folder: Path, url: str, code: Exit, line: str) -> None:
    found, said = refused(environment(open_folder, DATABASE_URL=url, REQUIREMENTS_URL=url, REDIS_URL="off"))
    assert found == code
    assert said.startswith(f"stackflow: {line}")
    assert said.count("\n") == 1
    assert "secret" not in said
