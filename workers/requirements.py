"""The follower of the requirements database: a loop beside a server, or a Lambda function, apart from the projector's.

Two databases are lost apart from each other, so nobody waits for the one because of the other.
"""

import asyncio
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

from datasources.observability.logs import begin_invocation
from datasources.sources import Sources, open_sources
from datasources.supervisor import background_task
from resolvers.projection.requirements import follow
from workers.housekeeping import delete_expired_writes
from workers.lambda_runtime import bootstrap, load_settings
from workers.projection import LAMBDA_MARGIN_SECONDS, run_rounds


async def loop(sources: Sources, stop: asyncio.Event) -> None:
    """Follow the outbox of the requirements database until told to stop. A lost store is waited for."""
    await run_rounds(sources, "requirements", partial(follow, sources), partial(_housekeep, sources), stop)


def background_requirements_follower(sources: Sources) -> AbstractAsyncContextManager[None]:
    """The loop while the body runs; it has ended when this returns."""
    return background_task("requirements", partial(loop, sources))


def handler(_event: Any, context: Any) -> dict[str, int]:
    """The AWS Lambda entry: rounds until nothing waits, or until its time is nearly over."""
    begin_invocation(context)
    seconds = context.get_remaining_time_in_millis() / 1_000 - LAMBDA_MARGIN_SECONDS
    return asyncio.run(_run_until(max(0.0, seconds)))


async def _run_until(seconds: float) -> dict[str, int]:
    sources = open_sources(*load_settings().require_stores())
    try:
        until = asyncio.get_running_loop().time() + seconds
        rows, full = 0, True
        while full:
            done = await follow(sources)
            rows += done.rows
            full = done.full and asyncio.get_running_loop().time() < until
        await _housekeep(sources)
        return {"rows": rows}
    finally:
        await sources.close()


async def _housekeep(sources: Sources) -> None:
    await delete_expired_writes(sources.requirements)


# Sources are of a call: each makes its own loop. A setting that cannot be used fails the start.
bootstrap(__name__, load_settings)
