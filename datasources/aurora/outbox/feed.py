"""The outbox read as a feed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from datasources.aurora.driver.database import Database
from datasources.aurora.statements import statements
from datasources.records.feed import FeedCursor, FeedEntry, FeedKind, FeedStep
from datasources.records.queries import Scope

# The greatest position there can be.
MAX_POSITION = 2**63 - 1


class FeedBatch(NamedTuple):
    """Entries, oldest first, and the place up to which there is no other unless as many were asked for."""

    entries: list[FeedEntry]
    end: FeedCursor


class CursorExpired(Exception):
    """Something after the place was deleted, so that reading on from it would skip it."""


async def fetch_since(
    database: Database,
    place: FeedCursor,
    kinds: Sequence[FeedKind],
    ids: Sequence[str] | None,
    scope: Scope,
    limit: int,
) -> FeedBatch:
    """At most `limit` entries after a place, oldest first, of these kinds; of these entities only if ids are given.

    Trimmed if something after the place is no longer kept."""
    return await _entries(
        database,
        "feed_since",
        {
            "transaction": str(place.transaction),
            "position": place.position,
            "kinds": [kind.value for kind in kinds],
            "ids": None if ids is None else list(ids),
            "sees_restricted": scope.sees_restricted,
            "team_keys": list(scope.team_keys),
            "limit": limit,
        },
    )


async def fetch_tail(database: Database, place: FeedCursor, limit: int) -> FeedBatch:
    """As `since`, but of every kind, and restricted incidents too: only for who looks at each reader's scope."""
    return await _entries(
        database,
        "feed_tail",
        {
            "transaction": str(place.transaction),
            "position": place.position,
            "kinds": [kind.value for kind in FeedKind],
            "limit": limit,
        },
    )


async def fetch_end(database: Database) -> FeedCursor:
    """The place where a reader begins who wants to hear of what happens from now on."""
    [place] = await database.fetch(statements("outbox/feed")["feed_end"], {}, FeedCursor)
    return place


async def _entries(database: Database, name: str, bound: Mapping[str, object]) -> FeedBatch:
    found = await database.fetch(statements("outbox/feed")[name], bound, _row)
    whole, last, _ = found[0]
    if not whole:
        raise CursorExpired
    return FeedBatch([entry for _, _, entry in found if entry is not None], FeedCursor(last, MAX_POSITION))


def _row(
    whole: bool,
    last: int,
    transaction: int | None,
    position: int,
    kind: str,
    entity_id: str,
    step: str,
    request_id: str,
    written_at: datetime,
) -> tuple[bool, int, FeedEntry | None]:
    if transaction is None:
        return whole, last, None
    return (
        whole,
        last,
        FeedEntry(transaction, position, FeedKind(kind), entity_id, _step(step), request_id, written_at),
    )


def _step(text: str) -> FeedStep:
    # A newer version may know more steps, and one row that nobody can name is not to end every stream.
    return FeedStep(text) if text in FeedStep.__members__ else FeedStep.CHANGED
