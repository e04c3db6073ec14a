"""The health of a store."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Health:
    """Whether a store answers, its version, its latency in milliseconds, and its problem."""

    name: str
    reachable: bool
    version: str = ""
    latency_ms: float = 0.0
    problem: str = ""
    details: Mapping[str, str] = field(default_factory=dict)
    # The fallback that answers while the store is not reachable; empty if there is none.
    replaced_by: str = ""
