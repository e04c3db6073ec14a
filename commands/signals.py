"""Signals of a serving process: the first one stops it in order, and nothing interrupts the order."""

import signal
from types import FrameType
from typing import Protocol, Self

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Server(Protocol):
    """What can be asked to stop: uvicorn's server."""

    should_exit: bool
    force_exit: bool


class Stopping:
    """While entered, SIGINT, SIGTERM and SIGHUP stop the server, or, before there is one, the start.

    The second signal no longer waits for running requests. After `finish` further ones are ignored, so that an
    impatient Ctrl-C can't leave a store running. `asked` tells whether a signal ended the server.
    """

    def __init__(self) -> None:
        self.asked = False
        self._server: Server | None = None
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> Self:
        for number in STOP_SIGNALS:
            self._before[number] = signal.signal(number, self._caught)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def watch(self, server: Server) -> None:
        """From now on a signal asks this server to end."""
        self._server = server

    def finish(self) -> None:
        """From now on signals are ignored: what follows must run to its end."""
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)

    def _caught(self, number: int, frame: FrameType | None) -> None:
        if self._server is None:
            raise SystemExit(128 + number)
        self._server.force_exit = self.asked
        self.asked = True
        self._server.should_exit = True
