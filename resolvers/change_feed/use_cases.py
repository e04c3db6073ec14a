"""What changed since a place, for whoever may read what changed."""

from collections.abc import Sequence
from dataclasses import dataclass

from datasources.aurora.outbox import feed
from datasources.errors import SourceUnavailable
from datasources.records.feed import FeedCursor, FeedEntry, FeedKind
from resolvers.context import Context
from resolvers.errors import BadUserInput, SourceLost

# What one must be allowed to read to hear of it.
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


# Days for which what changed is kept at least.
RETENTION_DAYS = 7


@dataclass(frozen=True, slots=True)
class FeedPage:
    """A page of what changed, the place after it, and whether more is known already."""

    entries: tuple[FeedEntry, ...]
    end: FeedCursor
    more: bool


async def fetch_changes(
    context: Context, place: FeedCursor | None, kinds: Sequence[FeedKind] | None, ids: Sequence[str] | None, first: int
) -> FeedPage:
    """Entries after a place, oldest first. Without a place none, and the place where what happens from now on begins.

    BadUserInput if something after the place is no longer kept, SourceLost. Otherwise as `allowed_kinds`.
    """
    allowed = allowed_kinds(context, kinds)
    main = context.sources.main
    try:
        if place is None:
            return FeedPage((), await feed.fetch_end(main), more=False)
        found = await feed.fetch_since(main, place, allowed, ids, context.scope, first + 1)
    except feed.CursorExpired:
        raise cursor_expired() from None
    except SourceUnavailable as error:
        raise SourceLost.from_error(error) from error
    # The oldest transaction under way only moves on, so each place that was given out lies before it.
    if place.transaction > found.end.transaction:
        raise cursor_from_future()
    shown = tuple(found.entries[:first])
    # Moved on also by what is not for this reader, or the place would grow too old where nothing is for long.
    return FeedPage(shown, shown[-1].place if shown else max(place, found.end), more=len(found.entries) > first)


def allowed_kinds(context: Context, kinds: Sequence[FeedKind] | None) -> Sequence[FeedKind]:
    """The kinds to tell of. Forbidden if one is named that the principal may not read; without kinds, all it may."""
    for kind in kinds or ():
        context.require(PERMISSIONS[kind])
    return kinds if kinds is not None else [kind for kind in FeedKind if context.principal.allows(PERMISSIONS[kind])]


def cursor_from_future() -> BadUserInput:
    """What one is told whose place no transaction has come to: the cursor is of another database, or of this one before
    it was restored, and going on from there would silently wait for ever."""
    return BadUserInput(
        "the cursor is ahead of all that was written here; begin again without a cursor and read the whole again",
        argument="cursor",
    )


def cursor_expired() -> BadUserInput:
    """What one is told whose place lies before what is kept: going on from there would silently skip the rest."""
    return BadUserInput(
        f"the cursor is older than what is kept ({RETENTION_DAYS} days); "
        "begin anew without a cursor and read the whole again",
        argument="cursor",
    )
