"""The comparer: a background loop that compares the graph with the tables continuously and repairs differences."""

import asyncio
import logging
import time
from contextlib import AbstractAsyncContextManager
from functools import partial

from datasources.sources import Sources
from datasources.supervisor import Backoff, background_task, supervise
from resolvers.projection.comparison import BucketComparer

log = logging.getLogger("stackflow.consistency")

# Seconds between two checks whether a bucket is due.
POLL_SECONDS = 5.0
# Seconds to wait after a round that failed.
BACKOFF_SECONDS = 30.0
# Seconds after which a round counts as stuck.
STUCK_AFTER_SECONDS = 900.0


async def loop(sources: Sources, seconds: float, stop: asyncio.Event) -> None:
    """Compare each bucket once in this number of seconds, until `stop` is set. Waits for unavailable stores."""
    comparer = BucketComparer(sources, seconds)

    async def round() -> float:
        begin = time.perf_counter()
        report = await comparer.run_round()
        if report.buckets:
            log.log(
                logging.WARNING if report.found else logging.DEBUG,
                "compared",
                extra={
                    "buckets": report.buckets, "differing": report.differing, "divergent": report.found,
                    "left": report.left, "ms": _ms(begin),
                },
            )  # fmt: skip
        return POLL_SECONDS

    backoff = Backoff(BACKOFF_SECONDS, BACKOFF_SECONDS)
    await supervise(
        sources.heartbeats,
        "consistency",
        round,
        stop,
        stuck_after_seconds=STUCK_AFTER_SECONDS,
        lost=backoff,
        failed=backoff,
    )


def background_comparer(sources: Sources, seconds: float) -> AbstractAsyncContextManager[None]:
    """Run the loop in the background for the length of an `async with` block."""
    return background_task("consistency", partial(loop, sources, seconds))


def _ms(begin: float) -> float:
    return round((time.perf_counter() - begin) * 1_000, 1)
