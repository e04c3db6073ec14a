"""Reply frames of the engine: what they answer and with which status, in either format."""

import json
import uuid
from dataclasses import dataclass

from datasources.embedded.neptune_like.answers import GRAPHSON

PARTIAL = 206
FIRST_FAILURE = 400


@dataclass(frozen=True, slots=True)
class Reply:
    """One frame of the engine. `exceptions` are the Java classes of a failure, outermost first (GraphSON only)."""

    request_id: str
    status: int
    message: str
    exceptions: tuple[str, ...]
    data: bytes

    @property
    def is_last(self) -> bool:
        """Whether the request is answered with this frame."""
        return self.status != PARTIAL

    @property
    def is_failure(self) -> bool:
        return self.status >= FIRST_FAILURE


def read(data: bytes, mime: str) -> Reply:
    """Read a frame that answers a request of that mime type."""
    if GRAPHSON not in mime:
        return _graphbinary(data)
    reply = json.loads(data)
    status = reply["status"]
    return Reply(str(reply["requestId"]), int(status["code"]), str(status["message"] or ""), _exceptions(status), data)


def _exceptions(status: dict[str, dict[str, list[object]]]) -> tuple[str, ...]:
    flat = (status.get("attributes") or {}).get("@value", [])
    listed = dict(zip(flat[::2], flat[1::2], strict=False)).get("exceptions")
    return tuple(listed["@value"]) if isinstance(listed, dict) else ()


def _graphbinary(data: bytes) -> Reply:
    # dev/io, "GraphBinary response": version, nullable request id, status code, nullable message, and more unread here.
    at = 2
    request_id = ""
    if data[1] == 0:
        request_id, at = str(uuid.UUID(bytes=data[2:18])), 18
    status = int.from_bytes(data[at : at + 4], "big")
    message = ""
    if data[at + 4] == 0:
        size = int.from_bytes(data[at + 5 : at + 9], "big")
        message = data[at + 9 : at + 9 + size].decode()
    return Reply(request_id, status, message, (), data)
