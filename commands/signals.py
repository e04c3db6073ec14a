"""Signals of a serving process: the first one stops it in order, and ten seconds later it has ended."""

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

# Seconds from the first signal until the process has ended, whatever hangs; what is left of them after the second.
# `docker stop` kills after ten.
STOP_SECONDS = 9.5
HURRY_SECONDS = 1.0
# Seconds after which a process that is still there is ended past every order.
LAST_SECONDS = 0.25


class StoppableServer(Protocol):
    """What can be asked to stop: uvicorn's server."""

    should_exit: bool
    force_exit: bool


class GracefulShutdown:
    """While entered, SIGINT, SIGTERM and SIGHUP stop the server, or, before there is one, the start.

    The second signal no longer waits for anything that can be cut off. A process that has not ended by itself when no
    time is left, because something in it hangs, ends at once after `kill`. `asked` says whether a signal ended the
    server; `cut_off` names what did not end in order.
    """

    def __init__(self, kill: Callable[[], object] = lambda: None) -> None:
        self.is_requested = False
        self.cut_off: list[str] = []
        self._kill = kill
        self._server: StoppableServer | None = None
        self._end: float | None = None
        self._before: dict[signal.Signals, object] = {}
        # Reentrant, as a handler may come in at any instruction of the main thread.
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
        """From now on a signal asks this server to end."""
        self._server = server

    def start_countdown(self) -> None:
        """From now on the end is under way, signal or not, and signals only hurry it."""
        self._begin()

    def remaining_seconds(self) -> float:
        """Seconds until the process must have ended; all of them before a signal."""
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
        sys.stderr.write("stackflow: something hung and was ended with the process\n")
        sys.stderr.flush()
        os._exit(1)
