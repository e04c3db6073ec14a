"""The call under way: its request id, its deadline and what it has spent in each store."""

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
    # Traversals sent to a graph engine, each attempt; numbers the ids by which the engine knows them.
    traversals: int = 0
    # Fields of the answer, as estimated before it is made; and what the cache had and had not.
    cost: int = 0
    hits: int = 0
    misses: int = 0


@dataclass(frozen=True, slots=True)
class TraversalStats:
    """One traversal that a graph engine was asked for: under which id it was sent last, what came of it, and at what
    cost. `ms` from first to last, all tries included; `code` is empty where it was answered."""

    traversal_id: str
    verb: str
    rows: int
    bytes: int
    ms: float
    retries: int
    code: str = ""


@dataclass(slots=True)
class RequestContext:
    """One request, job or command as the stores see it.

    `deadline` is in seconds of the event loop's clock; None means no deadline.
    """

    request_id: str = field(default_factory=lambda: str(uuid7()))
    deadline: float | None = None
    usage: Usage = field(default_factory=Usage)
    # Stores whose answers were replaced by a fallback in this call, for `extensions.degraded`.
    degraded: set[str] = field(default_factory=set)
    # The traversals of this call, in the order in which they ended.
    traversals: list[TraversalStats] = field(default_factory=list)
    # The transaction of the main database that this call must at least see, its own writes included: it reads no cached
    # value, and walks in the tables while the graph does not hold that write. None asks for nothing. 0 stands for a
    # write of another database, whose transactions have no place among those of main: no cached value, and no more.
    min_transaction: int | None = None
    # The run that writes, set by the engine alone: what a client says of it is a text and no cause.
    cause_run_id: str | None = None
    # Bytes of documents and texts in rows that this call may still read. None: as many as there are.
    row_bytes: int | None = None
    # Whether this call wrote to the graph, so that its later reads go to the writer.
    wrote_graph: bool = False
    # The trace that the caller says it belongs to and his span in it, 32 and 16 hexadecimal digits or empty; and
    # whether he keeps his part of it, None if he does not say.
    trace: str = ""
    parent: str = ""
    sampled: bool | None = None
    # For whom it works, as the stores share connections among flows: a principal; empty for the service's own work.
    flow: str = ""

    def remaining(self) -> float | None:
        """Seconds left, never below zero; None without a deadline. Needs a running event loop."""
        if self.deadline is None:
            return None
        return max(0.0, self.deadline - asyncio.get_running_loop().time())


_current: ContextVar[RequestContext | None] = ContextVar("call", default=None)


def current_request() -> RequestContext:
    """The call that this task works for; a task outside any call gets one of its own."""
    call = _current.get()
    if call is None:
        call = RequestContext()
        _current.set(call)
    return call


@contextmanager
def use_request(call: RequestContext) -> Iterator[RequestContext]:
    """Make `call` the current one for the body and the tasks started in it."""
    token = _current.set(call)
    try:
        yield call
    finally:
        _current.reset(token)
