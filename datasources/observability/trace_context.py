"""The trace that a request belongs to, by the header of W3C or that of AWS."""

import re
from dataclasses import dataclass

# https://www.w3.org/TR/trace-context/#traceparent-header; a later version may have more fields.
_W3C = re.compile(r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-((?!0{16})[0-9a-f]{16})-([0-9a-f]{2})(-.{0,256})?")
# https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
_ROOT = re.compile(r"Root=1-([0-9a-f]{8})-([0-9a-f]{24})")
_PARENT = re.compile(r"Parent=([0-9a-f]{16})")
_SAMPLED = re.compile(r"Sampled=([01])")


@dataclass(frozen=True, slots=True)
class TraceContext:
    """The trace and the span in it that a call comes from: 32 and 16 hexadecimal digits, empty if not told.

    `sampled` says whether the caller keeps its own part of the trace; None if it does not say.
    """

    trace: str = ""
    parent: str = ""
    sampled: bool | None = None


def parse_trace_context(traceparent: str, amazon: str) -> TraceContext:
    """By the first header that can be understood; that of W3C goes first. X-Ray writes the id of a trace as `1-` with
    a `-` behind the eighth digit."""
    if (found := _W3C.fullmatch(traceparent)) and not (found[1] == "00" and found[5]):
        # Other bits of the flags may come to mean something.
        return TraceContext(found[2], found[3], bool(int(found[4], 16) & 1))
    parts = [part.strip() for part in amazon.split(";", 8)[:8]]
    trace = _first(_ROOT, parts)
    if trace is None:
        return TraceContext()
    parent, sampled = _first(_PARENT, parts), _first(_SAMPLED, parts)
    return TraceContext(
        trace[1] + trace[2], "" if parent is None else parent[1], None if sampled is None else sampled[1] == "1"
    )


def _first(pattern: re.Pattern[str], parts: list[str]) -> re.Match[str] | None:
    return next((found for part in parts if (found := pattern.fullmatch(part))), None)
