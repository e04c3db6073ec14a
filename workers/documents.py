"""The indexer: a background loop that makes the chunks of new and changed documents."""

import asyncio
from contextlib import AbstractAsyncContextManager
from functools import partial

from datasources.sources import Sources
from datasources.supervisor import background_task, supervise
from resolvers.documents.indexing import WORKER, index_batch
from workers.rounds import STUCK_AFTER_SECONDS

# Seconds between two checks whether a document waits, so that a new one is found by answers within two.
POLL_SECONDS = 1.0


async def loop(sources: Sources, stop: asyncio.Event) -> None:
    """Index documents until `stop` is set. Waits for an unavailable database."""

    async def round() -> float:
        return 0.0 if await index_batch(sources) else POLL_SECONDS

    await supervise(sources.heartbeats, WORKER, round, stop, stuck_after_seconds=STUCK_AFTER_SECONDS)


def background_indexer(sources: Sources) -> AbstractAsyncContextManager[None]:
    """Run the loop in the background for the length of an `async with` block."""
    return background_task(WORKER, partial(loop, sources))
