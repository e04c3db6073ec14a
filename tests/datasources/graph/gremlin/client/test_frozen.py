"""A process that stands still for a while, as functions do, goes on as if nothing had been."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from datasources.embedded.neptune_like import Faults, NeptuneLike
from tests.datasources.graph.gremlin.client.conftest import url_of
from tests.fixtures.gate import Gate
from tests.fixtures.standing_still import stand_still

ROOT = Path(__file__).parents[5]


class Child:
    """A process with a client of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    def ask(self, number: int, seconds: float = 10.0) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{number} {seconds}\n".encode())

    async def outcome(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        outcome: dict[str, Any] = json.loads(await self._process.stdout.readline())
        return outcome

    @asynccontextmanager
    async def frozen(self) -> AsyncIterator[None]:
        stand_still(self._process.pid)
        try:
            yield
        finally:
            os.kill(self._process.pid, signal.SIGCONT)


@pytest.fixture
async def child() -> AsyncIterator[Callable[[str], Awaitable[Child]]]:
    started: list[asyncio.subprocess.Process] = []

    async def start(url: str) -> Child:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-X", "dev", "-W", "error", "-m", "tests.datasources.graph.gremlin.client.frozen", url,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, cwd=ROOT,
        )  # fmt: skip
        started.append(process)
        return Child(process)

    yield start
    for process in started:
        # An empty input ends it.
        _, said = await process.communicate(b"")
        assert (process.returncode, b"Warning" in said, b"Traceback" in said) == (0, False, False), said.decode()


Start = Callable[[str], Awaitable[Child]]


async def test_the_engine_stays(child: Start, gate: Gate) -> None:
    frozen = await child(url_of(gate))
    frozen.ask(1)
    assert await frozen.outcome() == {"rows": [1], "sent": 1}
    async with frozen.frozen():
        await asyncio.sleep(0.5)
    frozen.ask(2)
    assert await frozen.outcome() == {"rows": [2], "sent": 1}
    assert gate.seen == 1


async def test_the_engine_went_away_and_came_back(child: Start, gate: Gate) -> None:
    frozen = await child(url_of(gate))
    frozen.ask(1)
    assert await frozen.outcome() == {"rows": [1], "sent": 1}
    async with frozen.frozen():
        await gate.shut()
        await asyncio.sleep(0.5)
        await gate.open()
        # The question waits in the pipe: it is read before the loop has looked at its sockets.
        frozen.ask(2)
    assert await frozen.outcome() == {"rows": [2], "sent": 1}
    assert gate.seen == 2


async def test_the_other_end_vanished_without_a_word(child: Start, gate: Gate) -> None:
    """As a flow through a NAT gateway ends, or a host that is replaced."""
    frozen = await child(url_of(gate))
    frozen.ask(1)
    assert await frozen.outcome() == {"rows": [1], "sent": 1}
    async with frozen.frozen():
        gate.silence()
        assert gate.cut_off() == 1
        await asyncio.sleep(0.5)
    frozen.ask(2)
    # It was asked by a ping, and the traversal went by a new socket only.
    assert await frozen.outcome() == {"rows": [2], "sent": 1}
    assert gate.seen == 2


async def test_the_engine_is_still_away(child: Start, gate: Gate) -> None:
    frozen = await child(url_of(gate))
    frozen.ask(1)
    assert await frozen.outcome() == {"rows": [1], "sent": 1}
    async with frozen.frozen():
        await gate.shut()
        await asyncio.sleep(0.3)
    frozen.ask(2, 0.5)
    assert await frozen.outcome() == {"error": ["SourceTimeout"], "sent": 0}
    await gate.open()
    frozen.ask(3)
    assert await frozen.outcome() == {"rows": [3], "sent": 1}


async def test_frozen_in_the_middle_of_a_traversal(child: Start, double: NeptuneLike) -> None:
    frozen = await child(double.url)
    frozen.ask(1)
    assert await frozen.outcome() == {"rows": [1], "sent": 1}
    double.faults = Faults(lag_after=0.3)
    frozen.ask(2, 1.0)
    await asyncio.sleep(0.2)
    async with frozen.frozen():
        await asyncio.sleep(1.2)
    # The answer came while the deadline passed: either may be seen first.
    assert await frozen.outcome() in ({"error": ["SourceTimeout"], "sent": 1}, {"rows": [2], "sent": 1})
    frozen.ask(3)
    assert await frozen.outcome() == {"rows": [3], "sent": 1}
