"""Loads in waves: every load that is asked for before the loop runs idle goes out together.

Batches are a property of the document, not of the timing of stores: the next wave starts only when every batch of
the one before has answered and its consumers have run. So an operation sends the same number of statements each
time, which is what makes its store budget testable. Only a store that uses up half of the time left is not waited
for any longer: its fields come late or not at all, the others go on without it.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

# Turns of the event loop without a new load after which the wave is complete. graphql-core starts sub-fields of
# list items one turn after their list, and gathers nest at most one more turn a level; 4 leaves room for both.
QUIET_TURNS = 4

# The part of the time left after which the next wave starts without a batch that is still out.
MAX_DEADLINE_FRACTION = 0.5

BatchFunction = Callable[[], Coroutine[Any, Any, None]]


class Waves:
    """The loads of one request. Not shared between requests. `remaining` gives the seconds left, None for no end."""

    def __init__(self, remaining: Callable[[], float | None] = lambda: None) -> None:
        self._remaining = remaining
        self._pending: list[BatchFunction] = []
        self._running = False
        self._scheduled = False
        self._quiet = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def add(self, batch: BatchFunction) -> None:
        """Put a batch into the next wave; it runs once, with whatever keys it holds by then."""
        self._pending.append(batch)
        self.postpone()

    def postpone(self) -> None:
        """A load was asked for: wait for quiet anew."""
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
        # Kept, because the loop itself holds its tasks weakly.
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
