"""The responses of one operation as a stream: one, or one for each event of a subscription."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, cast

from graphql import DocumentNode, ExecutionResult, OperationType, create_source_event_stream

from datasources.observability.spans import SERVER, recorded
from datasources.request import calling
from resolvers.change_feed.subscription import Batch
from resolvers.context import Context
from resolvers.errors import ShownError
from schema.change_feed.types import cursor_of
from schema.execution.document_cache import GRAPHQL_SCHEMA
from schema.execution.execution import (
    Request,
    Response,
    body_of,
    check,
    execute_once,
    extensions,
    kind_of,
    run,
)
from schema.execution.executor import DeclaredExecutor
from schema.execution.limits import DocumentLimits


@dataclass(frozen=True, slots=True)
class Told:
    """One response, or None as a sign of life, and the cursor to go on from after it."""

    body: dict[str, Any] | None
    cursor: str | None = None


async def responses(request: Request, context: Context, limits: DocumentLimits) -> AsyncGenerator[Sequence[Told], None]:
    """Responses as they come, some at once.

    A query or a mutation has one. A subscription that is refused, or that ends because its listener may no longer or
    is too slow, has a last one, whose error names the cursor to go on from.
    """
    checked = check(request, context, limits)
    if isinstance(checked, Response):
        yield [Told(checked.body)]
    elif kind_of(checked, request.operation_name) is OperationType.SUBSCRIPTION:
        async with aclosing(_events(checked, request, context)) as events:
            async for some in events:
                yield some
    else:
        yield [Told((await run(request, context, limits)).body)]


async def _events(document: DocumentNode, request: Request, context: Context) -> AsyncGenerator[Sequence[Told], None]:
    source = await _source(document, request, context)
    if isinstance(source, ExecutionResult):
        yield [Told(body_of(source, context))]
        return
    try:
        async with aclosing(source):
            async for batch in source:
                yield await _told(document, request, context, batch)
    except ShownError as error:
        yield [_last(error, context)]


async def _source(
    document: DocumentNode, request: Request, context: Context
) -> AsyncGenerator[Batch, None] | ExecutionResult:
    executor = DeclaredExecutor.build(
        GRAPHQL_SCHEMA,
        document,
        context_value=context,
        raw_variable_values=dict(request.variables or {}),
        operation_name=request.operation_name,
    )
    if isinstance(executor, list):
        return ExecutionResult(data=None, errors=executor)
    found = create_source_event_stream(executor)
    if not isinstance(found, ExecutionResult | AsyncIterable):
        found = await found
    return found if isinstance(found, ExecutionResult) else cast("AsyncGenerator[Batch, None]", found)


async def _told(document: DocumentNode, request: Request, context: Context, batch: Batch) -> Sequence[Told]:
    if not batch.entries:
        cursor = _cursor(context)
        return () if cursor is None else [Told(None, cursor)]
    call = batch.context.call
    with calling(call), recorded("subscription", SERVER, call, {"graphql.operation.type": "subscription"}):
        showing = (execute_once(document, request, batch.context, entry) for entry in batch.entries)
        results = await asyncio.gather(*showing)
    return [
        Told(body_of(result, batch.context), cursor_of(entry.place))
        for result, entry in zip(results, batch.entries, strict=True)
    ]


def _cursor(context: Context) -> str | None:
    place = None if context.listening is None else context.listening.place
    return None if place is None else cursor_of(place)


def _last(error: ShownError, context: Context) -> Told:
    cursor = _cursor(context)
    told = error.extensions if cursor is None else error.extensions | {"cursor": cursor}
    errors = [{"message": str(error), "path": ["changes"], "extensions": told}]
    return Told({"errors": errors, "data": None, "extensions": extensions(context)}, cursor)
