"""One submitted traversal: what is sent of it, under which ids, until when, and what became of it."""

import time
from dataclasses import dataclass, field
from uuid import UUID, uuid5

from gremlin_python.process.traversal import Traversal

from datasources.graph.gremlin.client.bytecode import encode_bytecode, encode_frame
from datasources.graph.gremlin.client.errors import MessageTooLarge
from datasources.request import RequestContext

# Never to be changed: whoever reads logs of old computes ids of traversals from it.
TRAVERSAL_ID_NAMESPACE = UUID("5f0c1a52-2f8e-5d0b-9f6a-0f1d3c7c9a41")


def traversal_id(request_id: str, number: int) -> str:
    """The id under which an engine knows the `number`th traversal sent for a request, from 1: RFC 9562, version 5."""
    return str(uuid5(TRAVERSAL_ID_NAMESPACE, f"{request_id}/{number}"))


@dataclass(slots=True)
class TraversalRequest:
    """Made in the caller's thread and worked on in the client's. `deadline` is of time.monotonic.

    `sendings` counts how often it went out, `tries` how often a socket was asked for; `received` is in bytes.
    """

    traversal: Traversal
    call: RequestContext
    deadline: float
    message_bytes: int
    traversal_id: str = field(default="", init=False)
    sendings: int = field(default=0, init=False)
    tries: int = field(default=0, init=False)
    received: int = field(default=0, init=False)

    # What the log calls the problem that ended it.
    code: str = field(default="", init=False)
    _bytecode: bytes = field(default=b"", init=False)

    def remaining_seconds(self) -> float:
        """Seconds until the deadline, never below zero."""
        return max(0.0, self.deadline - time.monotonic())

    def encode(self) -> None:
        """Once, before the first sending. Raises TooLarge, and TypeError for what no engine runs."""
        self._bytecode = encode_bytecode(self.traversal)
        if len(self._bytecode) > self.message_bytes:
            raise MessageTooLarge(
                f"the traversal is {len(self._bytecode)} bytes long, GRAPH_MESSAGE_BYTES is {self.message_bytes}: "
                "send it in smaller parts"
            )

    def next_frame(self) -> bytes:
        """The request under a new id; the engine gives it up when our own time is over.

        Only the client's thread counts the traversals of a call, so that no two have the same number.
        """
        self.call.usage.traversals += 1
        self.sendings += 1
        self.traversal_id = traversal_id(self.call.request_id, self.call.usage.traversals)
        return encode_frame(self.traversal_id, self._bytecode, max(1, int(self.remaining_seconds() * 1_000)))

    def record_received(self, length: int) -> None:
        """A message of the answer, of so many bytes."""
        self.received += length
