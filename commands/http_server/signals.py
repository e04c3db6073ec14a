"""Signals of a server process: the first one starts a graceful shutdown, which ends within ten seconds."""

import os
import signal
import sys
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from types import FrameType
from typing import Protocol, Self

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

# Seconds from the first signal until the process has ended, whatever hangs. `docker stop` kills after ten.
STOP_SECONDS = 9.5
# Seconds from the second signal until the process has ended.
HURRY_SECONDS = 1.0
# Seconds after that time at which a process that still runs is killed.
LAST_SECONDS = 0.25


class StoppableServer(Protocol):
    """A server that can be asked to stop, such as that of uvicorn."""

    should_exit: bool
    force_exit: bool


class GracefulShutdown:
    """A context in which SIGINT, SIGTERM and SIGHUP stop the server, or the start if there is no server yet.

    After the second signal, nothing that can be cut off is waited for. If the process hangs and the time is used up,
    `kill` is called and the process ends immediately. `is_requested` says whether a signal stopped the server;
    `cut_off` names what did not end gracefully.
    """

    def __init__(self, kill: Callable[[], object] = lambda: None) -> None:
        self.is_requested = False
        self.cut_off: list[str] = []
        self._kill = kill
        self._server: StoppableServer | None = None
        self._end: float | None = None
        self._before: dict[signal.Signals, object] = {}
        # SimpleQueue is reentrant: a signal handler can run at any instruction of the main thread.
        self._messages: SimpleQueue[bool] = SimpleQueue()
        self._watchdog = Thread(target=self._watch, name="watchdog", daemon=True)

    def __enter__(self) -> Self:
        for number in STOP_SIGNALS:
            self._before[number] = signal.signal(number, self._handle_signal)
        self._watchdog.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._messages.put(False)
        self._watchdog.join()
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def attach(self, server: StoppableServer) -> None:
        """Register the server that signals stop from now on."""
        self._server = server

    def start_countdown(self) -> None:
        """Start the countdown of the shutdown, also without a signal; later signals only shorten it."""
        self._begin()

    def remaining_seconds(self) -> float:
        """Return the seconds until the process must have ended; STOP_SECONDS before a signal."""
        return STOP_SECONDS if self._end is None else self._end - time.monotonic()

    def _begin(self) -> bool:
        first = self._end is None
        if self._end is None:
            self._end = time.monotonic() + STOP_SECONDS
            self._messages.put(True)
        return first

    def _handle_signal(self, number: int, frame: FrameType | None) -> None:
        first = self._begin()
        if not first:
            self._end = min(self._end or 0.0, time.monotonic() + HURRY_SECONDS)
        if self._server is None:
            if first:
                raise SystemExit(128 + number)
            return
        self._server.force_exit = self.is_requested
        self.is_requested = True
        self._server.should_exit = True

    def _watch(self) -> None:
        if not self._messages.get():
            return
        while self.remaining_seconds() > -LAST_SECONDS:
            try:
                self._messages.get(timeout=0.05)
            except Empty:
                continue
            return
        self._kill()
        sys.stderr.write("stackflow: the shutdown hung; the process was killed\n")
        sys.stderr.flush()
        os._exit(1)
