"""Reply frames of the engine: the request they answer and their status."""

import json
from dataclasses import dataclass

PARTIAL = 206
MIN_FAILURE_STATUS = 400


@dataclass(frozen=True, slots=True)
class Reply:
    """A frame of the engine. `exceptions` are the Java classes of a failure, outermost first."""

    request_id: str
    status: int
    message: str
    exceptions: tuple[str, ...]
    data: bytes

    @property
    def is_last(self) -> bool:
        """Whether this frame completes the answer."""
        return self.status != PARTIAL

    @property
    def is_failure(self) -> bool:
        return self.status >= MIN_FAILURE_STATUS


def read(data: bytes) -> Reply:
    """Parse a reply frame in GraphSON."""
    reply = json.loads(data)
    status = reply["status"]
    return Reply(str(reply["requestId"]), int(status["code"]), str(status["message"] or ""), _exceptions(status), data)


def _exceptions(status: dict[str, dict[str, list[object]]]) -> tuple[str, ...]:
    flat = (status.get("attributes") or {}).get("@value", [])
    listed = dict(zip(flat[::2], flat[1::2], strict=False)).get("exceptions")
    return tuple(listed["@value"]) if isinstance(listed, dict) else ()
