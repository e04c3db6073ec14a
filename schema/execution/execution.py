"""Execution of one GraphQL request: parse, validate, check limits, execute, and mask errors."""

import asyncio
import gc
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    OperationType,
    execute,
    get_operation_ast,
)

from datasources.config import DocumentLimits
from datasources.errors import SourceResultTooLarge, SourceUnavailable
from datasources.request import Explanation, use_request
from resolvers.context import Context
from resolvers.errors import ShownError, SourceLost, result_too_large
from schema.execution.budget import DeadlineExceeded, ExecutionStopped
from schema.execution.document_cache import GRAPHQL_SCHEMA, prepare_document
from schema.execution.executor import GRACE_SECONDS, DeclaredExecutor
from schema.execution.limits import check_cost, check_variables
from schema.execution.plans.plans import Plans
from schema.operations import document_id, trusted_documents

# Logged errors of one operation: a list of a thousand rows can have a thousand equal errors.
MAX_LOGGED_ERRORS = 5
FREE_FORM_PERMISSION = "documents:free-form"
EXPLAIN_PERMISSION = "operations:explain"

PLANS = Plans()

log = logging.getLogger("stackflow")


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """A request of a client: a document, its variables, and the name of the operation to run.

    `explain` asks for the plan of the operation and its statements, `explain_statements` for PostgreSQL's plans too.
    """

    document: str
    variables: Mapping[str, Any] | None = None
    operation_name: str | None = None
    explain: bool = False
    explain_statements: bool = False


@dataclass(frozen=True, slots=True)
class GraphQLResponse:
    """The response as data. `executed` is false if the document was rejected; otherwise `operation_type` is set."""

    body: dict[str, Any]
    executed: bool
    operation_type: OperationType | None = None


def freeze_gc() -> None:
    """Exclude all current objects from garbage collection. Call once after start-up, since they live on."""
    gc.collect()
    gc.freeze()
    raise_gc_thresholds()


def raise_gc_thresholds() -> None:
    """Raise the thresholds of the garbage collector.

    A large response creates tens of thousands of objects that die together; with the default thresholds the collector
    traverses them many times.
    """
    gc.set_threshold(100_000, 20, 100)


async def execute_request(request: GraphQLRequest, context: Context, limits: DocumentLimits) -> GraphQLResponse:
    """Execute a request that is not a subscription. Raises nothing except cancellation."""
    checked = check_request(request, context, limits)
    if isinstance(checked, GraphQLResponse):
        return checked
    operation_type = find_operation_type(checked, request.operation_name)
    if operation_type is OperationType.SUBSCRIPTION:
        return _error_response([_subscription_error()], context)
    with use_request(context.request):
        executor = build_executor(checked, request, context)
        if isinstance(executor, list):
            return GraphQLResponse(request_error_body(executor, context), executed=False)
        result = await execute_document(checked, request, context, executor)
    return GraphQLResponse(to_body(result, context), executed=True, operation_type=operation_type)


def find_operation_type(document: DocumentNode, operation_name: str | None) -> OperationType | None:
    """Return the type of the operation; None if the document does not determine one."""
    operation = get_operation_ast(document, operation_name)
    return None if operation is None else operation.operation


def check_request(request: GraphQLRequest, context: Context, limits: DocumentLimits) -> DocumentNode | GraphQLResponse:
    """Return the document, or the response if it is not permitted, invalid, or over a limit."""
    if not context.principal.allows(FREE_FORM_PERMISSION) and document_id(request.document) not in trusted_documents():
        return _error_response(
            [_forbidden_error("only trusted documents may be run without the permission", FREE_FORM_PERMISSION)],
            context,
        )
    if request.explain:
        if not context.principal.allows(EXPLAIN_PERMISSION):
            message = "an explanation is only for callers with the permission"
            return _error_response([_forbidden_error(message, EXPLAIN_PERMISSION)], context)
        context.request.explanation = Explanation(request.explain_statements)
    prepared = prepare_document(request.document, limits)
    if prepared.document is None:
        return _error_response(prepared.errors, context)
    variables = request.variables or {}
    errors = check_variables(variables) or check_cost(
        prepared.document, request.operation_name, variables, limits, context.principal, context.request.usage
    )
    return _error_response(errors, context) if errors else prepared.document


def request_error_body(errors: Sequence[GraphQLError], context: Context) -> dict[str, Any]:
    """Return the body of a response to a request whose execution could not begin: it has no `data`.

    https://spec.graphql.org/September2025/#sec-Errors.Request-Errors
    """
    return {"errors": _mask_errors(errors, context), "extensions": build_extensions(context)}


