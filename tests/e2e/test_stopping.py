"""A signal ends a server within ten seconds, also while its database hangs; and it brings back a store that died."""

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx

from commands.exit_codes import Exit
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.embedded.termination import descendants
from tests.e2e.test_run import environment, serving
from tests.fixtures.children import children, gone
from tests.fixtures.standing_still import stand_still

# What is promised, from the first signal to the end of the process.
SECONDS = 10.0
CREATE = """mutation ($key: String!) {
    proposeChange(input: { title: $key, idempotencyKey: $key }) { change { title } userErrors { message } }
}"""
READ = "{ changes(first: 10) { nodes { title } } }"


def ask(address: str, query: str, **variables: Any) -> Any:
    """The answer, or None while there is none without errors."""
    with suppress(httpx.TransportError):
        body = httpx.post(f"{address}/graphql", json={"query": query, "variables": variables}, timeout=30).json()
        return None if "errors" in body else body["data"]
    return None


def program(pid: int) -> str:
    """The name of the program that a process runs."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return ""
    return Path(words[0].decode()).name


def one(pid: int, name: str) -> int:
    """The process of this program below another one."""
    [found] = [each for each in descendants(pid) if program(each) == name]
    return found


@contextmanager
def hung(pids: list[int]) -> Iterator[None]:
    """These processes stand still in the body; whichever is left then goes on."""
    for pid in pids:
        stand_still(pid)
    try:
        yield
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def seconds_to_end(process: subprocess.Popen[str], signals: int = 1) -> float:
    begin = time.monotonic()
    for number in range(signals):
        if number:
            time.sleep(0.3)
        process.send_signal(signal.SIGINT)
    process.wait(timeout=60)
    return time.monotonic() - begin


@contextmanager
def asking(address: str, pids: list[int], count: int = 4) -> Iterator[None]:
    """Requests under way to stores that these processes are, which stand still."""
    with httpx.Client(base_url=address, timeout=30) as client:
        client.get("/health/live")

        def ask_once() -> None:
            with suppress(httpx.TransportError):
                client.post("/graphql", json={"query": READ})

        threads = [threading.Thread(target=ask_once) for _ in range(count)]
        with hung(pids):
            for each in threads:
                each.start()
            time.sleep(0.5)
            yield
        for each in threads:
            each.join()


def bring_back(process: subprocess.Popen[str], address: str, name: str) -> None:
    """Kill a store below the server, and return when another one of its kind serves."""
    died, end = one(process.pid, name), time.monotonic() + 30
    os.kill(died, signal.SIGKILL)
    while True:
        below = {program(each): each for each in descendants(process.pid)}
        if below.get(name, died) != died and ask(address, READ) is not None:
            return
        assert time.monotonic() < end, name
        time.sleep(0.1)


def cut_off(process: subprocess.Popen[str], address: str, signals: int) -> float:
    """Seconds in which the server ended, whose own database hangs. Nothing of it is left."""
    postmaster, below = one(process.pid, "postgres"), children(process.pid)
    with asking(address, [postmaster, *descendants(postmaster)]):
        seconds = seconds_to_end(process, signals)
    assert process.stdout is not None
    [*_, said] = process.stdout.read().splitlines()
    # The requests and the workers are named if they were in the middle of a statement when the signal came.
    assert re.fullmatch(r"stopped; cut off: (requests: \d, )?(the workers, )?embedded PostgreSQL", said)
    assert process.returncode == Exit.OK
    assert gone(below)
    return seconds


def test_it_brings_back_stores_that_died_and_ends_while_one_hangs_and_loses_nothing(open_folder: Path) -> None:
    with serving(environment(open_folder), "--no-demo") as (process, address):
        assert ask(address, CREATE, key="before") is not None
        for name in ("valkey-server", "postgres"):
            bring_back(process, address, name)
        assert ask(address, CREATE, key="after") is not None
        assert cut_off(process, address, signals=1) < SECONDS
    with serving(environment(open_folder), "--no-demo") as (process, address):
        assert ask(address, READ) == {"changes": {"nodes": [{"title": "after"}, {"title": "before"}]}}
        # The second Ctrl-C waits for nothing that can be cut off.
        assert cut_off(process, address, signals=2) < 3.0


def test_a_server_whose_outer_database_hangs_ends(open_folder: Path) -> None:
    outer = EmbeddedPostgres(open_folder / "outer")
    outer.start(("stackflow", "requirements"), {"fsync": "off"})
    own = {"DATABASE_URL": outer.url("stackflow"), "REQUIREMENTS_URL": outer.url("requirements"), "REDIS_URL": "off"}
    try:
        with serving(environment(open_folder, **own), "--no-demo") as (process, address):
            assert ask(address, CREATE, key="before") is not None
            assert outer.pid is not None
            with asking(address, [outer.pid, *descendants(outer.pid)]):
                assert seconds_to_end(process) < SECONDS
    finally:
        outer.stop()
