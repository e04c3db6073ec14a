"""Apply events exactly once for each source and id, also if they arrive repeatedly or late.

Landscape events are applied as sets, operations events one by one. A batch with both is split, in order, into
stretches of one kind.
"""

import asyncio
from collections.abc import Sequence
from itertools import groupby
from math import inf

from msgspec import Struct as Record

from datasources.aurora.driver.transaction import Transaction
from datasources.aurora.events import writes as rows
from datasources.aurora.outbox import bookkeeping
from datasources.aurora.outbox.bookkeeping import AuditEntry
from datasources.errors import (
    SourceConflict,
    SourceDuplicate,
    SourceInvalidValue,
    SourceRefused,
    SourceUnavailable,
)
from datasources.sources import Sources
from resolvers.events.apply_each import apply_each
from resolvers.events.handlers.landscape_batch import ITEM, RELATIONSHIP, LandscapeBatch, keys, time_name
from resolvers.events.handlers.landscape_types import (
    EVENT_TYPE_PREFIX,
    ItemUpserted,
    RelationshipRemoved,
    RelationshipUpserted,
)
from resolvers.events.registry import OPERATIONS
from resolvers.events.results import (
    DUPLICATE,
    ID_REUSED,
    NOT_ATTEMPTED,
    EventResult,
    EventStatus,
    ReceivedEvent,
    blocked_result,
    unavailable_result,
)
from resolvers.retries import retry
from resolvers.unit_of_work import GENERATED_COLUMNS, audit_snapshot, difference


async def apply_batch(sources: Sources, arrived: Sequence[ReceivedEvent], until: float = inf) -> list[EventResult]:
    """Return the result of each event, in order.

    If a store is unavailable, all events from the first unattempted one on are retryable: STORE_UNAVAILABLE, or RETRY
    if the store timed out, which the event itself may have caused. After `until`, in seconds of the event loop's clock,
    only the first stretch is started; the rest is NOT_ATTEMPTED. On return, no read in any process returns an older
    value.
    """
    clock = asyncio.get_running_loop().time
    outcomes: list[EventResult] = []
    for one_by_one, stretch in groupby(arrived, key=lambda each: each.event.type in OPERATIONS):
        if outcomes and clock() >= until:
            return outcomes + [NOT_ATTEMPTED] * (len(arrived) - len(outcomes))
        some = list(stretch)
        outcomes += await (apply_each(sources, some, until) if one_by_one else _apply_set(sources, some))
        if outcomes[-1].is_retryable:
            return outcomes + [blocked_result(outcomes[-1])] * (len(arrived) - len(outcomes))
    return outcomes


async def _apply_set(sources: Sources, arrived: Sequence[ReceivedEvent]) -> list[EventResult]:
    # One transaction, or several if the store rejects the data of one event.
    try:
        return await _apply_with_retry(sources, arrived)
    except SourceUnavailable as error:
        return [unavailable_result(error)] * len(arrived)
    except SourceRefused as error:
        if len(arrived) == 1:
            # A value that no column accepts is the event's fault; a missing table, for example, is not.
            result = EventStatus.REJECTED if isinstance(error, SourceInvalidValue) else EventStatus.RETRY
            return [EventResult(result, str(error))]
    half = len(arrived) // 2
    first = await _apply_set(sources, arrived[:half])
    lost = next((outcome for outcome in first if outcome.is_retryable), None)
    if lost is not None:
        return first + [blocked_result(lost)] * (len(arrived) - half)
    return first + await _apply_set(sources, arrived[half:])


async def _apply_with_retry(sources: Sources, arrived: Sequence[ReceivedEvent]) -> list[EventResult]:
    async def attempt() -> tuple[list[EventResult], set[str]]:
        async with sources.main.transaction() as transaction:
            return await _apply_in_transaction(transaction, arrived)

    # Another transaction created the same item: the next attempt reads it.
    outcomes, tables = await retry(attempt, SourceConflict, SourceDuplicate)
    if tables:
        await sources.cache.invalidate(sorted(tables))
    if DUPLICATE in outcomes:
        # The process that applied them may have crashed before it invalidated the cache.
        await sources.cache.expire_all()
    return outcomes


