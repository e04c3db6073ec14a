"""Apply operations events: each runs a use case in its own transaction, once for its source and id."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from math import inf
from typing import Any

from msgspec import structs

from datasources.aurora.driver.transaction import Transaction
from datasources.aurora.events import writes as rows
from datasources.aurora.outbox import bookkeeping
from datasources.errors import (
    SourceConflict,
    SourceDuplicate,
    SourceInvalidValue,
    SourceRefused,
    SourceUnavailable,
)
from datasources.records.events import EventTimesRecord
from datasources.records.queries import Scope
from datasources.request import RequestContext, current_request, use_request
from datasources.sources import Sources
from resolvers.context import Context, SystemPrincipal
from resolvers.events.event import Event
from resolvers.events.handlers.landscape_batch import join_names
from resolvers.events.handlers.landscape_types import EVENT_TYPE_PREFIX
from resolvers.events.operation import Operation
from resolvers.events.registry import OPERATIONS
from resolvers.events.results import (
    APPLIED,
    DUPLICATE,
    ID_REUSED,
    NOT_ATTEMPTED,
    STALE,
    EventResult,
    EventStatus,
    ReceivedEvent,
    blocked_result,
    rejection,
    unavailable_result,
)
from resolvers.retries import retry
from resolvers.unit_of_work import UNSTORABLE_VALUE, ValidationFailed, Write, origin


async def apply_each(sources: Sources, arrived: Sequence[ReceivedEvent], until: float = inf) -> list[EventResult]:
    """Return the result of each event, in order.

    After the first retryable one, the others are blocked. After `until`, in seconds of the event loop's clock, only
    the first event is attempted. On return, no read in this process returns an older value.
    """
    clock = asyncio.get_running_loop().time
    outcomes: list[EventResult] = []
    for each in arrived:
        is_late = bool(outcomes) and clock() >= until
        outcome = NOT_ATTEMPTED if is_late else await _try_event(sources, each)
        outcomes.append(outcome)
        if outcome.is_retryable:
            return outcomes + [blocked_result(outcome)] * (len(arrived) - len(outcomes))
    return outcomes


async def _try_event(sources: Sources, arrived: ReceivedEvent) -> EventResult:
    try:
        # Another transaction created the same record or holds its lock: the next attempt reads it.
        return await retry(lambda: _apply_event(sources, arrived), SourceConflict, SourceDuplicate)
    except ValidationFailed as error:
        return rejection("; ".join(each.message for each in error.errors))
    except SourceInvalidValue:
        return rejection(UNSTORABLE_VALUE.message)
    except (SourceConflict, SourceRefused) as error:
        return EventResult(EventStatus.RETRY, str(error))
    except SourceUnavailable as error:
        return unavailable_result(error)


async def _apply_event(sources: Sources, arrived: ReceivedEvent) -> EventResult:
    event = arrived.event
    operation = OPERATIONS[event.type]
    # The sender had `events:write`. It may change restricted incidents: a sender that knows the source's key of an
    # incident has reported that incident before.
    sender = SystemPrincipal("event", event.source, event.sender)
    context = Context(
        sender, Scope(True), sources, RequestContext(request_id=arrived.request_id, deadline=current_request().deadline)
    )
    with use_request(context.request):
        async with sources.main.transaction() as transaction:
            name = (event.source, event.id)
            if not await rows.claim_events(transaction, {name: event.content}):
                stored = (await rows.fetch_contents(transaction, [name])).get(name, event.content)
                # The process that applied it may have crashed before it invalidated the cache.
                await sources.cache.expire_all()
                return DUPLICATE if stored == event.content else ID_REUSED
            if not await _is_newest(transaction, operation, event):
                return STALE
            write = Write(context, event.type.removeprefix(EVENT_TYPE_PREFIX), transaction)
            await operation.use_case(write, event.data, event)
            await bookkeeping.write_audit_entries(transaction, write.audit_entries)
            await bookkeeping.write_origin(transaction, origin(context))
        if write.tables:
            await sources.cache.invalidate(sorted(write.tables))
    return APPLIED


async def _is_newest(transaction: Transaction, operation: Operation[Any], event: Event) -> bool:
    about = operation.about(event.data)
    if about is None:
        return True
    name = (event.source, about.entity, join_names(*about.names))
    [times] = await rows.lock_times(transaction, [name])
    newest = _newest(times, is_step=operation.is_step)
    # The id decides between two events of the same time.
    if newest is not None and (event.time, event.id) <= newest:
        return False
    await rows.write_times(transaction, [_next_times(times, event, is_step=operation.is_step)])
    return True


def _newest(times: EventTimesRecord, *, is_step: bool) -> tuple[datetime, str] | None:
    at, by = (times.ended_at, times.ended_by) if is_step else (times.upserted_at, times.upserted_by)
    return None if at is None else (at, by)


def _next_times(times: EventTimesRecord, event: Event, *, is_step: bool) -> EventTimesRecord:
    if is_step:
        return structs.replace(times, ended_at=event.time, ended_by=event.id)
    return structs.replace(times, upserted_at=event.time, upserted_by=event.id)
