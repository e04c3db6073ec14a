"""The comparer: a loop beside a server that keeps comparing the graph with the tables, and mends what differs."""

import asyncio
import logging
import time
from contextlib import AbstractAsyncContextManager
from functools import partial

from datasources.errors import SourceError
from datasources.sources import Sources
from resolvers.projection.comparing import Comparer
from workers.beside import beside, slept

log = logging.getLogger("stackflow.consistency")

# Seconds between two looks whether a bucket is due; after a store was lost.
PAUSE, LOST = 5.0, 30.0


async def loop(sources: Sources, seconds: float, stop: asyncio.Event) -> None:
    """Compare each bucket once in so many seconds, until told to stop. Lost stores are waited for."""
    comparer = Comparer(sources, seconds)
    while not stop.is_set():
        pause = PAUSE
        begin = time.perf_counter()
        try:
            done = await comparer.round()
            if done.buckets:
                log.log(
                    logging.WARNING if done.found else logging.DEBUG,
                    "compared",
                    extra={
                        "buckets": done.buckets, "differing": done.differing, "divergent": done.found,
                        "left": done.left, "ms": round((time.perf_counter() - begin) * 1_000, 1),
                    },
                )  # fmt: skip
        except SourceError as error:
            pause = LOST
            log.warning("the comparison waits", extra={"source": error.source, "problem": str(error)})
        await slept(pause, stop)


def comparing(sources: Sources, seconds: float) -> AbstractAsyncContextManager[None]:
    """The loop beside the body; it has ended when this returns."""
    return beside("consistency", partial(loop, sources, seconds))
