"""One GraphQL request from document to response: parsed and validated once, limited, executed, errors masked."""

import asyncio
import gc
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    OperationType,
    execute,
    get_operation_ast,
)

from datasources.errors import SourceResultTooLarge, SourceUnavailable
from datasources.request import use_request
from resolvers.context import Context
from resolvers.errors import ShownError, SourceLost, result_too_large
from schema.execution.budget import DeadlineExceeded, ExecutionStopped
from schema.execution.document_cache import GRAPHQL_SCHEMA, prepare_document
from schema.execution.executor import GRACE_SECONDS, DeclaredExecutor
from schema.execution.limits import DocumentLimits, check_cost, check_variables
from schema.operations import document_id, trusted_documents

# Of one operation, in the log: a list of a thousand rows may have a thousand errors, all alike.
MAX_LOGGED_ERRORS = 5
FREE_FORM_PERMISSION = "documents:free-form"

log = logging.getLogger("stackflow")


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """What a client sent: a document, its variables, and which of its operations to run."""

    document: str
    variables: Mapping[str, Any] | None = None
    operation_name: str | None = None


@dataclass(frozen=True, slots=True)
class GraphQLResponse:
    """The response as data. `executed` is false when the document itself was refused, and `kind` is told otherwise."""

    body: dict[str, Any]
    executed: bool
    operation_type: OperationType | None = None


def freeze_gc() -> None:
    """Call once after start-up: what is loaded by now lives for ever, so the collector need not look at it again."""
    gc.collect()
    gc.freeze()
    raise_gc_thresholds()


def raise_gc_thresholds() -> None:
    """A large answer makes tens of thousands of objects that all die together; with the usual thresholds the collector
    walks them many times over.
    """
    gc.set_threshold(100_000, 20, 100)


async def execute_request(request: GraphQLRequest, context: Context, limits: DocumentLimits) -> GraphQLResponse:
    """The response to a request that is no subscription. Never raises but for cancellation."""
    checked = check_request(request, context, limits)
    if isinstance(checked, GraphQLResponse):
        return checked
    kind = find_operation_type(checked, request.operation_name)
    if kind is OperationType.SUBSCRIPTION:
        return _error_response([_subscription_error()], context)
    with use_request(context.request):
        result = await execute_document(checked, request, context)
    return GraphQLResponse(to_body(result, context), executed=True, operation_type=kind)


def find_operation_type(document: DocumentNode, operation_name: str | None) -> OperationType | None:
    """Whether the operation reads, writes or listens; None if the document does not say which one it is."""
    found = get_operation_ast(document, operation_name)
    return None if found is None else found.operation


def check_request(request: GraphQLRequest, context: Context, limits: DocumentLimits) -> DocumentNode | GraphQLResponse:
    """The document, or why it is refused: unknown to us, not valid, or over a limit."""
    if not context.principal.allows(FREE_FORM_PERMISSION) and document_id(request.document) not in trusted_documents():
        return _error_response(
            [_forbidden_error("only trusted documents may be run without the permission", FREE_FORM_PERMISSION)],
            context,
        )
    prepared = prepare_document(request.document, limits)
    if prepared.document is None:
        return _error_response(prepared.errors, context)
    variables = request.variables or {}
    refused = check_variables(variables) or check_cost(
        prepared.document, request.operation_name, variables, limits, context.principal, context.request.usage
    )
    return _error_response(refused, context) if refused else prepared.document


def to_body(result: ExecutionResult, context: Context) -> dict[str, Any]:
    """A result as it goes out: errors as they may be seen, data, and what it cost."""
    body: dict[str, Any] = {}
    if result.errors:
        body["errors"] = _mask_errors(result.errors, context)
    body["data"] = result.data
    body["extensions"] = build_extensions(context)
    return body


