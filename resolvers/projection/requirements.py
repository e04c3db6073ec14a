"""Following the outbox of the requirements database: stale cached values become misses. No graph holds any of it."""

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
    """One round over the first rows, `most` at the most. SourceUnavailable if the database is lost.

    Whoever writes makes its values misses itself; this is for writers that died between their commit and that. A round
    that dies before its own commit is done again: a miss more is no harm. Of all followers, in whatever process, one is
    at work at a time.
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
