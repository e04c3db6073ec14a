"""Request frames: read for their op and bytecode, and written again as the engine shall see them."""

import json
from dataclasses import dataclass
from typing import cast

from datasources.embedded.neptune_like.errors import GRAPHSON


class FrameError(ValueError):
    """A frame is no Gremlin request: nothing in it can be answered."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One request. `gremlin` is bytecode as GraphSON, or the text of a script."""

    request_id: str
    op: str
    processor: str
    gremlin: object
    data: bytes

    def for_engine(self, timeout: int) -> bytes:
        """The same request with two arguments of Neptune's: elements come without properties, and time is bounded.

        access-graph-gremlin-differences: Neptune returns elements "as references with just their id and label".
        The time-out (milliseconds) is the cluster's; an `evaluationTimeout` of the request still goes before it.
        """
        start = 1 + self.data[0]
        request = json.loads(self.data[start:])
        arguments = _arguments(request)
        request["args"] = {**arguments, "materializeProperties": "tokens"}
        request["args"].setdefault("evaluationTimeout", timeout)
        return self.data[:start] + json.dumps(request).encode()


def read(data: bytes) -> Frame:
    """Read a frame: one byte of length, the mime type, the body. FrameError if it is none."""
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
    # gremlinpython writes a plain object here; Java's GraphSON 3 writes a g:Map of keys and values in turn.
    arguments = request.get("args", {})
    if isinstance(arguments, dict) and "@type" in arguments:
        flat = arguments["@value"]
        return dict(zip(flat[::2], flat[1::2], strict=True))
    return cast("dict[str, object]", arguments)
