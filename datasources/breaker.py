"""A circuit breaker: after repeated failures, calls to a store are refused for some seconds."""

from collections.abc import Callable
from time import monotonic


class Breaker:
    """A circuit breaker for one event loop; not thread-safe.

    Closed, it admits every call. After `max_failures` failures in a row it opens for `open_seconds`, then admits one
    trial call: success closes it, failure opens it again.
    """

    def __init__(self, max_failures: int, open_seconds: float, clock: Callable[[], float] = monotonic) -> None:
        self._after = max_failures
        self.open_seconds = open_seconds
        self._clock = clock
        self._failures = 0
        self._opened_at: float | None = None
        self._trying = False

    @property
    def is_closed(self) -> bool:
        return self._opened_at is None

    def try_acquire(self) -> bool:
        """Return whether a call may be sent. If so, its result must be reported by one of the methods below."""
        if self._opened_at is None:
            return True
        if self._trying or self._clock() - self._opened_at < self.open_seconds:
            return False
        self._trying = True
        return True

    def record_success(self) -> None:
        """Record that the store answered."""
        self._failures = 0
        self._opened_at = None
        self._trying = False

    def record_failure(self) -> None:
        """Record that the store did not answer, or refused."""
        self._failures += 1
        self._trying = False
        if self._failures >= self._after:
            self._opened_at = self._clock()

    def release(self) -> None:
        """Record that the call ended without a result, for example because the request was cancelled."""
        self._trying = False
