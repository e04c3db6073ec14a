"""The projector: a loop beside a server, or a Lambda function, that follows the outbox."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict
from functools import partial
from typing import Any

import settings
from datasources.errors import SourceError
from datasources.sources import Sources, open_sources
from resolvers.projection.comparing import Comparer
from resolvers.projection.follow import Follower, Round
from resolvers.projection.whole import made_whole
from workers.beside import beside
from workers.housekeeping import forget

log = logging.getLogger("stackflow.projection")

# Seconds between two rounds: after one that found something, and at most after those that did not. LISTEN would need
# a session of its own, which RDS Proxy does not give.
BUSY, IDLE = 0.1, 1.0
# Seconds between rounds that failed, at least and at most: the graph is to be right 10 s after its stores are back.
LOST, LOST_MOST = 0.5, 4.0
# Seconds between two looks at what is old.
UPKEEP = 60.0
# Seconds of a round that make its line worth reading.
SLOW = 1.0
# Seconds that a Lambda function keeps for ending.
MARGIN = 30.0


async def loop(sources: Sources, stop: asyncio.Event) -> None:
    """Follow the outbox until told to stop. Lost stores are waited for."""
    await repeat(partial(_round, Follower(sources), sources), partial(_upkeep, sources), stop)


async def repeat(
    once: Callable[[], Awaitable[Round]], keep_up: Callable[[], Awaitable[None]], stop: asyncio.Event
) -> None:
    """Rounds until told to stop, the sooner the more there is to do, and once a minute what `keep_up` does."""
    clock = asyncio.get_running_loop().time
    pause, upkeep = BUSY, clock() + UPKEEP
    failures = 0
    while not stop.is_set():
        try:
            done = await once()
            _tell(done)
            pause = 0.0 if done.full else BUSY if done.rows else min(IDLE, pause * 2 or BUSY)
            if clock() >= upkeep:
                upkeep = clock() + UPKEEP
                await keep_up()
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
        await _made_whole(sources)
        done = await Follower(sources).until_done(until)
        await forget(sources)
        if consistency_seconds and asyncio.get_running_loop().time() < until:
            await Comparer(sources, consistency_seconds).round()
        return {"rows": done.rows, "nodes": done.nodes, "edges": done.edges, "refused": done.refused}
    finally:
        await sources.close()


async def _round(follower: Follower, sources: Sources) -> Round:
    await _made_whole(sources)
    return await follower.round()


async def _made_whole(sources: Sources) -> None:
    report = await made_whole(sources)
    if report is not None:
        log.warning(
            "the graph was not whole",
            extra={
                "nodes": report.nodes, "edges": report.edges, "divergent": report.differences,
                "repaired": report.repaired, "left": report.left, "ms": _ms(report.seconds),
            },
        )  # fmt: skip


async def _upkeep(sources: Sources) -> None:
    begin = time.perf_counter()
    forgotten = await forget(sources)
    log.debug("upkeep", extra={"forgotten": asdict(forgotten), "ms": _ms(time.perf_counter() - begin)})


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
