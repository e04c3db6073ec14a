"""The trace that a request belongs to, by the header of W3C or that of AWS."""

import re

# https://www.w3.org/TR/trace-context/#traceparent-header; a later version may have more fields.
_W3C = re.compile(r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.{0,256})?")
# https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
_AWS = re.compile(r"Root=1-([0-9a-f]{8})-([0-9a-f]{24})")


def trace_id(traceparent: str, amazon: str) -> str:
    """32 hexadecimal digits; empty if neither header can be understood. That of W3C goes first. X-Ray writes the same
    id as `1-` with a `-` behind the eighth digit."""
    if (found := _W3C.fullmatch(traceparent)) and not (found[1] == "00" and found[3]):
        return found[2]
    for part in amazon.split(";", 8)[:8]:
        if found := _AWS.fullmatch(part.strip()):
            return found[1] + found[2]
    return ""
