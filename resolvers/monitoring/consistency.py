"""How far the graph and the caches are behind the tables."""

from datetime import datetime

import msgspec

from datasources.aurora.outbox import graph_buckets, outbox
from resolvers.context import Context


class ConsistencyRecord(msgspec.Struct, frozen=True):
    """What waits in the outbox, and what the latest comparison of the whole graph left."""

    lag_seconds: float
    pending: int
    refused: int
    divergent: int | None
    checked_at: datetime | None


async def consistency(context: Context) -> ConsistencyRecord:
    """As of now, in three statements. Errors are those of the main database."""
    main = context.sources.main
    state = await outbox.fetch_state(main)
    # By buckets it is as old as the bucket that was compared first; a check may have been made since.
    made = [
        each
        for each in (await outbox.fetch_last_check(main), await graph_buckets.fetch_last_check(main))
        if each is not None
    ]
    last = max(made, key=lambda each: each.checked_at, default=None)
    return ConsistencyRecord(
        state.lag,
        state.pending,
        state.refused,
        None if last is None else last.divergent,
        None if last is None else last.checked_at,
    )
