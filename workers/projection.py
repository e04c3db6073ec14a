"""The projector: a background loop or a Lambda function that projects the outbox to the graph store."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from functools import partial
from typing import Any

from datasources.aurora.monitoring.backlogs import fetch_backlogs
from datasources.errors import SourceError
from datasources.observability.logs import begin_invocation
from datasources.observability.metrics import emit_metrics
from datasources.sources import Sources, open_sources
from datasources.supervisor import Backoff, background_task, supervise
from resolvers.documents.indexing import index_batch
from resolvers.projection.comparison import BucketComparer
from resolvers.projection.follow import OutboxProjector, ProjectionRound
from resolvers.projection.reports import CheckReport
from resolvers.projection.resync import ensure_complete
from workers.documents import publish_until
from workers.housekeeping import delete_expired
from workers.lambda_runtime import bootstrap, load_settings
from workers.rounds import MAX_PAUSE_SECONDS, MIN_PAUSE_SECONDS, run_rounds

log = logging.getLogger("stackflow.projection")

# Seconds between failed rounds: the graph must be up to date 10 s after its stores are back.
MIN_BACKOFF_SECONDS = 0.5
MAX_BACKOFF_SECONDS = 4.0
# Seconds between two runs of housekeeping.
HOUSEKEEPING_SECONDS = 60.0
# Seconds after which a full resynchronisation of the graph counts as stuck.
RESYNC_STUCK_AFTER_SECONDS = 7_200.0
# Seconds after which the line of a round has level INFO.
SLOW_ROUND_SECONDS = 1.0
# The name of the queue of events in its tables.
EVENTS_QUEUE = "events"
# Seconds that a Lambda function reserves for its end.
LAMBDA_MARGIN_SECONDS = 30.0


async def loop(sources: Sources, stop: asyncio.Event) -> None:
    """Project the outbox until `stop` is set."""
    await follow_outbox(sources, "projection", OutboxProjector(sources).run_round, partial(_housekeep, sources), stop)


async def follow_outbox(
    sources: Sources,
    name: str,
    run_round: Callable[[], Awaitable[ProjectionRound]],
    housekeep: Callable[[], Awaitable[None]],
    stop: asyncio.Event,
) -> None:
    """Run rounds until `stop` is set, with shorter pauses while there are changes, and `housekeep` once a minute."""

    async def round() -> float | None:
        done = await run_round()
        _log_round(done)
        if done.full:
            return 0.0
        return MIN_PAUSE_SECONDS if done.rows else None

    await run_rounds(
        sources.heartbeats,
        name,
        round,
        housekeep,
        stop,
        housekeeping_seconds=HOUSEKEEPING_SECONDS,
        lost=Backoff(MIN_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS),
    )


@asynccontextmanager
async def background_projector(sources: Sources) -> AsyncIterator[None]:
    """Run the projector, and the check for an emptied graph, in the background of an `async with` block."""
    async with background_task("projection", partial(loop, sources)):
        if sources.completeness_marker is None:
            yield
        else:
            async with background_task("whole", partial(run_resync_loop, sources)):
                yield


def handler(_event: Any, context: Any) -> dict[str, int]:
    """Project the outbox on AWS Lambda, until nothing waits or the time has nearly ended, then compare due buckets."""
    begin_invocation(context)
    seconds = context.get_remaining_time_in_millis() / 1_000 - LAMBDA_MARGIN_SECONDS
    return asyncio.run(_run_until(max(0.0, seconds)))


async def _run_until(seconds: float) -> dict[str, int]:
    settings = load_settings()
    sources = open_sources(*settings.require_stores(), settings.language)
    consistency_seconds = settings.consistency_seconds
    try:
        until = asyncio.get_running_loop().time() + seconds
        done = await OutboxProjector(sources).run_until_done(until)
        _measure(done)
        await delete_expired(sources)
        await _measure_backlog(sources)
        # The API's functions have no background loop, so documents are indexed here, once a minute.
        while asyncio.get_running_loop().time() < until and await index_batch(sources):
            pass
        failure = await _try_to_publish(sources, until)
        await _resync_until(sources, until)
        if consistency_seconds and asyncio.get_running_loop().time() < until:
            await BucketComparer(sources, consistency_seconds).run_round()
        if failure is not None:
            # AWS counts the invocation as failed, of which there is an alarm.
            raise failure
        return {"rows": done.rows, "nodes": done.nodes, "edges": done.edges, "refused": done.refused}
    finally:
        await sources.close()


async def _try_to_publish(sources: Sources, until: float) -> SourceError | None:
    """Publish chunks, and return the failure instead of raising it: a lost bucket must not stop the graph."""
    try:
        await publish_until(sources, until)
    except SourceError as error:
        return error
    return None


async def _resync_until(sources: Sources, until: float) -> None:
    # A new cluster counts as complete only after a check. If that takes longer, run `stackflow graph rebuild`.
    try:
        async with asyncio.timeout_at(until):
            report = await ensure_complete(sources)
    except TimeoutError:
        log.warning("the graph is not known to be complete; run: stackflow graph rebuild")
    else:
        if report is not None:
            _log_resync(report)


async def run_resync_loop(sources: Sources, stop: asyncio.Event) -> None:
    """Check repeatedly whether the graph was emptied, until `stop` is set."""

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
        "the graph was not known to be complete and was resynchronised",
        extra={
            "nodes": report.nodes, "edges": report.edges, "divergent": report.differences, "left": report.left,
            "ms": _ms(report.seconds),
        },
    )  # fmt: skip


async def _housekeep(sources: Sources) -> None:
    begin = time.perf_counter()
    deleted = await delete_expired(sources)
    await _measure_backlog(sources)
    log.debug("upkeep", extra={"forgotten": asdict(deleted), "ms": _ms(time.perf_counter() - begin)})


def _log_round(done: ProjectionRound) -> None:
    if not done.rows and not done.retried:
        return
    _measure(done)
    is_notable = done.seconds > SLOW_ROUND_SECONDS or done.retried
    log.log(
        logging.INFO if is_notable else logging.DEBUG,
        "round",
        extra={
            "rows": done.rows, "nodes": done.nodes, "edges": done.edges, "refused": done.refused,
            "lag": round(done.lag, 3), "ms": _ms(done.seconds),
        },
    )  # fmt: skip


def _measure(done: ProjectionRound) -> None:
    emit_metrics(ProjectionLagSeconds=round(done.lag, 3), ProjectedRows=done.rows, ProjectionRefused=done.refused)


async def _measure_backlog(sources: Sources) -> None:
    # Only of queues in tables; SQS has its own metrics.
    backlogs = [each for each in await fetch_backlogs(sources.main) if each.name == EVENTS_QUEUE]
    emit_metrics(
        OpenEvents=sum(each.waiting for each in backlogs),
        OldestEventSeconds=max((each.oldest_seconds for each in backlogs), default=0.0),
        DeadEvents=sum(each.dead for each in backlogs),
    )


def _ms(seconds: float) -> float:
    return round(seconds * 1_000, 1)


# Each call opens its own sources, because it has its own event loop. An unusable setting fails the start.
bootstrap(__name__, load_settings)
