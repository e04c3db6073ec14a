"""One log line an operation: what ran, for whom, how long, what it cost. Never variables, never rows."""

import hashlib
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from resolvers.context import Context
from schema.execution import Request, Response

# A line has at most so many; `graph` counts the walks, and each traversal has a line of its own at DEBUG.
TRAVERSALS = 50

log = logging.getLogger("stackflow.operations")


@dataclass(slots=True)
class Logged:
    """What the line will say; the response is filled in by whoever ran the operation."""

    response: Response | None = None


@contextmanager
def log_operation(request: Request, context: Context) -> Iterator[Logged]:
    """Write the line when the body ends, however it ends."""
    begin = time.perf_counter()
    logged = Logged()
    try:
        yield logged
    finally:
        spent = context.call.spent
        response = logged.response
        codes = [] if response is None else [
            error.get("extensions", {}).get("code", "") for error in response.body.get("errors", [])
        ]  # fmt: skip
        log.info(
            "operation",
            extra={
                "request_id": context.call.request_id,
                "operation": request.operation_name or "",
                "document": hashlib.sha256(request.document.encode()).hexdigest()[:16],
                "principal": context.principal.name,
                "milliseconds": round((time.perf_counter() - begin) * 1_000, 1),
                "sql": spent.sql,
                "graph": spent.graph,
                "cache": spent.cache,
                "rows": spent.rows,
                "traversals": [asdict(each) for each in context.call.traversed[:TRAVERSALS]],
                "errors": codes,
                "degraded": sorted(context.call.degraded),
            },
        )
