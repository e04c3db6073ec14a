"""Reads the outbox as a change feed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from datasources.aurora.driver.database import Database
from datasources.aurora.statements import statements
from datasources.records.feed import FeedCursor, FeedEntry, FeedKind, FeedStep
from datasources.records.queries import Scope

# The largest possible position.
MAX_POSITION = 2**63 - 1


class FeedBatch(NamedTuple):
    """Entries, oldest first, and the cursor after them; before it there are no others unless the limit was reached."""

    entries: list[FeedEntry]
    end: FeedCursor


class CursorExpired(Exception):
    """Entries after the cursor were deleted, so that reading from it would skip them."""


async def fetch_since(
    database: Database,
    place: FeedCursor,
    kinds: Sequence[FeedKind],
    ids: Sequence[str] | None,
    scope: Scope,
    limit: int,
) -> FeedBatch:
    """Return at most `limit` entries after a cursor, oldest first, of these kinds and, if given, these entities.

    Raise CursorExpired if entries after the cursor were deleted."""
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
    """Like `fetch_since`, for every kind and for restricted incidents; the caller must check each reader's scope."""
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
    """Return the end of the feed, from which a reader receives all later entries."""
    [place] = await database.fetch(statements("outbox/feed")["feed_end"], {}, FeedCursor)
    return place


async def _entries(database: Database, name: str, bound: Mapping[str, object]) -> FeedBatch:
    rows = await database.fetch(statements("outbox/feed")[name], bound, _row)
    is_complete, last, _ = rows[0]
    if not is_complete:
        raise CursorExpired
    return FeedBatch([entry for _, _, entry in rows if entry is not None], FeedCursor(last, MAX_POSITION))


def _row(
    is_complete: bool,
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
        return is_complete, last, None
    return (
        is_complete,
        last,
        FeedEntry(
            transaction=transaction,
            position=position,
            kind=FeedKind(kind),
            entity_id=entity_id,
            step=_step(step),
            request_id=request_id,
            written_at=written_at,
        ),
    )


def _step(text: str) -> FeedStep:
    # A newer version may know more steps, and an unknown one must not end the streams.
    return FeedStep(text) if text in FeedStep.__members__ else FeedStep.CHANGED
