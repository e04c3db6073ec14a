"""The circuit breaker of one model: it opens after some throttled calls, and for long after a used quota."""

from collections import deque
from collections.abc import Callable
from time import monotonic

from datasources.language.port import LanguageFailure

THROTTLES = 3
# Seconds within which so many throttled calls open it, and for which it stays open.
WINDOW_SECONDS = 30.0
OPEN_SECONDS = 30.0
# Quotas of tokens are by the minute and by the day.
# https://docs.aws.amazon.com/bedrock/latest/userguide/quotas.html
QUOTA_SECONDS = 600.0


class ModelBreaker:
    """For one event loop; not thread-safe.

    Open, it admits no call. When its time is over it admits one trial: success closes it, another throttled call opens
    it again. Failures that say nothing about capacity do not open it.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._throttles: deque[float] = deque(maxlen=THROTTLES)
        self._open_until: float | None = None
        self._trying = False

    @property
    def is_open(self) -> bool:
        """Whether a call would be refused now."""
        return self._open_until is not None and (self._trying or self._clock() < self._open_until)

    def try_acquire(self) -> bool:
        """Return whether a call may be sent. If so, its result must be reported by `record` or `release`."""
        if self.is_open:
            return False
        self._trying = self._open_until is not None
        return True

    def record(self, failure: LanguageFailure | None) -> None:
        """Record the result of a call; None for success."""
        was_trial, self._trying = self._trying, False
        now = self._clock()
        if failure is LanguageFailure.QUOTA:
            self._open_until = now + QUOTA_SECONDS
        elif failure is LanguageFailure.THROTTLED:
            self._throttles.append(now)
            is_burst = len(self._throttles) == THROTTLES and now - self._throttles[0] <= WINDOW_SECONDS
            if was_trial or is_burst:
                self._open_until = max(self._open_until or 0.0, now + OPEN_SECONDS)
        elif failure is None and (self._open_until is None or now >= self._open_until):
            # A call that began before the breaker opened does not close it.
            self._throttles.clear()
            self._open_until = None

    def release(self) -> None:
        """Record that a call ended without a result, for example since the request was cancelled."""
        self._trying = False
