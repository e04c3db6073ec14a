"""Reply frames of the engine: what they answer and with which status."""

import json
from dataclasses import dataclass

PARTIAL = 206
MIN_FAILURE_STATUS = 400


@dataclass(frozen=True, slots=True)
class Reply:
    """One frame of the engine. `exceptions` are the Java classes of a failure, outermost first."""

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
        return self.status >= MIN_FAILURE_STATUS


def read(data: bytes) -> Reply:
    """Read a frame that answers a request, as GraphSON."""
    reply = json.loads(data)
    status = reply["status"]
    return Reply(str(reply["requestId"]), int(status["code"]), str(status["message"] or ""), _exceptions(status), data)


def _exceptions(status: dict[str, dict[str, list[object]]]) -> tuple[str, ...]:
    flat = (status.get("attributes") or {}).get("@value", [])
    listed = dict(zip(flat[::2], flat[1::2], strict=False)).get("exceptions")
    return tuple(listed["@value"]) if isinstance(listed, dict) else ()
