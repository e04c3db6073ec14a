"""How demanding a task is: features of its question, a score, and the tier of models that it needs.

The length of the context is no part of it: a long context needs a model that it fits into, not an abler one.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from datasources.language.port import TaskKind

# The tier that a task needs at least.
MIN_TIERS: Mapping[TaskKind, int] = {TaskKind.ANSWER: 1, TaskKind.SUMMARY: 1, TaskKind.OPERATION: 1}
# Scores from which a task needs the next tier, in order.
BANDS = (1.0, 2.0)
# By feature: what one of it adds to the score, and how many count. No feature alone reaches the second band, and words
# alone reach none.
WEIGHTS: Mapping[str, tuple[float, int]] = {
    "words": (0.02, 40),
    "clauses": (0.3, 4),
    "reasoning": (0.6, 2),
    "items": (0.3, 5),
}
_WORD = re.compile(r"\w+")
_CLAUSE = re.compile(r"[;,]|\b(?:and|but|then|or|while|because|although|unless)\b", re.IGNORECASE)
_REASONING = re.compile(
    r"\b(?:why|root cause|compare|comparison|trade-?offs?|explain|difference between|what would happen|diagnose)\b",
    re.IGNORECASE,
)
# A name with a number, such as redis-01 or INC-42.
_ITEM = re.compile(r"\b[A-Za-z][A-Za-z_-]*-?\d+\b")


@dataclass(frozen=True, slots=True)
class Complexity:
    """The features of a question, their weighted sum, and the tier that follows."""

    features: Mapping[str, int]
    score: float
    tier: int


def rate_complexity(kind: TaskKind, question: str, items: int = 0) -> Complexity:
    """Return how demanding a question is, of whose configuration items `items` are known."""
    named = len({each.lower() for each in _ITEM.findall(question)})
    features = {
        "words": len(_WORD.findall(question)),
        "clauses": len(_CLAUSE.findall(question)) + max(question.count("?") - 1, 0),
        "reasoning": len({each.lower() for each in _REASONING.findall(question)}),
        # One item is usual.
        "items": max(max(named, items) - 1, 0),
    }
    score = round(sum(weight * min(features[name], most) for name, (weight, most) in WEIGHTS.items()), 3)
    tier = 1 + sum(score >= band for band in BANDS)
    return Complexity(features, score, max(tier, MIN_TIERS[kind]))