async def _apply_in_transaction(
    transaction: Transaction, arrived: Sequence[ReceivedEvent]
) -> tuple[list[EventResult], set[str]]:
    firsts: dict[tuple[str, str], ReceivedEvent] = {}
    for each in arrived:
        firsts.setdefault(_name(each), each)
    claimed = await rows.claim_events(transaction, {name: each.event.content for name, each in firsts.items()})
    before = await rows.fetch_contents(transaction, firsts.keys() - claimed)
    fresh = [each for name, each in firsts.items() if name in claimed]
    outcomes: dict[tuple[str, str], EventResult] = {}
    tables: set[str] = set()
    if fresh:
        landscape = await _landscape(transaction, fresh)
        outcomes = {_name(each): landscape.apply(each) for each in fresh}
        tables = await _write(transaction, landscape)
        refusals = [name for name, outcome in outcomes.items() if outcome.status is EventStatus.REJECTED]
        await rows.release_events(transaction, refusals)
    contents = {name: before.get(name, each.event.content) for name, each in firsts.items()}
    answers = [
        _to_result(
            each, first=firsts[_name(each)] is each, content=contents[_name(each)], outcome=outcomes.get(_name(each))
        )
        for each in arrived
    ]
    return answers, tables


def _to_result(each: ReceivedEvent, *, first: bool, content: bytes, outcome: EventResult | None) -> EventResult:
    if each.event.content != content:
        return ID_REUSED
    if outcome is None:
        return DUPLICATE
    return outcome if first or outcome.status is EventStatus.REJECTED else DUPLICATE


async def _landscape(transaction: Transaction, arrived: Sequence[ReceivedEvent]) -> LandscapeBatch:
    events = [each.event for each in arrived]
    times = await rows.lock_times(transaction, {time_name(event) for event in events})
    ids = await rows.find_item_ids(transaction, {key for event in events for key in keys(event.data)})
    items = [event.data for event in events if isinstance(event.data, ItemUpserted)]
    edges = [event for event in events if isinstance(event.data, RelationshipUpserted | RelationshipRemoved)]
    names = await rows.find_names(
        transaction,
        {each.class_key for each in items},
        {event.data.type for event in edges if isinstance(event.data, RelationshipUpserted)},
        {each.owner for each in items if isinstance(each.owner, str)},
    )
    items_before = await rows.lock_items(transaction, set(ids.values()))
    landscape = LandscapeBatch(
        # An item may have been deleted after its key was read.
        {key: id for key, id in ids.items() if id in items_before},
        {(each.source, each.entity, each.identity): each for each in times},
        items_before,
        names,
        {},
    )
    identities = {
        landscape.identity(event, event.data)
        for event in edges
        if isinstance(event.data, RelationshipUpserted | RelationshipRemoved)
    } - {None}
    existing = await rows.find_relationships(transaction, [each for each in identities if each is not None])
    landscape.relationships_before = {(each.from_id, each.to_id, each.type_key, each.source): each for each in existing}
    landscape.relationships = dict(landscape.relationships_before)
    return landscape


async def _write(transaction: Transaction, made: LandscapeBatch) -> set[str]:
    items = [
        (made.items_before.get(id), record) for id, record in made.items.items() if made.items_before.get(id) != record
    ]
    edges = [
        (made.relationships_before.get(identity), record)
        for identity, record in made.relationships.items()
        if made.relationships_before.get(identity) != record
    ]
    removed = [record for identity, record in made.relationships_before.items() if identity not in made.relationships]
    new_items = [record for before, record in items if before is None]
    changed_items = [record for before, record in items if before is not None]
    await rows.write_items(transaction, new_items, changed_items, made.new_keys)
    new_edges = [record for before, record in edges if before is None]
    changed_edges = [record for before, record in edges if before is not None]
    await rows.write_relationships(transaction, new_edges, changed_edges, removed)
    await rows.write_times(transaction, list(made.new_times.values()))
    audited = [_audit_entry(made, ITEM, record.id, before, record) for before, record in items]
    audited += [_audit_entry(made, RELATIONSHIP, record.id, before, record) for before, record in edges]
    audited += [_audit_entry(made, RELATIONSHIP, record.id, record, None) for record in removed]
    if audited:
        await bookkeeping.write_audit_entries(transaction, audited)
        await bookkeeping.write_origins(transaction, {each.entity_id: _origin(made, each) for each in audited})
    return ({"configuration_items"} if items else set()) | ({"relationships"} if edges or removed else set())


def _audit_entry(made: LandscapeBatch, entity: str, id: str, before: Record | None, after: Record | None) -> AuditEntry:
    by = made.touched[id]
    action = by.event.type.removeprefix(EVENT_TYPE_PREFIX)
    old, new = difference(
        *(None if each is None else audit_snapshot(each, GENERATED_COLUMNS) for each in (before, after))
    )
    return AuditEntry(
        request_id=by.request_id, principal=f"event:{by.event.source}", action=action, entity=entity, entity_id=id,
        before=old, after=new,
    )  # fmt: skip


def _origin(made: LandscapeBatch, entry: AuditEntry) -> bookkeeping.Origin:
    return bookkeeping.Origin(entry.request_id, made.touched[entry.entity_id].event.sender or entry.principal)


def _name(arrived: ReceivedEvent) -> tuple[str, str]:
    return arrived.event.source, arrived.event.id
