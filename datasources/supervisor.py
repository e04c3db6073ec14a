"""The supervisor of background loops: it repeats rounds, whatever they raise, until it is told to stop."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from datasources.errors import SourceError
from datasources.seen.heartbeats import Heartbeat, Heartbeats

log = logging.getLogger("stackflow.workers")

# Seconds that a loop has to end once it is told to; then it is cancelled, which rolls back what it was at.
ENDING = 3.0
# By how much a pause varies, so that workers of many processes do not meet.
JITTER = 0.2


@dataclass(frozen=True, slots=True)
class Backoff:
    """Seconds between rounds that fail: `least` after the first, twice as long after each more, at most `most`."""

    least: float = 1.0
    most: float = 30.0

    def seconds(self, failures: int) -> float:
        """After so many failures in a row before this one."""
        return min(self.most, self.least * 2.0 ** min(failures, 10))


async def supervise(
    heartbeats: Heartbeats,
    name: str,
    round: Callable[[], Awaitable[float]],
    stop: asyncio.Event,
    *,
    bound: float,
    lost: Backoff = Backoff(),
    failed: Backoff = Backoff(),
) -> None:
    """Run rounds until told to stop; each gives the seconds until the next one.

    A round under way is ended first. One that raises is logged and tried again after a backoff, `lost` for a lost
    store and `failed` for anything else. A round that takes longer than `bound` seconds counts as stuck.
    """
    heartbeat = heartbeats.add(name, bound)
    while not stop.is_set():
        pause = await _attempt(heartbeat, round, lost, failed)
        if pause > 0:
            await sleep(pause * random.uniform(1 - JITTER, 1 + JITTER), stop)  # noqa: S311
    heartbeats.remove(heartbeat)


async def _attempt(
    heartbeat: Heartbeat, round: Callable[[], Awaitable[float]], lost: Backoff, failed: Backoff
) -> float:
    stuck = asyncio.get_running_loop().call_later(heartbeat.bound, heartbeat.report_stuck)
    heartbeat.begin()
    try:
        pause = await round()
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        # Not ours: a library's own task was cancelled, and it passed that on.
        return _fail(heartbeat, error, failed)
    except Exception as error:  # noqa: BLE001
        # The outermost edge of a worker: no fault of one round may end it.
        return _fail(heartbeat, error, lost if isinstance(error, SourceError) else failed)
    finally:
        stuck.cancel()
    heartbeat.succeed()
    return pause


def _fail(heartbeat: Heartbeat, error: BaseException, backoff: Backoff) -> float:
    pause = backoff.seconds(heartbeat.failures)
    heartbeat.fail(error, pause)
    return pause


@asynccontextmanager
async def background(name: str, loop: Callable[[asyncio.Event], Awaitable[None]]) -> AsyncIterator[None]:
    """Run a loop while the body runs: it is told to stop by its event and has ended when the body is left."""
    stop = asyncio.Event()

    async def run() -> None:
        await loop(stop)

    def log_end(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.critical("worker ended; restart the server", extra={"worker": name}, exc_info=error)

    task = asyncio.create_task(run(), name=name)
    task.add_done_callback(log_end)
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait({task}, timeout=ENDING)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def sleep(seconds: float, stop: asyncio.Event) -> None:
    """Return after so many seconds, or at once when a loop is told to stop."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
