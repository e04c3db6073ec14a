"""Which problems are worth another try, how many, and after which pause."""

import random
from enum import Enum

from datasources.graph.gremlin.client.errors import (
    Answered,
    Denied,
    GraphProblem,
    Lost,
    Unreachable,
)

FIRST_PAUSE = 0.05
LONGEST_PAUSE = 1.0

READ_ONLY = "ReadOnlyViolationException"


class Rule(Enum):
    """How often a problem is met with another try."""

    UNTIL_DEADLINE = "no traversal was sent: try until the deadline"
    SENDINGS = "a traversal was sent: send it again, up to the bound of sendings"
    ONCE = "once more, with new credentials"
    NEVER = "another try would fail alike"


# https://docs.aws.amazon.com/neptune/latest/userguide/errors-engine-codes.html: the codes that it says to retry.
CODES = {
    "ConcurrentModificationException": Rule.SENDINGS,
    "ThrottlingException": Rule.SENDINGS,
    "TooManyRequestsException": Rule.SENDINGS,
    # The writer became a reader: a failover, after which the name leads elsewhere.
    READ_ONLY: Rule.SENDINGS,
    "InternalFailureException": Rule.SENDINGS,
}
PROBLEMS: dict[type[GraphProblem], Rule] = {
    Unreachable: Rule.UNTIL_DEADLINE,
    Lost: Rule.SENDINGS,
    Denied: Rule.ONCE,
}


def rule(problem: GraphProblem) -> Rule:
    """By the code of an answer, by the kind of every other problem."""
    if isinstance(problem, Answered):
        return CODES.get(problem.code, Rule.NEVER)
    return PROBLEMS.get(type(problem), Rule.NEVER)


class Retries:
    """The tries of one traversal, which is sent `attempts` times at most."""

    def __init__(self, attempts: int) -> None:
        self._attempts = attempts
        self._failures = 0
        self._denied = False

    def may(self, problem: GraphProblem, sendings: int) -> bool:
        """Whether to try again after `problem`, with so many sendings behind it."""
        kind = rule(problem)
        if kind is Rule.SENDINGS:
            return sendings < self._attempts
        if kind is Rule.ONCE:
            first, self._denied = not self._denied, True
            return first
        return kind is Rule.UNTIL_DEADLINE

    def pause(self) -> float:
        """Seconds before the next try: exponential with full jitter, as in Brooker, 'Exponential Backoff And Jitter',
        AWS Architecture Blog, 2015."""
        most = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(self._failures, 10))
        self._failures += 1
        return random.uniform(0, most)  # noqa: S311
