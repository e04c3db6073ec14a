"""The link from an alarm to its runbook."""

from typing import Literal

PAGE = "docs/runbooks.md"

Runbook = Literal[
    "ai-answers",
    "ai-models",
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
    """Return the description of an alarm: the problem, and the section of the page to open."""
    return f"{what}. Runbook: {PAGE}#{runbook}"
