"""Heartbeats of background loops: when the last round ended, how many failed in a row, and why."""

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
    """One loop's rounds. It is STUCK once a round has taken longer than `bound` seconds."""

    def __init__(self, name: str, bound: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = name
        self.bound = bound
        self.failures = 0
        self._clock = clock
        self._begun: float | None = None
        self._failing_since = 0.0
        self._state = WorkerState.RUNNING
        self._reason = ""
        # Failures in a row with this very reason.
        self._alike = 0
        self._last_round_at: datetime | None = None

    def begin(self) -> None:
        """A round begins."""
        self._begun = self._clock()

    def succeed(self) -> None:
        """The round ended well."""
        if self.failures:
            log.info("worker works again", extra={"worker": self.name, "failures": self.failures})
        self._begun = None
        self._state, self._reason, self.failures, self._alike = WorkerState.RUNNING, "", 0, 0
        self._last_round_at = datetime.now(UTC)

    def fail(self, error: BaseException, pause: float) -> None:
        """The round raised; the next begins in `pause` seconds. Logged, what repeats itself ever more rarely: its 1st,
        2nd, 4th, 8th time. The traceback comes with the first."""
        state = WorkerState.WAITING if isinstance(error, SourceError) else WorkerState.FAILING
        reason = describe(error)
        self._alike = self._alike + 1 if reason == self._reason else 1
        if state is not self._state:
            self._failing_since = self._clock()
        self._begun = None
        self._state, self._reason = state, reason
        self.failures += 1
        told = {"worker": self.name, "problem": reason, "failures": self.failures, "again_in": round(pause, 1)}
        if isinstance(error, SourceError):
            if _should_log(self._alike):
                log.warning("worker waits for a store", extra=told | {"source": error.source})
            return
        # Each is counted; of those alike not each has a line of its own at the level of errors.
        level = logging.ERROR if _should_log(self._alike) else logging.DEBUG
        log.log(
            level,
            "worker failed",
            extra=told | {"measured": MetricValues({"WorkerFailures": 1}, worker=self.name)},
            exc_info=error if self._alike == 1 else None,
        )

    def report_stuck(self) -> None:
        """Log that the round has taken longer than its bound."""
        log.error(
            "worker is stuck",
            extra={
                "worker": self.name, "problem": f"its round has not ended within {self.bound:g} s",
                "measured": MetricValues({"WorkerFailures": 1}, worker=self.name),
            },
        )  # fmt: skip

    def record(self) -> WorkerRecord:
        """As it is now."""
        now = self._clock()
        if self._begun is not None and now - self._begun > self.bound:
            seconds = now - self._begun
            reason = f"its round has not ended within {self.bound:g} s"
            return WorkerRecord(self.name, WorkerState.STUCK, reason, self.failures, seconds, self._last_round_at)
        seconds = 0.0 if self._state is WorkerState.RUNNING else now - self._failing_since
        return WorkerRecord(self.name, self._state, self._reason, self.failures, seconds, self._last_round_at)


class Heartbeats:
    """The heartbeats of the loops of this process."""

    def __init__(self) -> None:
        self._all: dict[str, Heartbeat] = {}

    def add(self, name: str, bound: float) -> Heartbeat:
        """The heartbeat of a loop that begins."""
        self._all[name] = Heartbeat(name, bound)
        return self._all[name]

    def remove(self, heartbeat: Heartbeat) -> None:
        """Its loop has ended as it was told to."""
        if self._all.get(heartbeat.name) is heartbeat:
            del self._all[heartbeat.name]

    def records(self) -> list[WorkerRecord]:
        """Each worker as it is now, by name."""
        return [self._all[name].record() for name in sorted(self._all)]


def _should_log(count: int) -> bool:
    return count & (count - 1) == 0
