"""Brings back stores whose process ended: on the same port, with pauses, and not for ever."""

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

# Seconds between two looks at the processes.
POLL_SECONDS = 0.25
# So many starts in so many seconds; one that would need more has a fault that a start does not mend.
MAX_STARTS, WINDOW_SECONDS = 5, 300.0
# Seconds before the second start in that time; it doubles with each further one.
FIRST_PAUSE_SECONDS = 1.0


class ServerProcess(Protocol):
    """A store as a child process."""

    @property
    def pid(self) -> int | None:
        """The process, while we run one."""

    def exit_code(self) -> int | None:
        """The exit code of a server that ended by itself; None while it runs."""

    def stop(self, left: RemainingSeconds | None = None) -> bool:
        """End it, or collect what ended."""


@dataclass
class SupervisedStore:
    """What is looked after: its name for people, its process, how it is started where it was, and its log."""

    name: str
    server: ServerProcess
    start: Callable[[], object]
    log: str
    # When it was started again, by a monotonic clock; when it will be, None while it runs.
    starts: deque[float] = field(default_factory=deque)
    due: float | None = None
    given_up: bool = False


class Supervisor:
    """A thread that looks after stores from `start` to `stop`. A process that hangs has not ended: it is left alone."""

    def __init__(self, stores: list[SupervisedStore], first_pause: float = FIRST_PAUSE_SECONDS) -> None:
        self._stores = stores
        self._first_pause = first_pause
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)

    def start(self) -> None:
        """Look after them from now on."""
        self._thread.start()

    def stop(self, left: RemainingSeconds) -> None:
        """No longer start anything. A start under way is waited for half the time that is left."""
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
            # Another attempt may do, for example when memory or disk is free again.
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
