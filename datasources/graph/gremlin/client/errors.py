"""The errors between the client and the engine.

GraphProblem
├── Unreachable           no web socket could be opened: nothing listens, unknown host, too many connections
├── ConnectionLost        the web socket closed during a traversal, or broke the protocol
├── HandshakeDenied       the engine rejected the signature or the permissions of a new web socket
├── UntrustedCertificate  the certificate of the engine is not valid
├── InvalidConfiguration  no Gremlin engine answers at this path, or no credentials are available to sign with
├── MessageTooLarge       a message exceeds the limit of either side
├── InvalidResponse       the engine sent data that this client does not read
└── EngineError           the engine returned an error

None of these leaves the package: `to_source_error` maps them to the SourceError that the caller sees.
"""

from datasources.errors import SourceError, SourceRefused, SourceTimeout, SourceUnavailable

GRAPH = "graph"

TIME_LIMIT = "TimeLimitExceededException"
MEMORY_LIMIT = "MemoryLimitExceededException"


class GraphProblem(Exception):
    """The message is for operators: it contains no secrets, and the remedy if there is one."""

    @property
    def code(self) -> str:
        """The name of the problem in the log."""
        return type(self).__name__


class Unreachable(GraphProblem):
    """No web socket could be opened."""


class ConnectionLost(GraphProblem):
    """The web socket closed before the answer was complete."""


class HandshakeDenied(GraphProblem):
    """The handshake was answered with 401 or 403."""

    def __init__(self, status: int) -> None:
        super().__init__(
            f"the graph refused the signature ({status}): check the credentials, GRAPH_IAM, AWS_REGION and the clock"
        )


class UntrustedCertificate(GraphProblem):
    """The certificate is for another host, expired, or from an unknown authority."""


class InvalidConfiguration(GraphProblem):
    """A setting is wrong; retries cannot succeed."""


class MessageTooLarge(GraphProblem):
    """A message exceeds GRAPH_MESSAGE_BYTES, or the limit of the engine."""


class InvalidResponse(GraphProblem):
    """A response that is not GraphSON 3, or contains a type that traversals of this service must not return."""


class EngineError(GraphProblem):
    """An error of the engine. `status` is that of the Gremlin protocol; `code` is Neptune's or an exception's name."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"the graph answered {code or status}: {message[:500]}")
        self.status = status
        self._code = code

    @property
    def code(self) -> str:
        return self._code or str(self.status)


def to_source_error(problem: GraphProblem, *, retryable: bool) -> SourceError:
    """Map a problem to the caller's error. `retryable`: the retry policy allows it, but no attempts are left."""
    if problem.code == TIME_LIMIT:
        return SourceTimeout(GRAPH, str(problem))
    if retryable or problem.code == MEMORY_LIMIT:
        return SourceUnavailable(GRAPH, str(problem))
    return SourceRefused(GRAPH, str(problem))


def to_timeout(problem: GraphProblem | None) -> SourceTimeout:
    """Return the error of an expired deadline. `problem` is the last one before it."""
    reason = f"; the last try: {problem}" if problem else ""
    return SourceTimeout(GRAPH, f"the graph did not answer before the deadline{reason}")
