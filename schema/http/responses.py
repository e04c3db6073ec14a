"""The stream of responses of one operation: one response, or one for each event of a subscription."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, cast

from graphql import DocumentNode, ExecutionResult, OperationType, create_source_event_stream

from datasources.config import DocumentLimits
from datasources.observability.spans import SERVER, record_call
from datasources.request import use_request
from resolvers.context import Context
from resolvers.errors import ShownError
from resolvers.event_batch import EventBatch
from schema.change_feed.types import encode_feed_cursor
from schema.execution.execution import (
    GraphQLRequest,
    GraphQLResponse,
    build_executor,
    build_extensions,
    check_request,
    execute_document,
    execute_request,
    find_operation_type,
    request_error_body,
    to_body,
)
from schema.execution.executor import DeclaredExecutor


@dataclass(frozen=True, slots=True)
class StreamMessage:
    """One response, or None for a heartbeat, and the cursor from which to continue after it."""

    body: dict[str, Any] | None
    cursor: str | None = None


async def stream_responses(
    request: GraphQLRequest, context: Context, limits: DocumentLimits
) -> AsyncGenerator[Sequence[StreamMessage], None]:
    """Yield responses as they become available, several at a time.

    A query or a mutation has one response. A subscription that is rejected, or that ends because its caller loses the
    permission or is too slow, has a last response whose error has the cursor from which to continue.
    """
    checked = check_request(request, context, limits)
    if isinstance(checked, GraphQLResponse):
        yield [StreamMessage(checked.body)]
    elif find_operation_type(checked, request.operation_name) is OperationType.SUBSCRIPTION:
        async with aclosing(_stream_events(checked, request, context)) as events:
            async for messages in events:
                yield messages
    else:
        yield [StreamMessage((await execute_request(request, context, limits)).body)]


async def _stream_events(
    document: DocumentNode, request: GraphQLRequest, context: Context
) -> AsyncGenerator[Sequence[StreamMessage], None]:
    executor = build_executor(document, request, context)
    if isinstance(executor, list):
        yield [StreamMessage(request_error_body(executor, context))]
        return
    source = await _open_source_stream(executor)
    if isinstance(source, ExecutionResult):
        yield [StreamMessage(to_body(source, context))]
        return
    try:
        async with aclosing(source):
            async for batch in source:
                yield await _respond_to_batch(document, request, context, batch)
    except ShownError as error:
        yield [_final_message(error, context)]


async def _open_source_stream(
    executor: DeclaredExecutor,
) -> AsyncGenerator[EventBatch[object], None] | ExecutionResult:
    stream = create_source_event_stream(executor)
    if not isinstance(stream, ExecutionResult | AsyncIterable):
        stream = await stream
    if not isinstance(stream, ExecutionResult):
        return cast("AsyncGenerator[EventBatch[object], None]", stream)
    # graphql-core leaves the data out. The field is null instead, as in the response of a query that is refused; every
    # field of a subscription is nullable.
    data = {str(error.path[0]): None for error in stream.errors or () if error.path} or None
    return ExecutionResult(data=data, errors=stream.errors)


async def _respond_to_batch(
    document: DocumentNode, request: GraphQLRequest, context: Context, batch: EventBatch[object]
) -> Sequence[StreamMessage]:
    if not batch.events:
        cursor = _current_cursor(context)
        return () if cursor is None else [StreamMessage(None, cursor)]
    call = batch.context.request
    with use_request(call), record_call("subscription", SERVER, call, {"graphql.operation.type": "subscription"}):
        executions = (execute_document(document, request, batch.context, event=event) for event in batch.events)
        results = await asyncio.gather(*executions)
    cursors: Sequence[str | None] = [encode_feed_cursor(each) for each in batch.positions] or [None] * len(results)
    return [
        StreamMessage(to_body(result, batch.context), cursor) for result, cursor in zip(results, cursors, strict=True)
    ]


def _current_cursor(context: Context) -> str | None:
    position = None if context.subscription is None else context.subscription.position
    return None if position is None else encode_feed_cursor(position)


def _final_message(error: ShownError, context: Context) -> StreamMessage:
    cursor = _current_cursor(context)
    extensions = error.extensions if cursor is None else error.extensions | {"cursor": cursor}
    errors = [{"message": str(error), "path": ["changes"], "extensions": extensions}]
    return StreamMessage({"errors": errors, "data": None, "extensions": build_extensions(context)}, cursor)
