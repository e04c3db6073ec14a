"""A loop beside something else: it begins with the body and has ended when the body is left."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

log = logging.getLogger("stackflow")

# Seconds that a loop has to end once it is told to; then it is cancelled, which rolls back what it was at.
ENDING = 3.0


@asynccontextmanager
async def beside(name: str, loop: Callable[[asyncio.Event], Awaitable[None]]) -> AsyncIterator[None]:
    """Run a loop that ends when its event is set. If it ends by itself, that is logged and the body goes on."""
    stop = asyncio.Event()

    async def run() -> None:
        await loop(stop)

    def ended(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("the worker of %s ended; restart the server", name, exc_info=error)

    task = asyncio.create_task(run(), name=name)
    task.add_done_callback(ended)
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait({task}, timeout=ENDING)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def slept(seconds: float, stop: asyncio.Event) -> None:
    """Return after so many seconds, or at once when a loop is told to end."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
