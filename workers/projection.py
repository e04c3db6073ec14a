"""The projector: a loop beside a server, or a Lambda function, that follows the outbox."""

import asyncio
import logging
import random
import time
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

import settings
from datasources.aurora import outbox, table_writes
from datasources.errors import SourceError
from datasources.sources import Sources, open_sources
from resolvers.projection.comparing import Comparer
from resolvers.projection.follow import Follower, Round
from workers.beside import beside

log = logging.getLogger("stackflow.projection")

# Seconds between two rounds: after one that found something, and at most after those that did not. LISTEN would need
# a session of its own, which RDS Proxy does not give.
BUSY, IDLE = 0.1, 1.0
# Seconds between rounds that failed, at least and at most.
LOST, LOST_MOST = 1.0, 30.0
# Seconds between two looks at what is old.
UPKEEP = 60.0
# Days that a row is kept after it was projected; hours that an answer to an idempotency key is kept; rows deleted at
# once.
KEPT_DAYS, KEPT_HOURS, DELETED = 7.0, 24.0, 5_000
# Seconds of a round that make its line worth reading.
SLOW = 1.0
# Seconds that a Lambda function keeps for ending.
MARGIN = 30.0


async def loop(sources: Sources, stop: asyncio.Event) -> None:
    """Follow the outbox until told to stop. Lost stores are waited for."""
    follower = Follower(sources)
    clock = asyncio.get_running_loop().time
    pause, upkeep = BUSY, clock() + UPKEEP
    failures = 0
    while not stop.is_set():
        try:
            done = await follower.round()
            _tell(done)
            pause = 0.0 if done.full else BUSY if done.rows else min(IDLE, pause * 2 or BUSY)
            if clock() >= upkeep:
                upkeep = clock() + UPKEEP
                await _upkeep(sources)
            failures = 0
        except SourceError as error:
            pause = min(LOST_MOST, LOST * 2**failures)
            failures = min(failures + 1, 10)
            log.warning(
                "the outbox waits", extra={"source": error.source, "problem": str(error), "again_in": round(pause, 1)}
            )
        await _sleep(pause * random.uniform(0.8, 1.2), stop)  # noqa: S311


def following(sources: Sources) -> AbstractAsyncContextManager[None]:
    """The loop beside the body; it has ended when this returns."""
    return beside("projection", partial(loop, sources))


def handler(_event: Any, context: Any) -> dict[str, int]:
    """The AWS Lambda entry: rounds until nothing waits, or until its time is nearly over; then a comparison of the
    buckets that are due."""
    seconds = context.get_remaining_time_in_millis() / 1_000 - MARGIN
    return asyncio.run(_once(max(0.0, seconds)))


async def _once(seconds: float) -> dict[str, int]:
    whole = settings.read()
    sources, consistency_seconds = open_sources(*whole.stores()), whole.consistency_seconds
    try:
        until = asyncio.get_running_loop().time() + seconds
        done = await Follower(sources).until_done(until)
        await forget(sources)
        if consistency_seconds and asyncio.get_running_loop().time() < until:
            await Comparer(sources, consistency_seconds).round()
        return {"rows": done.rows, "nodes": done.nodes, "edges": done.edges, "refused": done.refused}
    finally:
        await sources.close()


async def forget(sources: Sources) -> int:
    """Delete a few of the rows and answers that are too old; how many rows."""
    await table_writes.forget(sources.main)
    await outbox.forget_answers(sources.main, KEPT_HOURS)
    return await outbox.forget(sources.main, KEPT_DAYS, DELETED)


async def _upkeep(sources: Sources) -> None:
    begin = time.perf_counter()
    forgotten = await forget(sources)
    log.debug("upkeep", extra={"forgotten": forgotten, "ms": _ms(time.perf_counter() - begin)})


def _tell(done: Round) -> None:
    if not done.rows and not done.retried:
        return
    loud = done.seconds > SLOW or done.retried
    log.log(
        logging.INFO if loud else logging.DEBUG,
        "round",
        extra={
            "rows": done.rows, "nodes": done.nodes, "edges": done.edges, "refused": done.refused,
            "lag": round(done.lag, 3), "ms": _ms(done.seconds),
        },
    )  # fmt: skip


def _ms(seconds: float) -> float:
    return round(seconds * 1_000, 1)


async def _sleep(seconds: float, stop: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        pass
