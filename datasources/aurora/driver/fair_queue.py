"""Fair queueing: limits the connections of each flow of work, and decides which flow gets a free one."""

import asyncio
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager

# One of this many connections is reserved for flows that hold none. A single flow gets eight of ten.
RESERVE_DIVISOR = 5
# Maximum number of waiters of one flow. More are refused immediately, since they would reach their deadline anyway.
MAX_WAITING_PER_FLOW = 500


class QueueFull(Exception):
    """MAX_WAITING_PER_FLOW of this flow are waiting already."""


class FairQueue:
    """Distributes `capacity` turns among independent flows with max-min fairness.

    https://en.wikipedia.org/wiki/Max-min_fairness: the flow that holds the fewest is next; among equals, the one that
    was served longest ago. The last `capacity // RESERVE_DIVISOR` turns are given only to flows that hold none, since a
    turn cannot be taken back. Taking a free turn does not wait.
    """

    def __init__(self, capacity: int) -> None:
        self._free = capacity
        self._reserve = capacity // RESERVE_DIVISOR
        self._held: Counter[str] = Counter()
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    @property
    def free(self) -> int:
        """The number of free turns."""
        return self._free

    @property
    def waiting(self) -> int:
        """The number of waiters of all flows."""
        return sum(map(len, self._waiting.values()))

    async def acquire(self, flow: str, seconds: float) -> None:
        """Wait for a turn, to be ended by `release`. Raise TimeoutError after so many seconds, or QueueFull."""
        if flow not in self._waiting and self._may_take(flow):
            self._give(flow)
            return
        await self._wait(flow, seconds)

    def release(self, flow: str) -> None:
        """End a turn, and give it to the next flow."""
        self._free += 1
        self._held[flow] -= 1
        if not self._held[flow]:
            del self._held[flow]
        self._serve()

    async def _wait(self, flow: str, seconds: float) -> None:
        if len(self._waiting.get(flow, ())) >= MAX_WAITING_PER_FLOW:
            raise QueueFull
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        with self._in_line(flow, turn):
            await asyncio.wait({turn}, timeout=seconds)
            if not turn.done():
                raise TimeoutError

    @contextmanager
    def _in_line(self, flow: str, turn: asyncio.Future[None]) -> Iterator[None]:
        self._waiting.setdefault(flow, deque()).append(turn)
        begun = False
        try:
            yield
            begun = True
        finally:
            if not begun and turn.done():
                # The turn was given at the moment in which the wait was cancelled.
                self.release(flow)
            elif not begun:
                self._leave(flow, turn)

    def _leave(self, flow: str, turn: asyncio.Future[None]) -> None:
        line = self._waiting[flow]
        line.remove(turn)
        if not line:
            del self._waiting[flow]

    def _serve(self) -> None:
        while self._waiting and self._free:
            flow = min(self._waiting, key=self._held.__getitem__)
            if not self._may_take(flow):
                return
            # The other waiters of this flow go behind the other flows.
            line = self._waiting.pop(flow)
            turn = line.popleft()
            if line:
                self._waiting[flow] = line
            self._give(flow)
            turn.set_result(None)

    def _may_take(self, flow: str) -> bool:
        return self._free > (self._reserve if self._held[flow] else 0)

    def _give(self, flow: str) -> None:
        self._free -= 1
        self._held[flow] += 1
