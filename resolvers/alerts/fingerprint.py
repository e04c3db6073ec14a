"""Compute the fingerprint of an alert as Alertmanager does: 64-bit FNV-1a over label names and values.

https://github.com/prometheus/common/blob/v0.60.0/model/signature.go and the same module's fnv.go
"""

from collections.abc import Mapping

OFFSET = 14_695_981_039_346_656_037
PRIME = 1_099_511_628_211
MASK = 2**64 - 1
SEPARATOR = b"\xff"


def fingerprint_of(labels: Mapping[str, str]) -> str:
    """Return 16 hexadecimal digits, the value that newer versions of Alertmanager send; stable across its upgrade."""
    digest = OFFSET
    # In byte order of the names; each name and value is followed by a byte that does not occur in UTF-8.
    for name, value in sorted((name.encode(), value.encode()) for name, value in labels.items()):
        for byte in name + SEPARATOR + value + SEPARATOR:
            digest = (digest ^ byte) * PRIME & MASK
    return f"{digest:016x}"
