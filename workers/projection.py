"""The projector: a loop beside a server, or a Lambda function, that follows the outbox."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from functools import partial
from typing import Any

from datasources.aurora.monitoring.backlogs import backlogs
from datasources.observability.logs import invoked
from datasources.observability.metrics import tell
from datasources.sources import Sources, open_sources
from datasources.supervisor import Backoff, background, supervise
from resolvers.projection.comparison import Comparer
from resolvers.projection.follow import Follower, Round
from resolvers.projection.reports import CheckReport
from resolvers.projection.resync import made_whole
from workers.housekeeping import forget
from workers.lambda_runtime import begin, entered

log = logging.getLogger("stackflow.projection")

# Seconds between two rounds: after one that found something, and at most after those that did not. LISTEN would need
# a session of its own, which RDS Proxy does not give.
BUSY, IDLE = 0.1, 1.0
# Seconds between rounds that failed, at least and at most: the graph is to be right 10 s after its stores are back.
LOST, LOST_MOST = 0.5, 4.0
# Seconds between two looks at what is old.
UPKEEP = 60.0
# Seconds that a round may take with its upkeep; and one that brings an emptied graph back.
BOUND, WHOLE_BOUND = 300.0, 7_200.0
# Seconds of a round that make its line worth reading.
SLOW = 1.0
# The queue of events, as its tables name it.
EVENTS = "events"
# Seconds that a Lambda function keeps for ending.
MARGIN = 30.0


async def loop(sources: Sources, stop: asyncio.Event) -> None:
    """Follow the outbox until told to stop."""
    await repeat(sources, "projection", Follower(sources).round, partial(_upkeep, sources), stop)


async def repeat(
    sources: Sources,
    name: str,
    once: Callable[[], Awaitable[Round]],
    keep_up: Callable[[], Awaitable[None]],
    stop: asyncio.Event,
) -> None:
    """Rounds of a follower until told to stop, the sooner the more there is to do, and once a minute what `keep_up`
    does."""
    clock = asyncio.get_running_loop().time
    pause, upkeep = BUSY, clock() + UPKEEP

    async def round() -> float:
        nonlocal pause, upkeep
        done = await once()
        _tell(done)
        pause = 0.0 if done.full else BUSY if done.rows else min(IDLE, pause * 2 or BUSY)
        if clock() >= upkeep:
            upkeep = clock() + UPKEEP
            await keep_up()
        return pause

    backoff = Backoff(LOST, LOST_MOST)
    await supervise(sources.heartbeats, name, round, stop, bound=BOUND, lost=backoff)


@asynccontextmanager
async def following(sources: Sources) -> AsyncIterator[None]:
    """The loop while the body runs, and a look at whether the graph is there; both have ended when this returns."""
    async with background("projection", partial(loop, sources)):
        if sources.marks is None:
            yield
        else:
            async with background("whole", partial(keep_whole, sources)):
                yield


def handler(_event: Any, context: Any) -> dict[str, int]:
    """The AWS Lambda entry: rounds until nothing waits, or until its time is nearly over; then a comparison of the
    buckets that are due."""
    invoked(context)
    seconds = context.get_remaining_time_in_millis() / 1_000 - MARGIN
    return asyncio.run(_once(max(0.0, seconds)))


async def _once(seconds: float) -> dict[str, int]:
    whole = entered()
    sources, consistency_seconds = open_sources(*whole.stores()), whole.consistency_seconds
    try:
        until = asyncio.get_running_loop().time() + seconds
        done = await Follower(sources).until_done(until)
        _measure(done)
        await forget(sources)
        await _measure_backlog(sources)
        await _whole_by(sources, until)
        if consistency_seconds and asyncio.get_running_loop().time() < until:
            await Comparer(sources, consistency_seconds).round()
        return {"rows": done.rows, "nodes": done.nodes, "edges": done.edges, "refused": done.refused}
    finally:
        await sources.close()


async def _whole_by(sources: Sources, until: float) -> None:
    # A new cluster is whole only once somebody has looked. One that takes longer is for `stackflow graph rebuild`.
    try:
        async with asyncio.timeout_at(until):
            report = await made_whole(sources)
    except TimeoutError:
        log.warning("the graph is not known to be whole; run: stackflow graph rebuild")
    else:
        if report is not None:
            _tell_whole(report)


async def keep_whole(sources: Sources, stop: asyncio.Event) -> None:
    """Look again and again whether the graph was emptied, until told to stop."""

    async def round() -> float:
        report = await made_whole(sources)
        if report is not None:
            _tell_whole(report)
        return IDLE

    backoff = Backoff(IDLE, LOST_MOST)
    await supervise(sources.heartbeats, "whole", round, stop, bound=WHOLE_BOUND, lost=backoff)


def _tell_whole(report: CheckReport) -> None:
    log.warning(
        "the graph was not known to be whole",
        extra={
            "nodes": report.nodes, "edges": report.edges, "divergent": report.differences, "left": report.left,
            "ms": _ms(report.seconds),
        },
    )  # fmt: skip


async def _upkeep(sources: Sources) -> None:
    begin = time.perf_counter()
    forgotten = await forget(sources)
    await _measure_backlog(sources)
    log.debug("upkeep", extra={"forgotten": asdict(forgotten), "ms": _ms(time.perf_counter() - begin)})


def _tell(done: Round) -> None:
    if not done.rows and not done.retried:
        return
    _measure(done)
    loud = done.seconds > SLOW or done.retried
    log.log(
        logging.INFO if loud else logging.DEBUG,
        "round",
        extra={
            "rows": done.rows, "nodes": done.nodes, "edges": done.edges, "refused": done.refused,
            "lag": round(done.lag, 3), "ms": _ms(done.seconds),
        },
    )  # fmt: skip


def _measure(done: Round) -> None:
    tell(ProjectionLagSeconds=round(done.lag, 3), ProjectedRows=done.rows, ProjectionRefused=done.refused)


async def _measure_backlog(sources: Sources) -> None:
    # Of queues in tables; SQS measures its own.
    waiting = [each for each in await backlogs(sources.main) if each.name == EVENTS]
    tell(
        OpenEvents=sum(each.waiting for each in waiting),
        OldestEventSeconds=max((each.oldest_seconds for each in waiting), default=0.0),
        DeadEvents=sum(each.dead for each in waiting),
    )


def _ms(seconds: float) -> float:
    return round(seconds * 1_000, 1)


# Sources are of a call: each makes its own loop. A setting that cannot be used fails the start.
begin(__name__, entered)
