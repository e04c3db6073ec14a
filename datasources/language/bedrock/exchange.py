"""One call of Bedrock in a thread, whose connection another thread can shut down."""

import socket
import threading
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import Any

# One lock for all calls: a connection goes back to its pool and on to another call while the first one is stopped.
_LOCK = threading.Lock()


class Exchange:
    """The connection of a call, and whether the call was stopped. `deadline` is a time of time.monotonic(), in seconds.

    A thread that waits for bytes cannot be interrupted, and closing its stream from another thread waits for the same
    bytes. Shutting the socket down ends its wait at once.
    """

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self._stopped = False
        self._connection: Any = None

    def use(self, connection: Any) -> None:
        """Take a connection that is about to send or to receive. Raises CancelledError after `stop`."""
        with _LOCK:
            self.require_running()
            connection.exchange = self
            self._connection = connection

    def require_running(self) -> None:
        """Raise CancelledError after `stop`: boto3 raises it as it is, where it repeats a call that lost its peer."""
        if self._stopped:
            raise CancelledError

    def stop(self) -> None:
        """End the call in its thread by shutting its connection down; nothing happens to a call that has ended."""
        with _LOCK:
            self._stopped = True
            if self._connection is None or self._connection.exchange is not self:
                return
            peer = self._connection.sock
            if isinstance(peer, socket.socket):
                # A socket of TLS is shut down below its TLS, which the reading thread is using.
                with suppress(OSError):
                    socket.socket.shutdown(peer, socket.SHUT_RDWR)

    def end(self) -> None:
        """Give the connection up: its pool may hand it to another call."""
        with _LOCK:
            self._connection = None
