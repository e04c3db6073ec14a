"""The follower of the outbox of the requirements database: a background loop or a Lambda function.

It is separate from the projector, because the two databases fail independently.
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
from workers.projection import LAMBDA_MARGIN_SECONDS, follow_outbox


async def loop(sources: Sources, stop: asyncio.Event) -> None:
    """Follow the outbox of the requirements database until `stop` is set. Waits for unavailable stores."""
    await follow_outbox(sources, "requirements", partial(follow, sources), partial(_housekeep, sources), stop)


def background_requirements_follower(sources: Sources) -> AbstractAsyncContextManager[None]:
    """Run the loop in the background for the length of an `async with` block."""
    return background_task("requirements", partial(loop, sources))


def handler(_event: Any, context: Any) -> dict[str, int]:
    """Follow the outbox on AWS Lambda, until nothing waits or the time has nearly ended."""
    begin_invocation(context)
    seconds = context.get_remaining_time_in_millis() / 1_000 - LAMBDA_MARGIN_SECONDS
    return asyncio.run(_run_until(max(0.0, seconds)))


async def _run_until(seconds: float) -> dict[str, int]:
    sources = open_sources(*load_settings().require_stores())
    try:
        until = asyncio.get_running_loop().time() + seconds
        rows = 0
        full = True
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


# Each call opens its own sources, because it has its own event loop. An unusable setting fails the start.
bootstrap(__name__, load_settings)
