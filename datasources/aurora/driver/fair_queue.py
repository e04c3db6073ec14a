"""Fair queueing: how many connections each flow of work may hold, and whose turn it is when one is free."""

import asyncio
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager

# Of so many connections one is left for flows that hold none. A flow alone has eight of ten.
RESERVE_DIVISOR = 5
# Most that may wait of one flow. One more is refused at once, as all of them would end by their deadline anyway.
MAX_WAITING_PER_FLOW = 500


class QueueFull(Exception):
    """MAX_WAITING of this flow wait already."""


class FairQueue:
    """Turns at `capacity` things, shared by flows that do not know each other: max-min fairness.

    https://en.wikipedia.org/wiki/Max-min_fairness: who holds the fewest is next, and among equals the one that was
    served longest ago. The last `capacity // SHARE` are given only to flows that hold none, for no turn can be taken
    back. A turn that is free costs no await.
    """

    def __init__(self, capacity: int) -> None:
        self._free = capacity
        self._reserve = capacity // RESERVE_DIVISOR
        self._held: Counter[str] = Counter()
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    @property
    def free(self) -> int:
        """How many turns nobody holds."""
        return self._free

    @property
    def waiting(self) -> int:
        """How many wait, of all flows."""
        return sum(map(len, self._waiting.values()))

    async def acquire(self, flow: str, seconds: float) -> None:
        """Wait for a turn, which `give_back` ends. TimeoutError after so many seconds; QueueFull."""
        if flow not in self._waiting and self._may_take(flow):
            self._give(flow)
            return
        await self._wait(flow, seconds)

    def release(self, flow: str) -> None:
        """End a turn, and let the next one begin."""
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
                # Given in the moment in which the wait was cancelled.
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
            # What else waits of this flow stands behind the others.
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
