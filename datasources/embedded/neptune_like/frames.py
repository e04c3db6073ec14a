"""Request frames: parsed for their op and bytecode, and rewritten for the engine."""

import json
from dataclasses import dataclass
from typing import cast

from datasources.embedded.neptune_like.errors import GRAPHSON


class FrameError(ValueError):
    """A frame is not a Gremlin request, so it cannot be answered."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A request. `gremlin` is bytecode as GraphSON, or the text of a script."""

    request_id: str
    op: str
    processor: str
    gremlin: object
    data: bytes

    def for_engine(self, timeout: int) -> bytes:
        """Return the request with two of Neptune's options: elements without properties, and a time limit.

        access-graph-gremlin-differences: Neptune returns elements "as references with just their id and label".
        `timeout` (milliseconds) is that of the cluster; an `evaluationTimeout` of the request takes precedence.
        """
        start = 1 + self.data[0]
        request = json.loads(self.data[start:])
        arguments = _arguments(request)
        request["args"] = {**arguments, "materializeProperties": "tokens"}
        request["args"].setdefault("evaluationTimeout", timeout)
        return self.data[:start] + json.dumps(request).encode()


def read(data: bytes) -> Frame:
    """Parse a frame: one byte of length, the MIME type, the body. Raises FrameError if it is invalid."""
    if not data:
        raise FrameError("an empty frame")
    start = 1 + data[0]
    mime = data[1:start].decode("ascii", "replace")
    if GRAPHSON not in mime:
        raise FrameError(f"requests are GraphSON here; {mime!r} is not read")
    try:
        request = json.loads(data[start:])
        arguments = _arguments(request)
        identity = request["requestId"]
        return Frame(
            identity["@value"] if isinstance(identity, dict) else str(identity),
            str(request["op"]),
            str(request.get("processor", "")),
            arguments.get("gremlin"),
            data,
        )
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise FrameError(f"no Gremlin request in {len(data)} bytes of {mime!r}") from error


def _arguments(request: dict[str, object]) -> dict[str, object]:
    # gremlinpython writes a plain object here; GraphSON 3 in Java writes a g:Map of alternating keys and values.
    arguments = request.get("args", {})
    if isinstance(arguments, dict) and "@type" in arguments:
        flat = arguments["@value"]
        return dict(zip(flat[::2], flat[1::2], strict=True))
    return cast("dict[str, object]", arguments)
