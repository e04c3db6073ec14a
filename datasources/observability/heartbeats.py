"""Heartbeats of background loops: when the last round ended, how many rounds failed in a row, and why."""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime

from datasources.errors import SourceError
from datasources.observability.exceptions import describe
from datasources.observability.metrics import MetricValues
from datasources.records.workers import WorkerRecord, WorkerState

log = logging.getLogger("stackflow.workers")


class Heartbeat:
    """The heartbeat of one loop. It is STUCK if a round takes longer than `bound` seconds."""

    def __init__(self, name: str, bound: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = name
        self.bound = bound
        self.failures = 0
        self._clock = clock
        self._begun: float | None = None
        self._failing_since = 0.0
        self._state = WorkerState.RUNNING
        self._reason = ""
        # Consecutive failures with the same reason.
        self._alike = 0
        self._last_round_at: datetime | None = None

    def begin(self) -> None:
        """Record the start of a round."""
        self._begun = self._clock()

    def succeed(self) -> None:
        """Record the success of a round."""
        if self.failures:
            log.info("worker works again", extra={"worker": self.name, "failures": self.failures})
        self._begun = None
        self._state, self._reason, self.failures, self._alike = WorkerState.RUNNING, "", 0, 0
        self._last_round_at = datetime.now(UTC)

    def fail(self, error: BaseException, pause: float) -> None:
        """Record the failure of a round; the next one starts in `pause` seconds.

        Repeated failures are logged with decreasing frequency: the 1st, 2nd, 4th, 8th time. The first has a traceback.
        """
        state = WorkerState.WAITING if isinstance(error, SourceError) else WorkerState.FAILING
        reason = describe(error)
        self._alike = self._alike + 1 if reason == self._reason else 1
        if state is not self._state:
            self._failing_since = self._clock()
        self._begun = None
        self._state, self._reason = state, reason
        self.failures += 1
        fields = {"worker": self.name, "problem": reason, "failures": self.failures, "again_in": round(pause, 1)}
        if isinstance(error, SourceError):
            if _should_log(self._alike):
                log.warning("worker waits for a store", extra=fields | {"source": error.source})
            return
        # Every failure is counted, but repeated ones are not all logged as errors.
        level = logging.ERROR if _should_log(self._alike) else logging.DEBUG
        log.log(
            level,
            "worker failed",
            extra=fields | {"measured": MetricValues({"WorkerFailures": 1}, worker=self.name)},
            exc_info=error if self._alike == 1 else None,
        )

    def report_stuck(self) -> None:
        """Log that the round has exceeded its bound."""
        log.error(
            "worker is stuck",
            extra={
                "worker": self.name, "problem": f"its round has not ended within {self.bound:g} s",
                "measured": MetricValues({"WorkerFailures": 1}, worker=self.name),
            },
        )  # fmt: skip

    def record(self) -> WorkerRecord:
        """Return the current state."""
        now = self._clock()
        if self._begun is not None and now - self._begun > self.bound:
            seconds = now - self._begun
            reason = f"its round has not ended within {self.bound:g} s"
            return WorkerRecord(self.name, WorkerState.STUCK, reason, self.failures, seconds, self._last_round_at)
        seconds = 0.0 if self._state is WorkerState.RUNNING else now - self._failing_since
        return WorkerRecord(self.name, self._state, self._reason, self.failures, seconds, self._last_round_at)


class Heartbeats:
    """The heartbeats of the loops in this process."""

    def __init__(self) -> None:
        self._all: dict[str, Heartbeat] = {}

    def add(self, name: str, bound: float) -> Heartbeat:
        """Add and return the heartbeat of a new loop."""
        self._all[name] = Heartbeat(name, bound)
        return self._all[name]

    def remove(self, heartbeat: Heartbeat) -> None:
        """Remove the heartbeat of a loop that was stopped."""
        if self._all.get(heartbeat.name) is heartbeat:
            del self._all[heartbeat.name]

    def records(self) -> list[WorkerRecord]:
        """Return the current state of each worker, by name."""
        return [self._all[name].record() for name in sorted(self._all)]


def _should_log(count: int) -> bool:
    return count & (count - 1) == 0
