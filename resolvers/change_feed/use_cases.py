"""Pages of the change feed after a cursor, limited to what the caller may read."""

from collections.abc import Sequence
from dataclasses import dataclass

from datasources.aurora.outbox import feed
from datasources.errors import SourceUnavailable
from datasources.records.feed import FeedCursor, FeedEntry, FeedKind
from resolvers.context import Context
from resolvers.errors import BadUserInput, SourceLost

# The permission that each kind requires.
PERMISSIONS = {
    FeedKind.CONFIGURATION_ITEM: "configuration-items:read",
    FeedKind.RELATIONSHIP: "relationships:read",
    FeedKind.INCIDENT: "incidents:read",
    FeedKind.CHANGE: "changes:read",
    FeedKind.TEAM: "teams:read",
    FeedKind.USER: "users:read",
    FeedKind.WORKFLOW: "workflows:read",
    FeedKind.WORKFLOW_RUN: "workflows:read",
}


# Entries are retained for at least this number of days.
RETENTION_DAYS = 7


@dataclass(frozen=True, slots=True)
class FeedPage:
    """A page of entries, the cursor after it, and whether more entries exist already."""

    entries: tuple[FeedEntry, ...]
    end: FeedCursor
    more: bool


async def fetch_changes(
    context: Context, place: FeedCursor | None, kinds: Sequence[FeedKind] | None, ids: Sequence[str] | None, first: int
) -> FeedPage:
    """Return entries after a cursor, oldest first; without a cursor no entries, only the current end of the feed.

    Raises BadUserInput if entries after the cursor are no longer retained, SourceLost, and Forbidden as
    `allowed_kinds`.
    """
    allowed = allowed_kinds(context, kinds)
    main = context.sources.main
    try:
        if place is None:
            return FeedPage((), await feed.fetch_end(main), more=False)
        page = await feed.fetch_since(main, place, allowed, ids, context.scope, first + 1)
    except feed.CursorExpired:
        raise cursor_expired() from None
    except SourceUnavailable as error:
        raise SourceLost.from_error(error) from error
    # The oldest transaction in progress only increases, so every cursor that was issued is at most this one.
    if place.transaction > page.end.transaction:
        raise cursor_from_future()
    shown = tuple(page.entries[:first])
    # The cursor also advances over entries that the caller may not see; otherwise it would expire in a quiet feed.
    return FeedPage(shown, shown[-1].place if shown else max(place, page.end), more=len(page.entries) > first)


def allowed_kinds(context: Context, kinds: Sequence[FeedKind] | None) -> Sequence[FeedKind]:
    """Return the kinds to report; without `kinds`, all that are permitted. Raises Forbidden if a named one is not."""
    for kind in kinds or ():
        context.require(PERMISSIONS[kind])
    return kinds if kinds is not None else [kind for kind in FeedKind if context.principal.allows(PERMISSIONS[kind])]


def cursor_from_future() -> BadUserInput:
    """Return the error for a cursor that is ahead of all transactions.

    The cursor belongs to another database, or to this one before it was restored; to continue there would wait for
    ever.
    """
    return BadUserInput(
        "the cursor is ahead of every write in this database; read all data again and start without a cursor",
        argument="cursor",
    )


def cursor_expired() -> BadUserInput:
    """Return the error for an expired cursor: to continue there would silently skip entries."""
    return BadUserInput(
        f"the cursor is older than the retention of the change feed ({RETENTION_DAYS} days); "
        "read all data again and start without a cursor",
        argument="cursor",
    )
