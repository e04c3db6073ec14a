"""One submitted traversal: its encoding, ids, deadline and statistics."""

import time
from dataclasses import dataclass, field
from uuid import UUID, uuid5

from gremlin_python.process.traversal import Traversal

from datasources.graph.gremlin.client.bytecode import encode_bytecode, encode_frame
from datasources.graph.gremlin.client.errors import MessageTooLarge
from datasources.request import RequestContext

# Do not change: ids of traversals in old logs are computed from it.
TRAVERSAL_ID_NAMESPACE = UUID("5f0c1a52-2f8e-5d0b-9f6a-0f1d3c7c9a41")


def traversal_id(request_id: str, number: int) -> str:
    """Return the engine's id of the `number`th traversal sent for a request, from 1: a UUID of RFC 9562, version 5."""
    return str(uuid5(TRAVERSAL_ID_NAMESPACE, f"{request_id}/{number}"))


@dataclass(slots=True)
class TraversalRequest:
    """A request that is created in the caller's thread and processed in the client's. `deadline` is in time.monotonic.

    `sendings` counts how often it was sent, `tries` how often a connection was requested; `received` is in bytes.
    """

    traversal: Traversal
    call: RequestContext
    deadline: float
    message_bytes: int
    traversal_id: str = field(default="", init=False)
    sendings: int = field(default=0, init=False)
    tries: int = field(default=0, init=False)
    received: int = field(default=0, init=False)

    # The code of the problem that ended it, as in the log.
    code: str = field(default="", init=False)
    _bytecode: bytes = field(default=b"", init=False)

    def remaining_seconds(self) -> float:
        """Seconds until the deadline, never below zero."""
        return max(0.0, self.deadline - time.monotonic())

    def encode(self) -> None:
        """Encode the traversal, once, before it is sent.

        Raises MessageTooLarge, and TypeError for values that no supported engine runs.
        """
        self._bytecode = encode_bytecode(self.traversal)
        if len(self._bytecode) > self.message_bytes:
            raise MessageTooLarge(
                f"the traversal is {len(self._bytecode)} bytes long, GRAPH_MESSAGE_BYTES is {self.message_bytes}: "
                "send it in smaller parts"
            )

    def next_frame(self) -> bytes:
        """Return the request frame under a new id; the engine aborts the traversal at our deadline.

        Only the client's thread counts the traversals of a request, so that numbers are unique.
        """
        self.call.usage.traversals += 1
        self.sendings += 1
        self.traversal_id = traversal_id(self.call.request_id, self.call.usage.traversals)
        return encode_frame(self.traversal_id, self._bytecode, max(1, int(self.remaining_seconds() * 1_000)))

    def record_received(self, length: int) -> None:
        """Count a response message of `length` bytes."""
        self.received += length
