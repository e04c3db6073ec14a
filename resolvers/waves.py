"""Loads in waves: all loads that are requested before the event loop becomes idle are sent together.

Batches depend on the document only, not on the timing of stores: the next wave starts after every batch of the one
before has returned and its consumers have run. So an operation always sends the same number of statements, which makes
its budget testable. Only a store that uses half of the remaining time is not waited for any longer: its fields are
delayed or fail, and the others continue without it.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

# Turns of the event loop without a new load after which the wave is complete. graphql-core starts sub-fields of
# list items one turn after their list, and gathers add at most one more turn for each level; 4 is enough for both.
QUIET_TURNS = 4

# The share of the remaining time after which the next wave starts although a batch has not returned.
MAX_DEADLINE_FRACTION = 0.5

BatchFunction = Callable[[], Coroutine[Any, Any, None]]


class Waves:
    """The loads of one request. Not shared between requests. `remaining` returns seconds, None for no limit."""

    def __init__(self, remaining: Callable[[], float | None] = lambda: None) -> None:
        self._remaining = remaining
        self._pending: list[BatchFunction] = []
        self._running = False
        self._scheduled = False
        self._quiet = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def add(self, batch: BatchFunction) -> None:
        """Add a batch to the next wave; it runs once, with the keys that it has by then."""
        self._pending.append(batch)
        self.postpone()

    def postpone(self) -> None:
        """Restart the wait for idle turns after a new load."""
        self._quiet = 0
        if not self._running and not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self._quiet += 1
        loop = asyncio.get_running_loop()
        if self._quiet < QUIET_TURNS:
            loop.call_soon(self._turn)
            return
        self._scheduled = False
        wave, self._pending = self._pending, []
        if wave:
            self._running = True
            self._start(self._run(wave))

    async def _run(self, wave: list[BatchFunction]) -> None:
        remaining = self._remaining()
        try:
            await asyncio.wait(
                [self._start(batch()) for batch in wave],
                timeout=None if remaining is None else remaining * MAX_DEADLINE_FRACTION,
            )
        finally:
            self._running = False
            if self._pending:
                self.postpone()

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        # The event loop references tasks only weakly.
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
