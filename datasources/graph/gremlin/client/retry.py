"""The retry policy: which problems are retried, how often, and after which pause."""

import random
from enum import Enum

from datasources.graph.gremlin.client.errors import (
    ConnectionLost,
    EngineError,
    GraphProblem,
    HandshakeDenied,
    Unreachable,
)

MIN_PAUSE_SECONDS = 0.05
MAX_PAUSE_SECONDS = 1.0

READ_ONLY = "ReadOnlyViolationException"


class RetryRule(Enum):
    """How a problem is retried."""

    UNTIL_DEADLINE = "no traversal was sent: try until the deadline"
    SENDINGS = "a traversal was sent: send it again, up to the bound of sendings"
    ONCE = "once more, with new credentials"
    NEVER = "another try would fail alike"


# The codes to retry according to https://docs.aws.amazon.com/neptune/latest/userguide/errors-engine-codes.html.
RETRYABLE_CODES = {
    "ConcurrentModificationException": RetryRule.SENDINGS,
    "ThrottlingException": RetryRule.SENDINGS,
    "TooManyRequestsException": RetryRule.SENDINGS,
    # The writer became a reader: after a failover the host name resolves to another server.
    READ_ONLY: RetryRule.SENDINGS,
    "InternalFailureException": RetryRule.SENDINGS,
}
RETRYABLE_PROBLEMS: dict[type[GraphProblem], RetryRule] = {
    Unreachable: RetryRule.UNTIL_DEADLINE,
    ConnectionLost: RetryRule.SENDINGS,
    HandshakeDenied: RetryRule.ONCE,
}


def retry_rule(problem: GraphProblem) -> RetryRule:
    """Return the retry rule: by the code of an engine error, by the class of any other problem."""
    if isinstance(problem, EngineError):
        return RETRYABLE_CODES.get(problem.code, RetryRule.NEVER)
    return RETRYABLE_PROBLEMS.get(type(problem), RetryRule.NEVER)


class RetryPolicy:
    """The retries of one traversal, which is sent at most `attempts` times."""

    def __init__(self, attempts: int) -> None:
        self._attempts = attempts
        self._failures = 0
        self._denied = False

    def should_retry(self, problem: GraphProblem, sendings: int) -> bool:
        """Return whether to retry after `problem`, when the traversal was sent `sendings` times."""
        kind = retry_rule(problem)
        if kind is RetryRule.SENDINGS:
            return sendings < self._attempts
        if kind is RetryRule.ONCE:
            first, self._denied = not self._denied, True
            return first
        return kind is RetryRule.UNTIL_DEADLINE

    def next_pause_seconds(self) -> float:
        """Return the seconds before the next try: exponential with full jitter, as in Brooker, 'Exponential Backoff And
        Jitter', AWS Architecture Blog, 2015."""
        most = min(MAX_PAUSE_SECONDS, MIN_PAUSE_SECONDS * 2 ** min(self._failures, 10))
        self._failures += 1
        return random.uniform(0, most)  # noqa: S311
