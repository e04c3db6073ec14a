"""The `changes` subscription: first missed entries from the tables, then new ones from the outbox poller."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Sequence
from contextlib import aclosing
from typing import Any, TypeVar

from datasources.aurora.outbox import feed
from datasources.errors import SourceError
from datasources.records.feed import FeedCursor, FeedEntry, FeedKind
from datasources.request import RequestContext, use_request
from resolvers.change_feed.use_cases import FeedPage, allowed_kinds, cursor_expired, fetch_changes
from resolvers.context import Context
from resolvers.errors import SourceLost
from resolvers.event_batch import EventBatch
from resolvers.incidents.loaders import IncidentById
from resolvers.loading.tables import RowBy
from resolvers.outbox_poller import RETRY_SECONDS, Listener
from resolvers.principals.errors import IssuerUnavailable
from resolvers.subscription_state import BATCH_SECONDS, SubscriptionState
from resolvers.workflow_runs.loaders import WorkflowRunById

R = TypeVar("R")

log = logging.getLogger("stackflow.live")

# Kinds of which single records may be restricted, and the loaders that check this.
RESTRICTED_LOADERS: dict[FeedKind, type[RowBy[Any]]] = {
    FeedKind.INCIDENT: IncidentById,
    FeedKind.WORKFLOW_RUN: WorkflowRunById,
}


async def stream_changes(
    context: Context,
    listening: SubscriptionState,
    place: FeedCursor | None,
    kinds: Sequence[FeedKind] | None,
    ids: Sequence[str] | None,
) -> AsyncGenerator[EventBatch[FeedEntry], None]:
    """Yield the entries after a cursor, or from now on, in the order and by the rules of `fetch_changes`; never ends.

    The caller is authenticated again at intervals, and visibility is checked when an entry is sent, since an incident
    may have become restricted while its entry waited. While a store is unavailable, nothing is sent or skipped.

    Raises Forbidden and BadUserInput as `fetch_changes`; AccessError if the caller is no longer valid; SlowConsumer if
    too many entries wait; SourceLost if the database is unavailable before the outbox poller is reached.
    """
    allowed_kinds(context, kinds)
    listening.position = place
    try:
        async with aclosing(_pending_entries(context, listening, kinds, ids)) as waiting:
            async for entries in waiting:
                while (shown := await _visible_batch(context, listening, kinds, entries)) is None:
                    yield EventBatch((), context)
                    await asyncio.sleep(RETRY_SECONDS)
                if shown.events or not entries:
                    yield shown
                if entries:
                    listening.position = entries[-1].place
    except feed.CursorExpired:
        raise cursor_expired() from None
    except SourceError as error:
        raise SourceLost.from_error(error) from error


async def _pending_entries(
    context: Context, listening: SubscriptionState, kinds: Sequence[FeedKind] | None, ids: Sequence[str] | None
) -> AsyncGenerator[Sequence[FeedEntry], None]:
    missed = listening.position is not None
    while missed:
        page = await _fetch_missed(context, listening, kinds, ids)
        yield page.entries
        listening.position, missed = page.end, page.more
    main = context.sources.main
    async with listening.poller.subscribe(list(FeedKind) if kinds is None else kinds, ids) as listener:
        # Entries that were written before the outbox poller served this subscription.
        if listening.position is None:
            listening.position = await _with_deadline(context, feed.fetch_end(main))
            yield ()
        else:
            more = True
            while more:
                page = await _fetch_missed(context, listening, kinds, ids)
                yield page.entries
                listening.position, more = page.end, page.more
        async with aclosing(_polled_entries(listener, listening, listening.position)) as passed_on:
            async for entries in passed_on:
                yield entries


async def _polled_entries(
    listener: Listener, listening: SubscriptionState, begin: FeedCursor
) -> AsyncGenerator[Sequence[FeedEntry], None]:
    while True:
        entries = await listener.next_entries(listening.batch_size, listening.heartbeat_seconds)
        if not entries and listening.position is not None:
            # No entry waits, so all entries up to the position of the poller were consumed.
            listening.position = max(listening.position, listener.position)
        new = [each for each in entries if each.place > begin]
        if new or not entries:
            yield new


async def _fetch_missed(
    context: Context, listening: SubscriptionState, kinds: Sequence[FeedKind] | None, ids: Sequence[str] | None
) -> FeedPage:
    return await _with_deadline(context, fetch_changes(context, listening.position, kinds, ids, listening.batch_size))


async def _with_deadline(context: Context, reading: Awaitable[R]) -> R:
    with use_request(_new_request(context)):
        return await reading


def _new_request(context: Context, sees: int | None = None) -> RequestContext:
    deadline = asyncio.get_running_loop().time() + BATCH_SECONDS
    came = context.request
    return RequestContext(
        came.request_id,
        deadline,
        min_transaction=sees,
        row_bytes=came.row_bytes,
        trace=came.trace,
        parent=came.parent,
        sampled=came.sampled,
        flow=came.flow,
    )


async def _visible_batch(
    context: Context, listening: SubscriptionState, kinds: Sequence[FeedKind] | None, entries: Sequence[FeedEntry]
) -> EventBatch[FeedEntry] | None:
    """Return the entries that are visible now; None if a store is unavailable and visibility is unknown."""
    sees = max((each.transaction for each in entries), default=None)
    call = _new_request(context, sees)
    try:
        with use_request(call):
            await _reauthenticate(context, listening)
            allowed = set(allowed_kinds(context, kinds))
            context.require("feed:read")
            fresh = Context(context.principal, context.scope, context.sources, call, context.limits)
            visible = await _visible(fresh, [each for each in entries if each.kind in allowed])
            return EventBatch(visible, fresh, [each.place for each in visible])
    except (SourceError, SourceLost, IssuerUnavailable) as error:
        log.warning("a stream waits", extra={"request_id": context.request.request_id, "problem": str(error)})
        return None


async def _reauthenticate(context: Context, listening: SubscriptionState) -> None:
    now = asyncio.get_running_loop().time()
    if now - listening.authenticated_at >= listening.reauthenticate_seconds:
        principal = await listening.reauthenticate()
        context.principal, context.scope, listening.authenticated_at = principal, principal.scope, now


async def _visible(context: Context, entries: Sequence[FeedEntry]) -> tuple[FeedEntry, ...]:
    if context.scope.sees_restricted:
        return tuple(entries)
    seen: dict[FeedKind, set[str]] = {}
    for kind, loader in RESTRICTED_LOADERS.items():
        ids = {each.entity_id for each in entries if each.kind is kind}
        records = await asyncio.gather(*(context.loader(loader).load(id) for id in ids))
        seen[kind] = {each.id for each in records if each is not None}
    return tuple(each for each in entries if each.kind not in seen or each.entity_id in seen[each.kind])
