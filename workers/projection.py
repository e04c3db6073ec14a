"""The projector: a loop beside a server, or a Lambda function, that follows the outbox."""

import asyncio
import logging
import random
import time
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict
from functools import partial
from typing import Any

import settings
from datasources.errors import SourceError
from datasources.sources import Sources, open_sources
from resolvers.projection.follow import Follower, Round
from resolvers.projection.sweep import Sweep
from workers.beside import beside
from workers.housekeeping import forget

log = logging.getLogger("stackflow.projection")

# Seconds between two rounds: after one that found something, and at most after those that did not. LISTEN would need
# a session of its own, which RDS Proxy does not give.
BUSY, IDLE = 0.1, 1.0
# Seconds between rounds that failed, at least and at most.
LOST, LOST_MOST = 1.0, 30.0
# Seconds between two looks at what is old, and at a page of the graph.
UPKEEP = 60.0
# Seconds of a round that make its line worth reading.
SLOW = 1.0
# Seconds that a Lambda function keeps for ending.
MARGIN = 30.0


async def loop(sources: Sources, stop: asyncio.Event) -> None:
    """Follow the outbox until told to stop. Lost stores are waited for."""
    follower, sweep = Follower(sources), Sweep(sources)
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
                await _upkeep(sources, sweep)
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
    """The AWS Lambda entry: rounds until nothing waits, or until its time is nearly over."""
    seconds = context.get_remaining_time_in_millis() / 1_000 - MARGIN
    return asyncio.run(_once(max(0.0, seconds)))


async def _once(seconds: float) -> dict[str, int]:
    sources = open_sources(*settings.read().stores())
    try:
        until = asyncio.get_running_loop().time() + seconds
        done = await Follower(sources).until_done(until)
        await forget(sources)
        return {"rows": done.rows, "nodes": done.nodes, "edges": done.edges, "refused": done.refused}
    finally:
        await sources.close()


async def _upkeep(sources: Sources, sweep: Sweep) -> None:
    begin = time.perf_counter()
    forgotten = await forget(sources)
    swept = await sweep.page()
    log.log(
        logging.WARNING if swept.divergent else logging.DEBUG,
        "upkeep",
        extra={
            "forgotten": asdict(forgotten), "compared": swept.nodes, "divergent": swept.divergent, "left": swept.left,
            "ms": _ms(time.perf_counter() - begin),
        },
    )  # fmt: skip


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
