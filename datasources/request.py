"""The current request: its id, its deadline, and what it has used in each store."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from uuid_utils import uuid7


@dataclass(slots=True)
class Usage:
    """Counts of one request: statements, walks, cache round trips and rows read from stores.

    A walk counts once, however many traversals it takes.
    """

    sql: int = 0
    graph: int = 0
    cache: int = 0
    rows: int = 0
    # Traversals sent to a graph engine, each attempt included; also numbers the ids by which the engine knows them.
    traversals: int = 0
    # Fields of the response, estimated before execution; then the hits and misses of the cache.
    cost: int = 0
    hits: int = 0
    misses: int = 0


@dataclass(frozen=True, slots=True)
class TraversalStats:
    """Statistics of one traversal: its last id, its result, and its cost.

    `ms` includes all attempts; `code` is empty if the traversal succeeded.
    """

    traversal_id: str
    verb: str
    rows: int
    bytes: int
    ms: float
    retries: int
    code: str = ""


@dataclass(frozen=True, slots=True)
class StatementStats:
    """One statement of a request: its rows, its time on the connection, and what PostgreSQL's EXPLAIN says of it.

    `plan` has the lines of EXPLAIN, and is empty if the request did not ask for them.
    """

    name: str
    rows: int
    ms: float
    plan: tuple[str, ...] = ()


@dataclass(slots=True)
class Explanation:
    """What a request records to explain its answer; `with_statements` asks PostgreSQL to explain each read."""

    with_statements: bool = False
    # The first statements, in the order in which they ended.
    statements: list[StatementStats] = field(default_factory=list)


@dataclass(slots=True)
class RequestContext:
    """One request, job or command, as the stores see it.

    `deadline` is in seconds of the event loop's clock; None means no deadline.
    """

    request_id: str = field(default_factory=lambda: str(uuid7()))
    deadline: float | None = None
    usage: Usage = field(default_factory=Usage)
    # Stores that a fallback replaced during this request, for `extensions.degraded`.
    degraded: set[str] = field(default_factory=set)
    # The traversals of this request, in the order in which they ended.
    traversals: list[TraversalStats] = field(default_factory=list)
    # None unless the caller asks for an explanation of the answer.
    explanation: Explanation | None = None
    # The transaction of the main database that reads must include, such as the request's own write: the cache is
    # bypassed, and walks use the tables until the graph has that transaction. None: no requirement. 0: bypass the cache
    # only (the write was in another database).
    min_transaction: int | None = None
    # The workflow run that writes. Only the run engine sets it; a value from a client is never trusted as a cause.
    cause_run_id: str | None = None
    # Bytes of documents and texts in rows that this request may still read. None: no limit.
    row_bytes: int | None = None
    # Whether this request wrote to the graph, so that its later reads go to the writer.
    wrote_graph: bool = False
    # The caller's trace id and span id, 32 and 16 hexadecimal digits, or empty; and whether the caller samples the
    # trace, None if it does not say.
    trace: str = ""
    parent: str = ""
    sampled: bool | None = None
    # The principal, by which stores share their connections fairly; empty for work of the service itself.
    flow: str = ""

    def remaining(self) -> float | None:
        """Return the seconds left, never below zero; None without a deadline. Needs a running event loop."""
        if self.deadline is None:
            return None
        return max(0.0, self.deadline - asyncio.get_running_loop().time())


_current: ContextVar[RequestContext | None] = ContextVar("call", default=None)


def current_request() -> RequestContext:
    """Return the request of the current task; a task without one gets a new one."""
    call = _current.get()
    if call is None:
        call = RequestContext()
        _current.set(call)
    return call


@contextmanager
def use_request(call: RequestContext) -> Iterator[RequestContext]:
    """Make `call` the current request for the body and for the tasks started in it."""
    token = _current.set(call)
    try:
        yield call
    finally:
        _current.reset(token)
