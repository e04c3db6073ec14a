"""Ctrl-C, SIGTERM and SIGHUP end a command in the same orderly way, with an exit code that says which it was."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

# SIGINT is asyncio's to handle: it cancels what runs, so that transactions end and connections close.
STOP_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


class Interrupted(Exception):
    """A signal ended the command. The exit code is the shell's: 128 and the number of the signal."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


@contextmanager
def interruptible() -> Iterator[None]:
    """Raise Interrupted from the body when one of the signals came. Only in the main thread."""
    came = signal.SIGINT

    def end(number: int, _: FrameType | None) -> None:
        nonlocal came
        came = signal.Signals(number)
        signal.raise_signal(signal.SIGINT)

    before = {number: signal.signal(number, end) for number in STOP_SIGNALS}
    try:
        yield
    except KeyboardInterrupt as error:
        raise Interrupted(came) from error
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
