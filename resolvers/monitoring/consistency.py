"""The lag of the graph and the caches behind the tables."""

from datetime import datetime

import msgspec

from datasources.aurora.outbox import graph_buckets, outbox
from resolvers.context import Context


class ConsistencyRecord(msgspec.Struct, frozen=True):
    """The pending rows of the outbox, and the result of the latest consistency check of the whole graph."""

    lag_seconds: float
    pending: int
    refused: int
    divergent: int | None
    checked_at: datetime | None


async def consistency(context: Context) -> ConsistencyRecord:
    """Return the current state, by three statements. Errors are those of the main database."""
    main = context.sources.main
    state = await outbox.fetch_state(main)
    # A comparison by buckets is as old as its oldest bucket; a complete check may be newer.
    checks = [
        each
        for each in (await outbox.fetch_last_check(main), await graph_buckets.fetch_last_check(main))
        if each is not None
    ]
    last = max(checks, key=lambda each: each.checked_at, default=None)
    return ConsistencyRecord(
        state.lag,
        state.pending,
        state.refused,
        None if last is None else last.divergent,
        None if last is None else last.checked_at,
    )
