"""The budget of one execution: its number of fields, its time, and its fields in one turn of the event loop."""

import asyncio
from collections import deque
from collections.abc import Callable

from resolvers.errors import LimitExceeded, ShownError, SourceLost

# Fields between two checks of the limits: a few milliseconds.
FIELDS_PER_CHECK = 500
# Leaf fields in one turn of the event loop: 10 to 40 ms. Other requests are served between turns.
FIELDS_PER_TURN = 3_000
# Lists that continue in one turn; a list that finds the turn used up waits for another one.
LISTS_PER_TURN = 512


class ExecutionStopped(Exception):
    """The execution exceeded a limit: all of it ends, not only the field that was being executed."""

    def __init__(self, reason: ShownError) -> None:
        super().__init__(str(reason))
        self.reason = reason


class DeadlineExceeded(SourceLost):
    """The request exceeded its deadline, in stores or in the execution."""

    def __init__(self) -> None:
        super().__init__("the request ran out of time", timeout=True)


class ExecutionBudget:
    """Counts the fields of one execution, and divides it into turns of the event loop.

    `spend` raises ExecutionStopped above `limit` fields, and after `stop_at`, in seconds of the clock of the event
    loop; None means no time limit. `on_turn` is called in each turn for which lists wait. While `fields` is at least
    `turn_ends`, a list waits for its next turn before it completes another item.
    """

    __slots__ = (
        "_limit",
        "_loop",
        "_next_check",
        "_on_turn",
        "_planned",
        "_stop_at",
        "_waiting",
        "fields",
        "turn_ends",
    )

    def __init__(self, limit: int, stop_at: float | None, on_turn: Callable[[], None]) -> None:
        self.fields = 0
        self._limit = limit
        self._stop_at = stop_at
        self._on_turn = on_turn
        self._loop = asyncio.get_running_loop()
        self._next_check = 0
        self._planned = False
        self.turn_ends = FIELDS_PER_TURN
        self._waiting: deque[asyncio.Future[None]] = deque()

    def spend(self, fields: int) -> None:
        """Count fields, before they are executed."""
        self.fields += fields
        if self.fields >= self._next_check:
            self._check_limits()

    async def wait_for_turn(self) -> None:
        """Wait until a list can continue; lists continue in the order in which they called this."""
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
        # Items that have not begun can still request loads: the wave is not complete.
        self._on_turn()
        for _ in range(min(LISTS_PER_TURN, len(self._waiting))):
            future = self._waiting.popleft()
            if not future.done():
                future.set_result(None)
        if self._waiting:
            self._plan_turn()

    def _check_limits(self) -> None:
        self._next_check = self.fields + FIELDS_PER_CHECK
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
