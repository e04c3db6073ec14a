"""What can go wrong between the client and the engine, drawn as a tree.

GraphProblem
├── Unreachable     no web socket could be opened: nobody listens, the name is unknown, too many connections
├── Lost            the web socket ended under a traversal, or is out of step
├── Denied          the engine refused the signature or the rights of a new web socket
├── Untrusted       the engine's certificate does not verify
├── Unfit           what answers is no Gremlin engine at this path, or cannot be signed for
├── TooLarge        a message is longer than what either side takes
├── Unreadable      the engine sent what this client does not read
└── Answered        the engine answered with an error of its own

None of these leaves the package: `outside` says which SourceError the caller sees.
"""

from datasources.errors import SourceError, SourceRefused, SourceTimeout, SourceUnavailable

GRAPH = "graph"

TIME_LIMIT = "TimeLimitExceededException"
MEMORY_LIMIT = "MemoryLimitExceededException"


class GraphProblem(Exception):
    """The message is for an operator: no secrets, and the remedy where there is one."""

    @property
    def code(self) -> str:
        """What the log calls it."""
        return type(self).__name__


class Unreachable(GraphProblem):
    """No web socket could be opened now."""


class ConnectionLost(GraphProblem):
    """The web socket ended before the answer was complete."""


class HandshakeDenied(GraphProblem):
    """401 or 403 to the handshake."""

    def __init__(self, status: int) -> None:
        super().__init__(
            f"the graph refused the signature ({status}): check the credentials, GRAPH_IAM, AWS_REGION and the clock"
        )


class UntrustedCertificate(GraphProblem):
    """The certificate is of another host, out of date, or of an unknown authority."""


class InvalidConfiguration(GraphProblem):
    """A setting is wrong, and no second try will mend it."""


class MessageTooLarge(GraphProblem):
    """A message over GRAPH_MESSAGE_BYTES, or over the engine's own bound."""


class InvalidResponse(GraphProblem):
    """An answer that is no GraphSON 3, or of a type that traversals of this service must not return."""


class EngineError(GraphProblem):
    """The engine's own error. `status` is that of the Gremlin protocol; `code` is Neptune's, or an exception's name."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"the graph answered {code or status}: {message[:500]}")
        self.status = status
        self._code = code

    @property
    def code(self) -> str:
        return self._code or str(self.status)


def to_source_error(problem: GraphProblem, *, retryable: bool) -> SourceError:
    """What the caller sees. `passing` says that the rules would have allowed another try, had there been any left."""
    if problem.code == TIME_LIMIT:
        return SourceTimeout(GRAPH, str(problem))
    if retryable or problem.code == MEMORY_LIMIT:
        return SourceUnavailable(GRAPH, str(problem))
    return SourceRefused(GRAPH, str(problem))


def to_timeout(problem: GraphProblem | None) -> SourceTimeout:
    """The deadline came first. `problem` is the last that stood in the way."""
    reason = f"; the last try: {problem}" if problem else ""
    return SourceTimeout(GRAPH, f"the graph did not answer before the deadline{reason}")
