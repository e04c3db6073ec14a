"""Publication of chunks: keeps the objects of a knowledge base equal to the tables, and starts its ingestions."""

import asyncio
from collections.abc import Sequence

from datasources.aurora.documents import publications
from datasources.aurora.driver.transaction import Transaction
from datasources.errors import SourceError
from datasources.language.port import KnowledgeDataSource
from datasources.observability.spans import INTERNAL, record_call, record_work
from datasources.records.document_chunks import ChunkPublication
from datasources.request import RequestContext, use_request
from datasources.sources import Sources
from resolvers.imports.progress import Progress, ProgressStep, ignore_progress

WORKER = "publisher"
# Chunks of one batch. Those that are deleted are a single call.
PUT_BATCH_SIZE = 100
DELETE_BATCH_SIZE = 500
# Seconds without a statement after which another process may publish: more than the calls of one batch take.
SILENCE_SECONDS = 60.0
# Seconds between two starts of an ingestion, so that many changes share one.
MIN_INGESTION_SECONDS = 60.0


async def publish_batch(sources: Sources, data_source: KnowledgeDataSource) -> int:
    """Write or delete the objects of one batch of chunks. Return the number of chunks, 0 if nothing waits.

    Also 0 if another process publishes. Every chunk is recorded before its objects are written and after they are
    deleted, so an interrupted batch is repeated and no object is forgotten. If objects could not be deleted or written,
    those of the other chunks are, and the SourceError of the first one is raised. Chunks that failed are tried again
    only in a batch for which nothing else waits, those that failed longest ago first. An ingestion does not wait for
    them either.
    """
    try:
        return await _publish_batch(sources, data_source)
    except SourceError:
        await start_ingestion(sources, data_source)
        raise


async def _publish_batch(sources: Sources, data_source: KnowledgeDataSource) -> int:
    call = RequestContext()
    with use_request(call), record_call(WORKER, INTERNAL, call, keep_idle=False) as recording:
        await publications.begin(sources.main, PUT_BATCH_SIZE)
        async with sources.main.transaction() as transaction:
            if not await publications.lock(transaction, SILENCE_SECONDS):
                return 0
            done, errors = await _publish(transaction, data_source, with_failed=False)
            if not done and not errors:
                done, errors = await _publish(transaction, data_source, with_failed=True)
        if errors:
            raise errors[0]
        record_work(recording, "stackflow.chunks", done)
    return done


async def publish_chunks(
    sources: Sources, data_source: KnowledgeDataSource, report: Progress = ignore_progress, *, again: bool = False
) -> tuple[int, bool]:
    """Publish all that waits; with `again` every chunk. Return the number of chunks, and whether an ingestion starts.

    Can be interrupted and repeated. Raises SourceError.
    """
    if again:
        await publications.reset(sources.main)
    total = await publications.count(sources.main)
    done = 0
    while batch := await publish_batch(sources, data_source):
        done += batch
        # Other documents may have been written meanwhile.
        total = max(total, done)
        report(ProgressStep("publishing", "chunks", done=done, total=total))
    return done, await start_ingestion(sources, data_source)


async def start_ingestion(sources: Sources, data_source: KnowledgeDataSource) -> bool:
    """Start an ingestion if objects have changed since the last one, at most once in MIN_INGESTION_SECONDS.

    False if none was started. If the knowledge base is reading, a later call tries again. Raises SourceError.
    """
    call = RequestContext()
    with use_request(call), record_call(WORKER, INTERNAL, call, keep_idle=False):
        async with sources.main.transaction() as transaction:
            # What another process writes now would be forgotten.
            if not await publications.lock(transaction, SILENCE_SECONDS):
                return False
            if not await publications.try_ingestion(transaction, MIN_INGESTION_SECONDS):
                return False
            started = await data_source.start_ingestion()
            if started:
                await publications.record_ingestion(transaction)
    return started


async def _publish(
    transaction: Transaction, data_source: KnowledgeDataSource, *, with_failed: bool
) -> tuple[int, Sequence[BaseException]]:
    """Delete objects; if none waits, or some are refused, write others. Return the number of chunks, and the errors."""
    deleted, refused = await _delete(transaction, data_source, with_failed=with_failed)
    if deleted and not refused:
        return deleted, ()
    written, errors = await _put(transaction, data_source, with_failed=with_failed)
    return deleted + written, [*refused, *errors]


async def _delete(
    transaction: Transaction, data_source: KnowledgeDataSource, *, with_failed: bool
) -> tuple[int, Sequence[BaseException]]:
    """Return the number of chunks whose objects were deleted, and the errors of the others."""
    obsolete = await publications.fetch_obsolete(transaction, DELETE_BATCH_SIZE, with_failed=with_failed)
    if not obsolete:
        return 0, ()
    ids = [each.chunk_id for each in obsolete]
    try:
        refused = await data_source.delete(obsolete)
    except SourceError as error:
        await publications.record_failed(transaction, ids)
        return 0, [error]
    if refused:
        await publications.record_failed(transaction, [*refused])
    if deleted := [id for id in ids if id not in refused]:
        await publications.record_deleted(transaction, deleted)
    return len(deleted), [*refused.values()]


async def _put(
    transaction: Transaction, data_source: KnowledgeDataSource, *, with_failed: bool
) -> tuple[int, Sequence[BaseException]]:
    """Return the number of chunks that were written, and the errors of the others."""
    due = await publications.fetch_due(transaction, PUT_BATCH_SIZE, with_failed=with_failed)
    outcomes = await asyncio.gather(*map(data_source.put, due), return_exceptions=True)
    written: list[ChunkPublication] = []
    errors: dict[str, BaseException] = {}
    for chunk, outcome in zip(due, outcomes, strict=True):
        if outcome is None:
            written.append(chunk)
        else:
            errors[chunk.chunk_id] = outcome
    if written:
        await publications.record_written(transaction, written)
    if errors:
        await publications.record_failed(transaction, [*errors])
    return len(written), [*errors.values()]