def to_body(result: ExecutionResult, context: Context) -> dict[str, Any]:
    """Return the body of a response: masked errors, data, and extensions with the cost."""
    body: dict[str, Any] = {}
    if result.errors:
        body["errors"] = _mask_errors(result.errors, context)
    body["data"] = result.data
    body["extensions"] = build_extensions(context)
    return body


def _mask_errors(errors: Sequence[GraphQLError], context: Context) -> list[dict[str, Any]]:
    """Mask all errors and log the unexpected ones, the first MAX_LOGGED_ERRORS with their tracebacks."""
    masked = [mask_error(error, context) for error in errors]
    unexpected = [error for error, each in zip(errors, masked, strict=True) if each["extensions"]["code"] == "INTERNAL"]
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
    return masked


async def execute_document(
    document: DocumentNode,
    request: GraphQLRequest,
    context: Context,
    executor: DeclaredExecutor | None = None,
    event: object = None,
) -> ExecutionResult:
    """Execute a checked document with its executor, or for one event of a subscription.

    Its request must be the current one.
    """
    try:
        async with asyncio.timeout(_timeout_seconds(context)):
            if executor is not None and context.limits.plans:
                data = await PLANS.execute(document, executor)
                if data is not None:
                    return ExecutionResult(data, None)
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


def build_executor(
    document: DocumentNode, request: GraphQLRequest, context: Context
) -> DeclaredExecutor | list[GraphQLError]:
    """Return the executor of the operation, or the errors of its name or its variables."""
    executor = DeclaredExecutor.build(
        GRAPHQL_SCHEMA,
        document,
        context_value=context,
        raw_variable_values=dict(request.variables or {}),
        operation_name=request.operation_name,
    )
    return cast("DeclaredExecutor | list[GraphQLError]", executor)


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
    """Return the extensions of a response: its cost, the request id, the asOf token and degraded stores."""
    usage = context.request.usage
    extensions: dict[str, Any] = {
        "stores": {"sql": usage.sql, "graph": usage.graph, "cache": usage.cache, "rows": usage.rows},
        "requestId": context.request.request_id,
    }
    if context.request.min_transaction is not None:
        extensions["asOf"] = encode_as_of(context.request.min_transaction)
    if context.request.degraded:
        extensions["degraded"] = sorted(context.request.degraded)
    if context.request.explanation is not None:
        extensions["plan"] = _explain(context, context.request.explanation)
    return extensions


def _explain(context: Context, explanation: Explanation) -> dict[str, Any]:
    usage = context.request.usage
    is_planned = bool(context.levels) and not context.fallback
    return {
        "executedBy": "plan" if is_planned else "graphql-core",
        "fallback": context.fallback or None,
        "levels": context.levels,
        "statements": [
            {"name": each.name, "rows": each.rows, "milliseconds": round(each.ms, 2)}
            | ({"plan": list(each.plan)} if each.plan else {})
            for each in explanation.statements
        ],
        "traversals": [
            {"verb": each.verb, "rows": each.rows, "milliseconds": round(each.ms, 2), "retries": each.retries}
            for each in context.request.traversals
        ],
        "cache": {"hits": usage.hits, "misses": usage.misses, "roundTrips": usage.cache},
        "cost": usage.cost,
    }


def encode_as_of(transaction: int) -> str:
    """Return the opaque asOf token that a client sends back to see at least this transaction."""
    return f"w{transaction}"


def mask_error(error: GraphQLError, context: Context) -> dict[str, Any]:
    """Return an error for the client: a ShownError unchanged, unexpected errors masked."""
    original = error.original_error
    if isinstance(original, ShownError):
        return dict(error.formatted)
    if original is None or isinstance(original, GraphQLError):
        # Errors of graphql-core: a variable of the wrong type, an unknown operation.
        return dict(error.formatted) | {"extensions": {"code": "BAD_USER_INPUT"}}
    if isinstance(original, SourceUnavailable):
        # Loaders convert this error themselves; here a write or a feed failed because a store is unavailable.
        lost = SourceLost.from_error(original)
        return dict(error.formatted) | {"message": str(lost), "extensions": lost.extensions}
    if isinstance(original, SourceResultTooLarge):
        large = result_too_large(original)
        return dict(error.formatted) | {"message": str(large), "extensions": large.extensions}
    masked: dict[str, Any] = {
        "message": "an internal error occurred; report the request id",
        "extensions": {"code": "INTERNAL", "requestId": context.request.request_id},
    }
    formatted = error.formatted
    return masked | {name: formatted[name] for name in ("locations", "path") if name in formatted}
