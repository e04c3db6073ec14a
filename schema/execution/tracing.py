"""One log line and one span for each operation: its name, caller, time and cost, never variables or rows."""

import hashlib
import logging
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from datasources.observability.metrics import MetricValues
from datasources.observability.spans import Recording, current_recording
from resolvers.context import Context
from resolvers.errors import SourceLost
from schema.execution.execution import MAX_LOGGED_ERRORS, GraphQLRequest, GraphQLResponse
from schema.operations import trusted_documents

# Traversals in one line; `graph` counts the walks, and each traversal has its own line at level DEBUG.
MAX_LOGGED_TRAVERSALS = 50
# Codes of errors that the server causes, not the caller.
SERVER_ERROR_CODES = frozenset({SourceLost.code, "INTERNAL"})
# A client can send any text as operation name; only valid names are logged.
_NAME = re.compile(r"[_A-Za-z][_0-9A-Za-z]{0,63}")

log = logging.getLogger("stackflow.operations")


@dataclass(slots=True)
class OperationLog:
    """The content of the log line; the code that runs the operation sets the response."""

    response: GraphQLResponse | None = None


@contextmanager
def log_operation(request: GraphQLRequest, context: Context) -> Iterator[OperationLog]:
    """Write the log line when the body ends, also after an exception."""
    begin = time.perf_counter()
    logged = OperationLog()
    try:
        yield logged
    finally:
        usage = context.request.usage
        response = logged.response
        errors = [] if response is None else [
            error.get("extensions", {}) for error in response.body.get("errors", [])
        ]  # fmt: skip
        codes = [each.get("code", "") for each in errors]
        milliseconds = round((time.perf_counter() - begin) * 1_000, 1)
        document = hashlib.sha256(request.document.encode()).hexdigest()
        trusted = trusted_documents().get(f"sha256:{document}")
        name = request.operation_name or ""
        is_executed = response is not None and response.executed
        shown = name if is_executed and _NAME.fullmatch(name) else ""
        if (spans := current_recording()) is not None:
            _annotate_root_span(spans, response, shown, document[:16], None if trusted is None else trusted.name, codes)
        log.info(
            "operation",
            extra={
                "request_id": context.request.request_id,
                "trace": context.request.trace,
                "operation": shown,
                "document": document[:16],
                "principal": context.principal.name,
                "milliseconds": milliseconds,
                "sql": usage.sql,
                "graph": usage.graph,
                "cache": usage.cache,
                "rows": usage.rows,
                "traversals": [asdict(each) for each in context.request.traversals[:MAX_LOGGED_TRAVERSALS]],
                "errors": codes[:MAX_LOGGED_ERRORS],
                "errors_left_out": max(0, len(codes) - MAX_LOGGED_ERRORS),
                "degraded": sorted(context.request.degraded),
                "fallback": context.fallback,
                "measured": MetricValues(
                    {
                        "OperationMilliseconds": milliseconds,
                        # Without a response it was cancelled or failed: an error of the server.
                        "OperationErrors": int(response is None or not SERVER_ERROR_CODES.isdisjoint(codes)),
                        "OperationCost": usage.cost,
                        "Statements": usage.sql,
                        "Traversals": usage.traversals,
                        "CacheHits": usage.hits,
                        "CacheMisses": usage.misses,
                        "Degraded": int(bool(context.request.degraded)),
                        "Fallbacks": int(bool(context.fallback)),
                        "StoreDown": len({each.get("store") for each in errors if _is_store_down(each)}),
                    },
                    trusted.name if trusted is not None else None,
                ),
            },
        )


def _annotate_root_span(
    spans: Recording,
    response: GraphQLResponse | None,
    name: str,
    document: str,
    trusted: str | None,
    codes: Sequence[str],
) -> None:
    # A name that clients choose is an attribute, not the name of a span: backends index span names.
    # https://opentelemetry.io/docs/specs/semconv/graphql/graphql-spans/
    root = spans.root
    root.attributes["stackflow.document"] = document
    if response is not None and response.operation_type is not None:
        kind = response.operation_type.value
        root.name = kind if trusted is None else f"{kind} {trusted}"
        root.attributes["graphql.operation.type"] = kind
    if trusted is not None or name:
        root.attributes["graphql.operation.name"] = trusted or name
    if codes:
        server_codes = [code for code in codes if code in SERVER_ERROR_CODES]
        root.error = (server_codes or codes)[0]
        root.fault = bool(server_codes)


def _is_store_down(extensions: Mapping[str, Any]) -> bool:
    # A store that exceeds the deadline is slow, not down.
    return extensions.get("code") == SourceLost.code and not extensions.get("timeout")
