"""Housekeeping: delete rows whose retention period has ended, in small batches."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from datasources.aurora.ai_usage import calls as ai_calls
from datasources.aurora.answers import cache, proofs
from datasources.aurora.driver.database import Database
from datasources.aurora.events import writes
from datasources.aurora.outbox import outbox, write_log
from datasources.sources import Sources
from resolvers.change_feed.use_cases import RETENTION_DAYS

# Hours for which the response to an idempotency key is stored.
IDEMPOTENCY_RETENTION_HOURS = 24.0
# Days for which the id of an event is stored, so that it takes effect once, and for which the deletion of an entity is
# stored, so that an older upsert that arrives later does not restore it.
EVENT_RETENTION_DAYS = 30.0
# Days for which calls of language models and the budgets of a day are stored: a year can be compared with the last one.
AI_USAGE_RETENTION_DAYS = 400.0
# Days for which an answer can be verified.
PROOF_RETENTION_DAYS = 30.0
# Rows deleted by one statement, so that no statement holds its locks for long.
BATCH_SIZE = 5_000
# Statements for each table in one run. 100,000 rows a minute are more than a process can write.
MAX_BATCHES = 20


@dataclass(frozen=True, slots=True)
class DeletedCounts:
    """The numbers of deleted rows.

    Of the outbox, responses to idempotency keys, events, times of deleted entities, calls of language models with
    budgets, proofs of answers, and cached answers.
    """

    outbox: int
    answers: int
    events: int
    times: int
    ai_usage: int = 0
    proofs: int = 0
    cached: int = 0


async def delete_expired(sources: Sources) -> DeletedCounts:
    """Delete expired rows of the main database. SourceUnavailable if it is lost; the next run deletes the rest."""
    main = sources.main
    await write_log.purge(main)
    await ai_calls.release_expired_calls(main)
    deleted = await delete_expired_writes(main)
    return DeletedCounts(
        *deleted,
        events=await _delete_batches(writes.purge, main, EVENT_RETENTION_DAYS),
        times=await _delete_batches(writes.purge_times, main, EVENT_RETENTION_DAYS),
        ai_usage=await _delete_batches(ai_calls.purge_calls, main, AI_USAGE_RETENTION_DAYS)
        + await _delete_batches(ai_calls.purge_budgets, main, AI_USAGE_RETENTION_DAYS),
        proofs=await _delete_batches(proofs.purge, main, PROOF_RETENTION_DAYS),
        # They expire at a time of their own.
        cached=await _delete_batches(cache.purge, main, 0.0),
    )


async def delete_expired_writes(database: Database) -> tuple[int, int]:
    """Delete expired outbox rows and stored responses of a database. Return both numbers of deleted rows."""
    return await _delete_batches(outbox.purge, database, float(RETENTION_DAYS)), await _delete_batches(
        outbox.purge_responses, database, IDEMPOTENCY_RETENTION_HOURS
    )


async def _delete_batches(
    delete: Callable[[Database, float, int], Awaitable[int]], database: Database, age: float
) -> int:
    total = 0
    for _ in range(MAX_BATCHES):
        deleted = await delete(database, age, BATCH_SIZE)
        total += deleted
        if deleted < BATCH_SIZE:
            break
    return total
