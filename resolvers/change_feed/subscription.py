"""What changes, for one who may see it: first what was missed, from the tables, then what the tail passes on."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, TypeVar

from datasources.aurora.outbox import feed
from datasources.errors import SourceError
from datasources.records.feed import FeedCursor, FeedEntry, FeedKind
from datasources.request import RequestContext, use_request
from resolvers.change_feed.use_cases import FeedPage, allowed_kinds, cursor_expired, fetch_changes
from resolvers.context import Context
from resolvers.errors import SourceLost
from resolvers.incidents.loaders import IncidentById
from resolvers.loading.tables import RowBy
from resolvers.outbox_poller import RETRY_SECONDS, Listener
from resolvers.principals.errors import IssuerUnavailable
from resolvers.subscription_state import BATCH_SECONDS, SubscriptionState
from resolvers.workflow_runs.loaders import WorkflowRunById

R = TypeVar("R")

log = logging.getLogger("stackflow.live")

# What may be hidden from who may read others of its kind, and how it is looked for.
RESTRICTED_LOADERS: dict[FeedKind, type[RowBy[Any]]] = {
    FeedKind.INCIDENT: IncidentById,
    FeedKind.WORKFLOW_RUN: WorkflowRunById,
}


@dataclass(frozen=True, slots=True)
class FeedBatch:
    """Entries, oldest first, and a context of their own in which they are to be shown; none is a sign of life."""

    entries: tuple[FeedEntry, ...]
    context: Context


async def stream_changes(
    context: Context,
    listening: SubscriptionState,
    place: FeedCursor | None,
    kinds: Sequence[FeedKind] | None,
    ids: Sequence[str] | None,
) -> AsyncGenerator[FeedBatch, None]:
    """What changes from a place on, or from now on, in the order and by the rules of `since`; it never ends by itself.

    Who listens is proven anew as time passes, and each incident is looked at when its turn comes: it may have become
    restricted while it waited. While a store is lost nothing is shown and nothing passed over.

    Forbidden, BadUserInput as `since`; AccessError when who listens may no longer; StreamBehind when more waits than
    is kept for it; SourceLost if the database is lost before the tail is reached.
    """
    allowed_kinds(context, kinds)
    listening.position = place
    try:
        async with aclosing(_pending_entries(context, listening, kinds, ids)) as waiting:
            async for entries in waiting:
                while (shown := await _visible_batch(context, listening, kinds, entries)) is None:
                    yield FeedBatch((), context)
                    await asyncio.sleep(RETRY_SECONDS)
                if shown.entries or not entries:
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
        # What was written while the tail had not begun to listen for us.
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
            # Nothing waits, so all was taken that was wanted of what was seen.
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
) -> FeedBatch | None:
    """What of the entries may be shown by now; None if that cannot be told because a store is lost."""
    sees = max((each.transaction for each in entries), default=None)
    call = _new_request(context, sees)
    try:
        with use_request(call):
            await _reauthenticate(context, listening)
            allowed = set(allowed_kinds(context, kinds))
            context.require("feed:read")
            fresh = Context(context.principal, context.scope, context.sources, call, context.limits)
            return FeedBatch(await _visible(fresh, [each for each in entries if each.kind in allowed]), fresh)
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
        found = await asyncio.gather(*(context.loader(loader).load(id) for id in ids))
        seen[kind] = {each.id for each in found if each is not None}
    return tuple(each for each in entries if each.kind not in seen or each.entity_id in seen[each.kind])
