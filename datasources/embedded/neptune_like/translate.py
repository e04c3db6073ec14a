"""Translates the engine's failures into Neptune's codes.

On Neptune, a failure inside TinkerPop's steps is an InternalFailureException with TinkerPop's message: clusters
answered so to an unknown step (awslabs/unified-kg-rag-on-aws PR 31, engine 1.4.7.0) and a wrong math() (Gremlinq's
tests).
"""

import re

from datasources.embedded.neptune_like.errors import Refusal
from datasources.embedded.neptune_like.responses import Reply

# dev/provider, "Graph Driver Provider Requirements": the Gremlin statuses.
_MALFORMED_REQUEST = frozenset({400, 497, 498, 499})
_FAIL_STEP = 595
_TIMEOUT = 598

_BY_MESSAGE = (
    # TinkerTransactionGraph, if two transactions changed one element; Neptune's locks report the same.
    (re.compile("Conflict: element modified in another transaction"), Refusal("ConcurrentModificationException")),
    # The same messages as on Neptune (amazon-neptune-samples issue 130, amazon-neptune-tools issue 311).
    (re.compile("(Vertex|Edge) with id already exists"), Refusal("ConstraintViolationException")),
    (re.compile("Expected an id that is convertible to"), Refusal("UnsupportedOperationException")),
    (re.compile("has a mutating step and thus is not read only"), Refusal("ReadOnlyViolationException")),
)
_PASSED_THROUGH = frozenset({"ConstraintViolationException", "UnsupportedOperationException"})


def translate_failure(reply: Reply) -> Refusal:
    """Return Neptune's error for a failure of the engine."""
    if reply.status == _TIMEOUT:
        return Refusal("TimeLimitExceededException")
    if reply.status == _FAIL_STEP:
        # errors-engine-codes: "Calling fail() caused request processing to fail."
        return Refusal("FailureByQueryException", reply.message)
    if reply.status in _MALFORMED_REQUEST:
        return Refusal("BadRequestException", reply.message)
    for pattern, refused in _BY_MESSAGE:
        if pattern.search(reply.message):
            return Refusal(refused.code, reply.message) if refused.code in _PASSED_THROUGH else refused
    # A cluster reports its own class name where TinkerPop reports the default one.
    return Refusal("InternalFailureException", reply.message.replace("DefaultGraph", "NeptuneGraph"))
