"""How far the graph and the caches are behind the tables."""

from datetime import datetime

import msgspec

from datasources.aurora import outbox
from resolvers.context import Context


class ConsistencyRecord(msgspec.Struct, frozen=True):
    """What waits in the outbox, and what the latest comparison of the whole graph found."""

    lag_seconds: float
    pending: int
    refused: int
    divergent: int | None
    checked_at: datetime | None


async def consistency(context: Context) -> ConsistencyRecord:
    """As of now, in two statements. Errors are those of the main database."""
    state = await outbox.state(context.sources.main)
    last = await outbox.last_check(context.sources.main)
    return ConsistencyRecord(
        state.lag,
        state.pending,
        state.refused,
        None if last is None else last.divergent,
        None if last is None else last.checked_at,
    )
