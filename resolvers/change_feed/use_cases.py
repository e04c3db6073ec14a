"""What changed since a place, for whoever may read what changed."""

from collections.abc import Sequence
from dataclasses import dataclass

from datasources.aurora.outbox import feed
from datasources.errors import SourceUnavailable
from datasources.records.feed import FeedEntry, FeedKind, FeedPlace
from resolvers.context import Context
from resolvers.errors import BadUserInput, SourceLost

# What one must be allowed to read to hear of it.
NEEDS = {
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
KEPT_DAYS = 7


@dataclass(frozen=True, slots=True)
class Feed:
    """A page of what changed, the place after it, and whether more is known already."""

    entries: tuple[FeedEntry, ...]
    end: FeedPlace
    more: bool


async def since(
    context: Context, place: FeedPlace | None, kinds: Sequence[FeedKind] | None, ids: Sequence[str] | None, first: int
) -> Feed:
    """Entries after a place, oldest first. Without a place none, and the place where what happens from now on begins.

    BadUserInput if something after the place is no longer kept, SourceLost. Otherwise as `allowed_kinds`.
    """
    allowed = allowed_kinds(context, kinds)
    main = context.sources.main
    try:
        if place is None:
            return Feed((), await feed.end(main), more=False)
        found = await feed.since(main, place, allowed, ids, context.scope, first + 1)
    except feed.Trimmed:
        raise too_old() from None
    except SourceUnavailable as error:
        raise SourceLost.of(error) from error
    # The oldest transaction under way only moves on, so each place that was given out lies before it.
    if place.transaction > found.end.transaction:
        raise too_new()
    shown = tuple(found.entries[:first])
    # Moved on also by what is not for this reader, or the place would grow too old where nothing is for long.
    return Feed(shown, shown[-1].place if shown else max(place, found.end), more=len(found.entries) > first)


def allowed_kinds(context: Context, kinds: Sequence[FeedKind] | None) -> Sequence[FeedKind]:
    """The kinds to tell of. Forbidden if one is named that the principal may not read; without kinds, all it may."""
    for kind in kinds or ():
        context.require(NEEDS[kind])
    return kinds if kinds is not None else [kind for kind in FeedKind if context.principal.allows(NEEDS[kind])]


def too_new() -> BadUserInput:
    """What one is told whose place no transaction has come to: the cursor is of another database, or of this one before
    it was restored, and going on from there would silently wait for ever."""
    return BadUserInput(
        "the cursor is ahead of all that was written here; begin again without a cursor and read the whole again",
        argument="cursor",
    )


def too_old() -> BadUserInput:
    """What one is told whose place lies before what is kept: going on from there would silently skip the rest."""
    return BadUserInput(
        f"the cursor is older than what is kept ({KEPT_DAYS} days); "
        "begin anew without a cursor and read the whole again",
        argument="cursor",
    )
