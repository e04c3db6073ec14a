"""The projector: a loop beside a server, or a Lambda function, that follows the outbox."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from functools import partial
from typing import Any

from datasources.aurora.monitoring.backlogs import fetch_backlogs
from datasources.observability.logs import begin_invocation
from datasources.observability.metrics import emit_metrics
from datasources.sources import Sources, open_sources
from datasources.supervisor import Backoff, background_task, supervise
from resolvers.projection.comparison import BucketComparer
from resolvers.projection.follow import OutboxProjector, ProjectionRound
from resolvers.projection.reports import CheckReport
from resolvers.projection.resync import ensure_complete
from workers.housekeeping import delete_expired
from workers.lambda_runtime import bootstrap, load_settings

log = logging.getLogger("stackflow.projection")

# Seconds between two rounds: after one that found something, and at most after those that did not. LISTEN would need
# a session of its own, which RDS Proxy does not give.
MIN_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 0.1, 1.0
# Seconds between rounds that failed, at least and at most: the graph is to be right 10 s after its stores are back.
MIN_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS = 0.5, 4.0
# Seconds between two looks at what is old.
HOUSEKEEPING_SECONDS = 60.0
# Seconds that a round may take with its upkeep; and one that brings an emptied graph back.
STUCK_AFTER_SECONDS, RESYNC_STUCK_AFTER_SECONDS = 300.0, 7_200.0
# Seconds of a round that make its line worth reading.
SLOW_ROUND_SECONDS = 1.0
# The queue of events, as its tables name it.
EVENTS_QUEUE = "events"
# Seconds that a Lambda function keeps for ending.
LAMBDA_MARGIN_SECONDS = 30.0


async def loop(sources: Sources, stop: asyncio.Event) -> None:
    """Follow the outbox until told to stop."""
    await run_rounds(sources, "projection", OutboxProjector(sources).run_round, partial(_housekeep, sources), stop)


async def run_rounds(
    sources: Sources,
    name: str,
    run_round: Callable[[], Awaitable[ProjectionRound]],
    housekeep: Callable[[], Awaitable[None]],
    stop: asyncio.Event,
) -> None:
    """Rounds of a follower until told to stop, the sooner the more there is to do, and once a minute what `keep_up`
    does."""
    clock = asyncio.get_running_loop().time
    pause, upkeep = MIN_PAUSE_SECONDS, clock() + HOUSEKEEPING_SECONDS

    async def round() -> float:
        nonlocal pause, upkeep
        done = await run_round()
        _log_round(done)
        pause = (
            0.0
            if done.full
            else MIN_PAUSE_SECONDS
            if done.rows
            else min(MAX_PAUSE_SECONDS, pause * 2 or MIN_PAUSE_SECONDS)
        )
        if clock() >= upkeep:
            upkeep = clock() + HOUSEKEEPING_SECONDS
            await housekeep()
        return pause

    backoff = Backoff(MIN_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS)
    await supervise(sources.heartbeats, name, round, stop, stuck_after_seconds=STUCK_AFTER_SECONDS, lost=backoff)


@asynccontextmanager
async def background_projector(sources: Sources) -> AsyncIterator[None]:
    """The loop while the body runs, and a look at whether the graph is there; both have ended when this returns."""
    async with background_task("projection", partial(loop, sources)):
        if sources.completeness_marker is None:
            yield
        else:
            async with background_task("whole", partial(run_resync_loop, sources)):
                yield


def handler(_event: Any, context: Any) -> dict[str, int]:
    """The AWS Lambda entry: rounds until nothing waits, or until its time is nearly over; then a comparison of the
    buckets that are due."""
    begin_invocation(context)
    seconds = context.get_remaining_time_in_millis() / 1_000 - LAMBDA_MARGIN_SECONDS
    return asyncio.run(_run_until(max(0.0, seconds)))


async def _run_until(seconds: float) -> dict[str, int]:
    whole = load_settings()
    sources, consistency_seconds = open_sources(*whole.require_stores()), whole.consistency_seconds
    try:
        until = asyncio.get_running_loop().time() + seconds
        done = await OutboxProjector(sources).run_until_done(until)
        _measure(done)
        await delete_expired(sources)
        await _measure_backlog(sources)
        await _resync_until(sources, until)
        if consistency_seconds and asyncio.get_running_loop().time() < until:
            await BucketComparer(sources, consistency_seconds).run_round()
        return {"rows": done.rows, "nodes": done.nodes, "edges": done.edges, "refused": done.refused}
    finally:
        await sources.close()


async def _resync_until(sources: Sources, until: float) -> None:
    # A new cluster is whole only once somebody has looked. One that takes longer is for `stackflow graph rebuild`.
    try:
        async with asyncio.timeout_at(until):
            report = await ensure_complete(sources)
    except TimeoutError:
        log.warning("the graph is not known to be whole; run: stackflow graph rebuild")
    else:
        if report is not None:
            _log_resync(report)


async def run_resync_loop(sources: Sources, stop: asyncio.Event) -> None:
    """Look again and again whether the graph was emptied, until told to stop."""

    async def round() -> float:
        report = await ensure_complete(sources)
        if report is not None:
            _log_resync(report)
        return MAX_PAUSE_SECONDS

    backoff = Backoff(MAX_PAUSE_SECONDS, MAX_BACKOFF_SECONDS)
    await supervise(
        sources.heartbeats, "whole", round, stop, stuck_after_seconds=RESYNC_STUCK_AFTER_SECONDS, lost=backoff
    )


def _log_resync(report: CheckReport) -> None:
    log.warning(
        "the graph was not known to be whole",
        extra={
            "nodes": report.nodes, "edges": report.edges, "divergent": report.differences, "left": report.left,
            "ms": _ms(report.seconds),
        },
    )  # fmt: skip


async def _housekeep(sources: Sources) -> None:
    begin = time.perf_counter()
    forgotten = await delete_expired(sources)
    await _measure_backlog(sources)
    log.debug("upkeep", extra={"forgotten": asdict(forgotten), "ms": _ms(time.perf_counter() - begin)})


def _log_round(done: ProjectionRound) -> None:
    if not done.rows and not done.retried:
        return
    _measure(done)
    loud = done.seconds > SLOW_ROUND_SECONDS or done.retried
    log.log(
        logging.INFO if loud else logging.DEBUG,
        "round",
        extra={
            "rows": done.rows, "nodes": done.nodes, "edges": done.edges, "refused": done.refused,
            "lag": round(done.lag, 3), "ms": _ms(done.seconds),
        },
    )  # fmt: skip


def _measure(done: ProjectionRound) -> None:
    emit_metrics(ProjectionLagSeconds=round(done.lag, 3), ProjectedRows=done.rows, ProjectionRefused=done.refused)


async def _measure_backlog(sources: Sources) -> None:
    # Of queues in tables; SQS measures its own.
    waiting = [each for each in await fetch_backlogs(sources.main) if each.name == EVENTS_QUEUE]
    emit_metrics(
        OpenEvents=sum(each.waiting for each in waiting),
        OldestEventSeconds=max((each.oldest_seconds for each in waiting), default=0.0),
        DeadEvents=sum(each.dead for each in waiting),
    )


def _ms(seconds: float) -> float:
    return round(seconds * 1_000, 1)


# Sources are of a call: each makes its own loop. A setting that cannot be used fails the start.
bootstrap(__name__, load_settings)
