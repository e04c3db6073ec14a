"""Restarts stores whose process ended: on the same port, with pauses, and a limited number of times."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from datasources.embedded.process import EmbeddedError
from datasources.embedded.termination import RemainingSeconds

log = logging.getLogger("stackflow")

# Seconds between two checks of the processes.
POLL_SECONDS = 0.25
# The maximum number of starts within a time window; more would indicate a fault that a restart cannot fix.
MAX_STARTS = 5
WINDOW_SECONDS = 300.0
# Seconds before the second start within the window; the pause doubles with each further one.
FIRST_PAUSE_SECONDS = 1.0


class ServerProcess(Protocol):
    """A store as a child process."""

    @property
    def pid(self) -> int | None:
        """The process id while the server runs, else None."""

    def exit_code(self) -> int | None:
        """Return the exit code if the server ended by itself; None while it runs."""

    def stop(self, left: RemainingSeconds | None = None) -> bool:
        """Stop the server, or reap it if it has ended."""


@dataclass
class SupervisedStore:
    """A supervised store: its display name, its process, the function that restarts it in place, and its log."""

    name: str
    server: ServerProcess
    start: Callable[[], object]
    log: str
    # The times of past restarts, by a monotonic clock; the time of the next one, None while it runs.
    starts: deque[float] = field(default_factory=deque)
    due: float | None = None
    given_up: bool = False


class Supervisor:
    """A thread that supervises stores from `start` to `stop`. A hanging process has not ended, so it is left alone."""

    def __init__(self, stores: list[SupervisedStore], first_pause: float = FIRST_PAUSE_SECONDS) -> None:
        self._stores = stores
        self._first_pause = first_pause
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)

    def start(self) -> None:
        """Start to supervise."""
        self._thread.start()

    def stop(self, left: RemainingSeconds) -> None:
        """Stop restarting. Waits for a restart in progress, for at most half of the remaining time."""
        self._stop.set()
        self._thread.join(max(0.0, left() / 2))

    def _run(self) -> None:
        while not self._stop.wait(POLL_SECONDS):
            for store in self._stores:
                if not store.given_up and not self._stop.is_set():
                    self._check(store)

    def _check(self, store: SupervisedStore) -> None:
        code = store.server.exit_code()
        if store.due is None and code is not None:
            how = f"by signal {-code}" if code < 0 else f"with code {code}"
            self._schedule(store, f"embedded {store.name} ended {how}")
        if store.due is not None and time.monotonic() >= store.due:
            self._restart(store)

    def _restart(self, store: SupervisedStore) -> None:
        begin = time.monotonic()
        store.starts.append(begin)
        try:
            store.server.stop()
            store.start()
        except EmbeddedError as error:
            # A later attempt may succeed, for example when memory or disk space is free again.
            self._schedule(store, str(error))
        else:
            store.due = None
            log.warning("embedded %s answers again after %.1f s", store.name, time.monotonic() - begin)

    def _schedule(self, store: SupervisedStore, what: str) -> None:
        now = time.monotonic()
        while store.starts and now - store.starts[0] > WINDOW_SECONDS:
            store.starts.popleft()
        count = len(store.starts)
        if count >= MAX_STARTS:
            store.given_up = True
            log.error(
                "%s; it was started %d times in %.0f minutes and is not started again: see %s, then restart the server",
                what, MAX_STARTS, WINDOW_SECONDS / 60, store.log,
            )  # fmt: skip
            return
        pause = self._first_pause * 2 ** (count - 1) if count else 0.0
        store.due = now + pause
        log.warning("%s; it is started again in %.0f s", what, pause)
