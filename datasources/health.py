"""What a store says of itself when asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Health:
    """Whether a store answers, its version, how long it took in milliseconds, and what is wrong."""

    name: str
    reachable: bool
    version: str = ""
    latency_ms: float = 0.0
    problem: str = ""
    details: Mapping[str, str] = field(default_factory=dict)
    # What answers in its place while it is not reachable; empty where nothing does.
    replaced_by: str = ""
