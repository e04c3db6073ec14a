"""The worker of runs: a loop beside a server, or a Lambda function, that gives runs what is due and sends messages."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from functools import partial
from typing import Any

from datasources.errors import SourceTimeout
from datasources.observability.logs import invoked
from datasources.observability.metrics import tell
from datasources.observability.spans import INTERNAL, recorded, worked
from datasources.queues.factory import Queues, open_queues
from datasources.queues.port import Queue
from datasources.request import Call, calling
from datasources.sources import Sources, open_sources
from datasources.supervisor import Backoff, Fault, attempt, background, supervise
from resolvers.workflow_runs import triggers
from resolvers.workflow_runs.messages import NOTIFICATIONS, STANDARD, URGENT
from resolvers.workflow_runs.scheduler import advance_due, forget_messages, send_messages, walk_failures
from workers.lambda_runtime import begin, entered

WORKER = "workflows"

# Seconds between two rounds: after one that found something, and at most after those that did not.
BUSY, IDLE = 0.1, 1.0
# Seconds between rounds that failed, at least and at most.
LOST, LOST_MOST = 1.0, 30.0
# Seconds that a round may take, and between two looks at what is old.
ROUND, UPKEEP = 30.0, 3_600.0
# Seconds after which a round counts as stuck: its parts are transactions of their own, each with its time.
BOUND = 300.0
# Seconds that a Lambda function keeps for ending.
MARGIN = 35.0


async def loop(sources: Sources, queues: Queues, stop: asyncio.Event) -> None:
    """Rounds until told to stop."""
    clock = asyncio.get_running_loop().time
    pause, upkeep = BUSY, clock() + UPKEEP

    async def round() -> float:
        nonlocal pause, upkeep
        pause = BUSY if await work(sources, queues) else min(IDLE, pause * 2)
        if clock() >= upkeep:
            upkeep = clock() + UPKEEP
            await forget_messages(sources)
        return pause

    await supervise(sources.heartbeats, WORKER, round, stop, bound=BOUND, lost=Backoff(LOST, LOST_MOST))


async def work(sources: Sources, queues: Queues, now: datetime | None = None) -> int:
    """One round; how much was done. SourceError if a store is lost: what was not done waits for the next round.

    What is wrong with one part of it, or late, holds up no other; its error comes when all have had their turn.
    """
    call = Call(deadline=asyncio.get_running_loop().time() + ROUND)
    parts: tuple[Callable[[], Awaitable[int]], ...] = (
        partial(triggers.round, sources),
        partial(advance_due, sources, now),
        partial(walk_failures, sources, now),
        partial(send_messages, sources, outgoing(queues), now),
    )
    done = 0
    error: Exception | None = None
    with calling(call), recorded("workflows", INTERNAL, call, kept=False) as recording:
        for part in parts:
            try:
                outcome = await attempt(part)
            except SourceTimeout as timeout:
                outcome = Fault(timeout)
            if isinstance(outcome, Fault):
                error = error or outcome.error
            else:
                done += outcome
        worked(recording, "stackflow.steps", done)
    if done:
        tell(WorkflowSteps=done)
    if error is not None:
        raise error
    return done


def outgoing(queues: Queues) -> Mapping[str, Queue]:
    """The queues that messages go to, by the names that runs have for them."""
    return {
        URGENT: queues.remediation_p1,
        STANDARD: queues.remediation_standard,
        NOTIFICATIONS: queues.notifications,
    }


def running(sources: Sources, queues: Queues) -> AbstractAsyncContextManager[None]:
    """The loop while the body runs; it has ended when this returns."""
    return background(WORKER, partial(loop, sources, queues))


def handler(_event: Any, context: Any) -> dict[str, int]:
    """The AWS Lambda entry for a schedule: rounds until nothing is left to do, or until its time is nearly over."""
    invoked(context)
    seconds = context.get_remaining_time_in_millis() / 1_000 - MARGIN
    return asyncio.run(_once(max(0.0, seconds)))


async def _once(seconds: float) -> dict[str, int]:
    whole = entered()
    sources = open_sources(*whole.stores())
    try:
        queues = open_queues(sources.main, whole.queues)
        clock = asyncio.get_running_loop().time
        until, done = clock() + seconds, 0
        while found := await work(sources, queues):
            done += found
            if clock() >= until:
                break
        await forget_messages(sources)
        return {"done": done}
    finally:
        await sources.close()


# Sources are of a call: each makes its own loop. A setting that cannot be used fails the start.
begin(__name__, entered)
