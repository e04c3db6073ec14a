"""The outbox read as a feed."""

from collections.abc import Sequence
from datetime import datetime

from datasources.aurora.database import Database
from datasources.aurora.statements import statements
from datasources.records.feed import FeedEntry, FeedKind, FeedPlace, FeedStep
from datasources.records.queries import Scope


async def since(
    database: Database, place: FeedPlace, kinds: Sequence[FeedKind], ids: Sequence[str] | None, scope: Scope, limit: int
) -> list[FeedEntry]:
    """At most `limit` entries after a place, oldest first, of these kinds; of these entities only if ids are given."""
    return await database.fetch(
        statements("feed")["feed_since"],
        {
            "transaction": str(place.transaction),
            "position": place.position,
            "kinds": [kind.value for kind in kinds],
            "ids": None if ids is None else list(ids),
            "sees_restricted": scope.sees_restricted,
            "team_keys": list(scope.team_keys),
            "limit": limit,
        },
        _entry,
    )


async def end(database: Database) -> FeedPlace:
    """The place where a reader begins who wants to hear of what happens from now on."""
    [place] = await database.fetch(statements("feed")["feed_end"], {}, FeedPlace)
    return place


def _entry(
    transaction: int, position: int, kind: str, entity_id: str, step: str, request_id: str, written_at: datetime
) -> FeedEntry:
    return FeedEntry(transaction, position, FeedKind(kind), entity_id, FeedStep(step), request_id, written_at)
