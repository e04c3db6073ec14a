"""What is kept for a time only, deleted when that time is over, a few rows at once."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from datasources.aurora.driver.database import Database
from datasources.aurora.events import writes as events
from datasources.aurora.outbox import outbox
from datasources.aurora.outbox import write_log as table_writes
from datasources.sources import Sources
from resolvers.change_feed.use_cases import RETENTION_DAYS

# Hours that an answer to an idempotency key is kept.
IDEMPOTENCY_RETENTION_HOURS = 24.0
# Days that an event is remembered, so that it has its effect once; and that an entity's end is, so that an older upsert
# which comes late does not bring it back.
EVENT_RETENTION_DAYS = 30.0
# Rows deleted by one statement, so that none holds its locks for long; and such statements a table and time. 100,000
# rows a minute are more than a process can write.
BATCH_SIZE, MAX_BATCHES = 5_000, 20


@dataclass(frozen=True, slots=True)
class DeletedCounts:
    """How many rows were deleted: of the outbox, answers to idempotency keys, events, and times of ended entities."""

    outbox: int
    answers: int
    events: int
    times: int


async def delete_expired(sources: Sources) -> DeletedCounts:
    """Delete what is too old. SourceUnavailable if the database is lost; the rest waits for the next time then."""
    main = sources.main
    await table_writes.purge(main)
    written = await delete_expired_writes(main)
    return DeletedCounts(
        *written,
        events=await _delete_batches(events.purge, main, EVENT_RETENTION_DAYS),
        times=await _delete_batches(events.purge_times, main, EVENT_RETENTION_DAYS),
    )


async def delete_expired_writes(database: Database) -> tuple[int, int]:
    """Delete what is too old of what writing leaves in a database: rows of the outbox, then kept answers; how many."""
    return await _delete_batches(outbox.purge, database, float(RETENTION_DAYS)), await _delete_batches(
        outbox.purge_responses, database, IDEMPOTENCY_RETENTION_HOURS
    )


async def _delete_batches(
    delete: Callable[[Database, float, int], Awaitable[int]], database: Database, age: float
) -> int:
    sum_ = 0
    for _ in range(MAX_BATCHES):
        deleted = await delete(database, age, BATCH_SIZE)
        sum_ += deleted
        if deleted < BATCH_SIZE:
            break
    return sum_
