"""Ctrl-C, SIGTERM and SIGHUP stop a command in the same way, with the exit code of the signal."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

# asyncio handles SIGINT: it cancels the running tasks, so that transactions end and connections close.
TERMINATION_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


class Interrupted(Exception):
    """A signal ended the command. The exit code is that of a shell: 128 plus the number of the signal."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


@contextmanager
def interruptible() -> Iterator[None]:
    """Raise Interrupted from the body on one of the signals. Only in the main thread."""
    received = signal.SIGINT

    def end(number: int, _: FrameType | None) -> None:
        nonlocal received
        received = signal.Signals(number)
        signal.raise_signal(signal.SIGINT)

    before = {number: signal.signal(number, end) for number in TERMINATION_SIGNALS}
    try:
        yield
    except KeyboardInterrupt as error:
        raise Interrupted(received) from error
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
