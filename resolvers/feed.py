"""What changed since a place, for whoever may read what changed."""

from collections.abc import Sequence
from dataclasses import dataclass

from datasources.aurora import feed
from datasources.records.feed import FeedEntry, FeedKind, FeedPlace
from resolvers.context import Context

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

    Forbidden if a kind is named that the principal may not read; without kinds, all that it may.
    """
    for kind in kinds or ():
        context.require(NEEDS[kind])
    allowed = kinds if kinds is not None else [kind for kind in FeedKind if context.principal.allows(NEEDS[kind])]
    main = context.sources.main
    if place is None:
        return Feed((), await feed.end(main), more=False)
    found = await feed.since(main, place, allowed, ids, context.scope, first + 1)
    shown = tuple(found[:first])
    return Feed(shown, shown[-1].place if shown else place, more=len(found) > first)
