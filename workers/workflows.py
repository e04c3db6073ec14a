"""The worker of runs: a loop beside a server, or a Lambda function, that gives runs what is due and sends messages."""

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
from datasources.supervisor import Backoff, CaughtError, attempt, background_task, supervise
from resolvers.workflow_runs import triggers
from resolvers.workflow_runs.messages import NOTIFICATIONS_QUEUE, STANDARD_QUEUE, URGENT_QUEUE
from resolvers.workflow_runs.scheduler import advance_due, delete_sent_messages, send_messages, walk_failures
from workers.lambda_runtime import bootstrap, load_settings

WORKER = "workflows"

# Seconds between two rounds: after one that found something, and at most after those that did not.
MIN_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 0.1, 1.0
# Seconds between rounds that failed, at least and at most.
MIN_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS = 1.0, 30.0
# Seconds that a round may take, and between two looks at what is old.
ROUND_TIMEOUT_SECONDS, HOUSEKEEPING_SECONDS = 30.0, 3_600.0
# Seconds after which a round counts as stuck: its parts are transactions of their own, each with its time.
STUCK_AFTER_SECONDS = 300.0
# Seconds that a Lambda function keeps for ending.
LAMBDA_MARGIN_SECONDS = 35.0


async def loop(sources: Sources, queues: Queues, stop: asyncio.Event) -> None:
    """Rounds until told to stop."""
    clock = asyncio.get_running_loop().time
    pause, upkeep = MIN_PAUSE_SECONDS, clock() + HOUSEKEEPING_SECONDS

    async def round() -> float:
        nonlocal pause, upkeep
        pause = MIN_PAUSE_SECONDS if await run_round(sources, queues) else min(MAX_PAUSE_SECONDS, pause * 2)
        if clock() >= upkeep:
            upkeep = clock() + HOUSEKEEPING_SECONDS
            await delete_sent_messages(sources)
        return pause

    await supervise(
        sources.heartbeats,
        WORKER,
        round,
        stop,
        stuck_after_seconds=STUCK_AFTER_SECONDS,
        lost=Backoff(MIN_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS),
    )


async def run_round(sources: Sources, queues: Queues, now: datetime | None = None) -> int:
    """One round; how much was done. SourceError if a store is lost: what was not done waits for the next round.

    What is wrong with one part of it, or late, holds up no other; its error comes when all have had their turn.
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
    """The queues that messages go to, by the names that runs have for them."""
    return {
        URGENT_QUEUE: queues.remediation_p1,
        STANDARD_QUEUE: queues.remediation_standard,
        NOTIFICATIONS_QUEUE: queues.notifications,
    }


def background_workflow_worker(sources: Sources, queues: Queues) -> AbstractAsyncContextManager[None]:
    """The loop while the body runs; it has ended when this returns."""
    return background_task(WORKER, partial(loop, sources, queues))


def handler(_event: Any, context: Any) -> dict[str, int]:
    """The AWS Lambda entry for a schedule: rounds until nothing is left to do, or until its time is nearly over."""
    begin_invocation(context)
    seconds = context.get_remaining_time_in_millis() / 1_000 - LAMBDA_MARGIN_SECONDS
    return asyncio.run(_run_until(max(0.0, seconds)))


async def _run_until(seconds: float) -> dict[str, int]:
    whole = load_settings()
    sources = open_sources(*whole.require_stores())
    try:
        queues = open_queues(sources.main, whole.queues)
        clock = asyncio.get_running_loop().time
        until, done = clock() + seconds, 0
        while found := await run_round(sources, queues):
            done += found
            if clock() >= until:
                break
        await delete_sent_messages(sources)
        return {"done": done}
    finally:
        await sources.close()


# Sources are of a call: each makes its own loop. A setting that cannot be used fails the start.
bootstrap(__name__, load_settings)
