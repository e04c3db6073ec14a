"""The worker of workflow runs: a background loop or a Lambda function that advances runs and sends messages."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from functools import partial
from typing import Any

from datasources.errors import SourceTimeout
from datasources.observability.logs import begin_invocation
from datasources.observability.metrics import emit_metrics
from datasources.observability.spans import INTERNAL, record_call, record_work
from datasources.queues.factory import Queues, open_queues
from datasources.queues.port import Queue
from datasources.request import RequestContext, use_request
from datasources.sources import Sources, open_sources
from datasources.supervisor import Backoff, CaughtError, attempt, background_task
from resolvers.workflow_runs import triggers
from resolvers.workflow_runs.messages import NOTIFICATIONS_QUEUE, STANDARD_QUEUE, URGENT_QUEUE
from resolvers.workflow_runs.scheduler import advance_due, delete_sent_messages, send_messages, walk_failures
from workers.lambda_runtime import bootstrap, load_settings
from workers.rounds import MIN_PAUSE_SECONDS, run_rounds

WORKER = "workflows"

# Seconds between failed rounds, minimum and maximum.
MIN_BACKOFF_SECONDS = 1.0
MAX_BACKOFF_SECONDS = 30.0
# The deadline of a round in seconds.
ROUND_TIMEOUT_SECONDS = 30.0
# Seconds between two runs of housekeeping.
HOUSEKEEPING_SECONDS = 3_600.0
# Seconds that a Lambda function reserves for its end.
LAMBDA_MARGIN_SECONDS = 35.0


async def loop(sources: Sources, queues: Queues, stop: asyncio.Event) -> None:
    """Run rounds until `stop` is set."""

    async def round() -> float | None:
        return MIN_PAUSE_SECONDS if await run_round(sources, queues) else None

    await run_rounds(
        sources.heartbeats,
        WORKER,
        round,
        partial(delete_sent_messages, sources),
        stop,
        housekeeping_seconds=HOUSEKEEPING_SECONDS,
        lost=Backoff(MIN_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS),
    )


async def run_round(sources: Sources, queues: Queues, now: datetime | None = None) -> int:
    """Run one round. Return the amount of work done. SourceError if a store is lost; the next round does the rest.

    An error or a timeout of one part does not stop the others; it is raised after all parts have run.
    """
    call = RequestContext(deadline=asyncio.get_running_loop().time() + ROUND_TIMEOUT_SECONDS)
    parts: tuple[Callable[[], Awaitable[int]], ...] = (
        partial(triggers.run_round, sources),
        partial(advance_due, sources, now),
        partial(walk_failures, sources, now),
        partial(send_messages, sources, outgoing_queues(queues), now),
    )
    done = 0
    error: Exception | None = None
    with use_request(call), record_call("workflows", INTERNAL, call, keep_idle=False) as recording:
        for part in parts:
            try:
                outcome = await attempt(part)
            except SourceTimeout as timeout:
                outcome = CaughtError(timeout)
            if isinstance(outcome, CaughtError):
                error = error or outcome.error
            else:
                done += outcome
        record_work(recording, "stackflow.steps", done)
    if done:
        emit_metrics(WorkflowSteps=done)
    if error is not None:
        raise error
    return done


def outgoing_queues(queues: Queues) -> Mapping[str, Queue]:
    """Return the queues of outgoing messages by the names that workflow runs use."""
    return {
        URGENT_QUEUE: queues.remediation_p1,
        STANDARD_QUEUE: queues.remediation_standard,
        NOTIFICATIONS_QUEUE: queues.notifications,
    }


def background_workflow_worker(sources: Sources, queues: Queues) -> AbstractAsyncContextManager[None]:
    """Run the loop in the background for the length of an `async with` block."""
    return background_task(WORKER, partial(loop, sources, queues))


def handler(_event: Any, context: Any) -> dict[str, int]:
    """Run rounds on AWS Lambda for a schedule, until nothing is left or the time has nearly ended."""
    begin_invocation(context)
    seconds = context.get_remaining_time_in_millis() / 1_000 - LAMBDA_MARGIN_SECONDS
    return asyncio.run(_run_until(max(0.0, seconds)))


async def _run_until(seconds: float) -> dict[str, int]:
    settings = load_settings()
    sources = open_sources(*settings.require_stores())
    try:
        queues = open_queues(sources.main, settings.queues)
        clock = asyncio.get_running_loop().time
        until = clock() + seconds
        done = 0
        while count := await run_round(sources, queues):
            done += count
            if clock() >= until:
                break
        await delete_sent_messages(sources)
        return {"done": done}
    finally:
        await sources.close()


# Each call opens its own sources, because it has its own event loop. An unusable setting fails the start.
bootstrap(__name__, load_settings)
