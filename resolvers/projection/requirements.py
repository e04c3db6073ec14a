"""Follow the outbox of the requirements database: invalidate cached values. This data is not in the graph."""

import asyncio
import time

from datasources.aurora.outbox import outbox
from datasources.aurora.tables.invalidation import stale_tables
from datasources.observability.spans import INTERNAL, record_call, record_work
from datasources.request import RequestContext, use_request
from datasources.sources import Sources
from resolvers.projection.follow import (
    IDLE_TRANSACTION_SECONDS,
    ROUND_DEADLINE_SECONDS,
    ROWS_PER_ROUND,
    ProjectionRound,
)


async def follow(sources: Sources, max_rows: int = ROWS_PER_ROUND) -> ProjectionRound:
    """Run one round over at most `max_rows` pending rows. Raises SourceUnavailable if the database is unavailable.

    Writers invalidate the cache themselves; this covers writers that crashed between commit and invalidation. An
    interrupted round is repeated, which only costs additional cache misses. Of all followers in all processes, one
    works at a time.
    """
    begin = time.perf_counter()
    done = ProjectionRound()
    call = RequestContext(deadline=asyncio.get_running_loop().time() + ROUND_DEADLINE_SECONDS)
    with use_request(call), record_call("requirements", INTERNAL, call, keep_idle=False) as recording:
        async with sources.requirements.transaction() as transaction:
            if not await outbox.lock(transaction, IDLE_TRANSACTION_SECONDS):
                return ProjectionRound(held=False)
            rows = await outbox.claim(transaction, max_rows)
            done.rows, done.full = len(rows), len(rows) == max_rows
            done.lag = max((row.age for row in rows), default=0.0)
            if stale := stale_tables({row.entity for row in rows}):
                await sources.cache.invalidate(stale)
            if rows:
                await outbox.mark_projected(transaction, [row.position for row in rows], ())
            record_work(recording, "stackflow.rows", done.rows)
    done.seconds = time.perf_counter() - begin
    return done
