"""The fingerprint of an alert by its labels, as Alertmanager computes it: FNV-1a of 64 bits over names and values.

https://github.com/prometheus/common/blob/v0.60.0/model/signature.go and the same module's fnv.go
"""

from collections.abc import Mapping

OFFSET, PRIME, MASK = 14_695_981_039_346_656_037, 1_099_511_628_211, 2**64 - 1
SEPARATOR = b"\xff"


def fingerprint_of(labels: Mapping[str, str]) -> str:
    """16 hexadecimal digits: the same as a newer Alertmanager tells, so that an alert outlives its upgrade."""
    found = OFFSET
    # In order of the names' bytes, each name and value followed by a byte that UTF-8 does not have.
    for name, value in sorted((name.encode(), value.encode()) for name, value in labels.items()):
        for byte in name + SEPARATOR + value + SEPARATOR:
            found = (found ^ byte) * PRIME & MASK
    return f"{found:016x}"
