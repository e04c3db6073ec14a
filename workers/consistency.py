"""The comparer: a loop beside a server that keeps comparing the graph with the tables, and mends what differs."""

import asyncio
import logging
import time
from contextlib import AbstractAsyncContextManager
from functools import partial

from datasources.sources import Sources
from datasources.supervisor import Backoff, background_task, supervise
from resolvers.projection.comparison import BucketComparer

log = logging.getLogger("stackflow.consistency")

# Seconds between two looks whether a bucket is due; after a store was lost.
POLL_SECONDS, BACKOFF_SECONDS = 5.0, 30.0
# Seconds that a round may take.
STUCK_AFTER_SECONDS = 900.0


async def loop(sources: Sources, seconds: float, stop: asyncio.Event) -> None:
    """Compare each bucket once in so many seconds, until told to stop. Lost stores are waited for."""
    comparer = BucketComparer(sources, seconds)

    async def round() -> float:
        begin = time.perf_counter()
        done = await comparer.run_round()
        if done.buckets:
            log.log(
                logging.WARNING if done.found else logging.DEBUG,
                "compared",
                extra={
                    "buckets": done.buckets, "differing": done.differing, "divergent": done.found,
                    "left": done.left, "ms": _ms(begin),
                },
            )  # fmt: skip
        return POLL_SECONDS

    lost = Backoff(BACKOFF_SECONDS, BACKOFF_SECONDS)
    await supervise(
        sources.heartbeats, "consistency", round, stop, stuck_after_seconds=STUCK_AFTER_SECONDS, lost=lost, failed=lost
    )


def background_comparer(sources: Sources, seconds: float) -> AbstractAsyncContextManager[None]:
    """The loop while the body runs; it has ended when this returns."""
    return background_task("consistency", partial(loop, sources, seconds))


def _ms(begin: float) -> float:
    return round((time.perf_counter() - begin) * 1_000, 1)