def _mask_errors(errors: Sequence[GraphQLError], context: Context) -> list[dict[str, Any]]:
    """All errors, of which those that nobody expected are logged, the first MAX_ERRORS with their tracebacks."""
    told = [mask_error(error, context) for error in errors]
    unexpected = [error for error, each in zip(errors, told, strict=True) if each["extensions"]["code"] == "INTERNAL"]
    for error in unexpected[:MAX_LOGGED_ERRORS]:
        log.error(
            "unexpected error",
            exc_info=error.original_error,
            extra={"request_id": context.request.request_id, "path": error.path},
        )
    if len(unexpected) > MAX_LOGGED_ERRORS:
        log.error(
            "%d more unexpected errors of the same operation",
            len(unexpected) - MAX_LOGGED_ERRORS,
            extra={"request_id": context.request.request_id},
        )
    return told


async def execute_document(
    document: DocumentNode, request: GraphQLRequest, context: Context, event: object = None
) -> ExecutionResult:
    """Execute a checked document, for one event if it listens. Its call must be the current one."""
    try:
        async with asyncio.timeout(_timeout_seconds(context)):
            result = execute(
                GRAPHQL_SCHEMA,
                document,
                root_value=event,
                variable_values=dict(request.variables or {}),
                operation_name=request.operation_name,
                context_value=context,
                executor_class=DeclaredExecutor,
            )
            return result if isinstance(result, ExecutionResult) else await result
    except TimeoutError:
        return _stopped_result(DeadlineExceeded())
    except ExecutionStopped as stopped:
        return _stopped_result(stopped.reason)


def _stopped_result(reason: ShownError) -> ExecutionResult:
    return ExecutionResult(data=None, errors=[GraphQLError(str(reason), original_error=reason)])


def _timeout_seconds(context: Context) -> float | None:
    remaining = context.request.remaining()
    return None if remaining is None else remaining + GRACE_SECONDS


def _subscription_error() -> GraphQLError:
    return GraphQLError(
        "a subscription is a stream: send it to /graphql/stream with accept: text/event-stream, or poll changesSince",
        extensions={"code": "BAD_USER_INPUT", "argument": "query"},
    )


def _forbidden_error(message: str, permission: str) -> GraphQLError:
    return GraphQLError(f"{message} {permission}", extensions={"code": "FORBIDDEN", "permission": permission})


def _error_response(errors: tuple[GraphQLError, ...] | list[GraphQLError], context: Context) -> GraphQLResponse:
    return GraphQLResponse(
        {"errors": [each.formatted for each in errors], "extensions": build_extensions(context)}, executed=False
    )


def build_extensions(context: Context) -> dict[str, Any]:
    """What the answer cost, and what in it is second best."""
    spent = context.request.usage
    told: dict[str, Any] = {
        "stores": {"sql": spent.sql, "graph": spent.graph, "cache": spent.cache, "rows": spent.rows},
        "requestId": context.request.request_id,
    }
    if context.request.min_transaction is not None:
        told["asOf"] = encode_as_of(context.request.min_transaction)
    if context.request.degraded:
        told["degraded"] = sorted(context.request.degraded)
    return told


def encode_as_of(transaction: int) -> str:
    """What a client sends back to see at least this transaction. Opaque to it."""
    return f"w{transaction}"


def mask_error(error: GraphQLError, context: Context) -> dict[str, Any]:
    """An error as the client may see it: ours as they are, everything else masked."""
    original = error.original_error
    if isinstance(original, ShownError):
        return dict(error.formatted)
    if original is None or isinstance(original, GraphQLError):
        # graphql-core's own: a variable of the wrong type, an unknown operation.
        return dict(error.formatted) | {"extensions": {"code": "BAD_USER_INPUT"}}
    if isinstance(original, SourceUnavailable):
        # Loaders tell it themselves; this is a write or a feed that met a lost store.
        lost = SourceLost.from_error(original)
        return dict(error.formatted) | {"message": str(lost), "extensions": lost.extensions}
    if isinstance(original, SourceResultTooLarge):
        large = result_too_large(original)
        return dict(error.formatted) | {"message": str(large), "extensions": large.extensions}
    masked: dict[str, Any] = {
        "message": "something went wrong on our side; tell us the request id",
        "extensions": {"code": "INTERNAL", "requestId": context.request.request_id},
    }
    formatted = error.formatted
    return masked | {name: formatted[name] for name in ("locations", "path") if name in formatted}
