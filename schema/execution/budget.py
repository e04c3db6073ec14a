"""How far one execution may go: fields in all, time in all, and fields in one turn of the event loop."""

import asyncio
from collections import deque
from collections.abc import Callable

from resolvers.errors import LimitExceeded, ShownError, SourceLost

# Fields between two looks at the limits: some milliseconds.
FIELDS_PER_CHECK = 500
# Leaf fields in one turn of the event loop: some 10 to 40 ms. Others are served between turns.
FIELDS_PER_TURN = 3_000
# Lists that go on in one turn; one that finds the turn used up waits again.
LISTS_PER_TURN = 512


class ExecutionStopped(Exception):
    """The execution came to a limit: all of it ends, not only the field at which it was noticed."""

    def __init__(self, reason: ShownError) -> None:
        super().__init__(str(reason))
        self.reason = reason


class DeadlineExceeded(SourceLost):
    """The request took longer than it may, in stores or here."""

    def __init__(self) -> None:
        super().__init__("the request ran out of time", timeout=True)


class ExecutionBudget:
    """Counts the fields of one execution. `spend` raises ExecutionStopped above `limit` fields, and after `stop_at` in
    seconds of the event loop's clock; None stands for no limit. `stir` is called in each turn that lists wait for.

    While `fields` is at least `turn_ends`, a list waits for its next turn before it completes another item.
    """

    __slots__ = ("_limit", "_look_at", "_loop", "_planned", "_stir", "_stop_at", "_waiting", "fields", "turn_ends")

    def __init__(self, limit: int, stop_at: float | None, on_turn: Callable[[], None]) -> None:
        self.fields = 0
        self._limit = limit
        self._stop_at = stop_at
        self._stir = on_turn
        self._loop = asyncio.get_running_loop()
        self._look_at = 0
        self._planned = False
        self.turn_ends = FIELDS_PER_TURN
        self._waiting: deque[asyncio.Future[None]] = deque()

    def spend(self, fields: int) -> None:
        """Count fields, before they are executed."""
        self.fields += fields
        if self.fields >= self._look_at:
            self._check_limits()

    async def wait_for_turn(self) -> None:
        """Wait until a list may go on; lists go on in the order in which they came."""
        while True:
            future = self._loop.create_future()
            self._waiting.append(future)
            self._plan_turn()
            await future
            if self.fields < self.turn_ends:
                return

    def _plan_turn(self) -> None:
        if not self._planned:
            self._planned = True
            self._loop.call_soon(self._begin_turn)

    def _begin_turn(self) -> None:
        self._planned = False
        self.turn_ends = self.fields + FIELDS_PER_TURN
        if not self._waiting:
            return
        # Items that have not begun may still ask for loads: the wave is not complete.
        self._stir()
        for _ in range(min(LISTS_PER_TURN, len(self._waiting))):
            future = self._waiting.popleft()
            if not future.done():
                future.set_result(None)
        if self._waiting:
            self._plan_turn()

    def _check_limits(self) -> None:
        self._look_at = self.fields + FIELDS_PER_CHECK
        self._plan_turn()
        if self.fields > self._limit:
            raise ExecutionStopped(
                LimitExceeded(
                    f"the answer has more than {self._limit} fields; ask for fewer rows or fields",
                    limit="cost",
                    allowed=self._limit,
                )
            )
        if self._stop_at is not None and self._loop.time() > self._stop_at:
            raise ExecutionStopped(DeadlineExceeded())
