"""The indexer and the publisher: background loops that make chunks of changed documents, and publish them."""

import asyncio
from contextlib import AbstractAsyncContextManager
from functools import partial

from datasources.language.port import KnowledgeDataSource
from datasources.sources import Sources
from datasources.supervisor import background_task, supervise
from resolvers.documents.indexing import WORKER, index_batch
from resolvers.documents.publishing import WORKER as PUBLISHER
from resolvers.documents.publishing import publish_batch, start_ingestion
from workers.rounds import STUCK_AFTER_SECONDS

# Seconds between two checks whether a document waits, so that a new one is found by answers within two.
POLL_SECONDS = 1.0
# Seconds between two checks whether a chunk waits for its publication, which compares all of them: an ingestion takes
# longer, and is started once a minute.
PUBLISHER_POLL_SECONDS = 10.0


async def loop(sources: Sources, stop: asyncio.Event) -> None:
    """Index documents until `stop` is set. Waits for an unavailable database."""

    async def round() -> float:
        return 0.0 if await index_batch(sources) else POLL_SECONDS

    await supervise(sources.heartbeats, WORKER, round, stop, stuck_after_seconds=STUCK_AFTER_SECONDS)


def background_indexer(sources: Sources) -> AbstractAsyncContextManager[None]:
    """Run the loop in the background for the length of an `async with` block."""
    return background_task(WORKER, partial(loop, sources))


async def publish_until(sources: Sources, until: float) -> None:
    """Publish chunks until none waits or the loop's clock has reached `until`, and start an ingestion if it is due.

    Nothing without a data source. Raises SourceError; the next call does the rest.
    """
    data_source = sources.knowledge_data_source
    if data_source is None:
        return
    clock = asyncio.get_running_loop().time
    while clock() < until and await publish_batch(sources, data_source):
        pass
    await start_ingestion(sources, data_source)


async def run_publisher(sources: Sources, data_source: KnowledgeDataSource, stop: asyncio.Event) -> None:
    """Publish chunks until `stop` is set. Waits for an unavailable bucket, with longer and longer pauses."""

    async def round() -> float:
        if await publish_batch(sources, data_source):
            return 0.0
        await start_ingestion(sources, data_source)
        return PUBLISHER_POLL_SECONDS

    await supervise(sources.heartbeats, PUBLISHER, round, stop, stuck_after_seconds=STUCK_AFTER_SECONDS)


def background_publisher(sources: Sources, data_source: KnowledgeDataSource) -> AbstractAsyncContextManager[None]:
    """Run the publisher in the background for the length of an `async with` block."""
    return background_task(PUBLISHER, partial(run_publisher, sources, data_source))
