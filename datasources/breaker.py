"""A circuit breaker: after some failures in a row a lost store is left alone for a while."""

from collections.abc import Callable
from time import monotonic


class Breaker:
    """Closed, it admits every call. After `after` failures in a row it opens for `pause` seconds, then admits
    one trial call: its success closes it, its failure opens it again. For one event loop, not for threads."""

    def __init__(self, max_failures: int, open_seconds: float, clock: Callable[[], float] = monotonic) -> None:
        self._after = max_failures
        self._pause = open_seconds
        self._clock = clock
        self._failures = 0
        self._opened_at: float | None = None
        self._trying = False

    @property
    def is_closed(self) -> bool:
        return self._opened_at is None

    def try_acquire(self) -> bool:
        """Whether a call may go out. Who is admitted must tell the outcome by one of the three verbs below."""
        if self._opened_at is None:
            return True
        if self._trying or self._clock() - self._opened_at < self._pause:
            return False
        self._trying = True
        return True

    def record_success(self) -> None:
        """The store answered."""
        self._failures = 0
        self._opened_at = None
        self._trying = False

    def record_failure(self) -> None:
        """The store did not answer, or refused."""
        self._failures += 1
        self._trying = False
        if self._failures >= self._after:
            self._opened_at = self._clock()

    def release(self) -> None:
        """The call ended for reasons of its own, such as a cancelled request: it says nothing of the store."""
        self._trying = False
