"""Where an alarm sends its reader."""

from typing import Literal

PAGE = "docs/runbooks.md"

Runbook = Literal[
    "ai-spend",
    "backlog",
    "cache-memory",
    "connections",
    "dead-letters",
    "errors",
    "firewall",
    "key-changes",
    "projection-lag",
    "rollout",
    "set-aside",
    "slow",
    "store-down",
    "throttles",
    "ticks",
]


def describe_alarm(what: str, runbook: Runbook) -> str:
    """The text of an alarm: what is wrong, and the part of the page to open."""
    return f"{what}. Runbook: {PAGE}#{runbook}"
