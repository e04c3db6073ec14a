"""The trace to which a request belongs, from the header of W3C or of AWS."""

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
    """The trace and the parent span of a call: 32 and 16 hexadecimal digits, empty if unknown.

    `sampled` is whether the caller samples the trace; None if the header does not contain it.
    """

    trace: str = ""
    parent: str = ""
    sampled: bool | None = None


def parse_trace_context(traceparent: str, amazon: str) -> TraceContext:
    """Parse the first valid header, that of W3C before that of AWS. X-Ray writes a trace id as `1-` with a `-` after
    the eighth digit."""
    if (match := _W3C.fullmatch(traceparent)) and not (match[1] == "00" and match[5]):
        # The other bits of the flags are reserved.
        return TraceContext(match[2], match[3], bool(int(match[4], 16) & 1))
    parts = [part.strip() for part in amazon.split(";", 8)[:8]]
    trace = _first(_ROOT, parts)
    if trace is None:
        return TraceContext()
    parent, sampled = _first(_PARENT, parts), _first(_SAMPLED, parts)
    return TraceContext(
        trace[1] + trace[2], "" if parent is None else parent[1], None if sampled is None else sampled[1] == "1"
    )


def _first(pattern: re.Pattern[str], parts: list[str]) -> re.Match[str] | None:
    return next((match for part in parts if (match := pattern.fullmatch(part))), None)
