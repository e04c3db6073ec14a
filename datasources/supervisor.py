"""The supervisor of background loops: it repeats rounds, whatever they raise, until it is told to stop."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar

from datasources.errors import SourceError, SourceUnavailable
from datasources.observability.heartbeats import Heartbeat, Heartbeats

T = TypeVar("T")

log = logging.getLogger("stackflow.workers")

# Seconds that a loop has to end once it is told to; then it is cancelled, which rolls back what it was at.
SHUTDOWN_SECONDS = 3.0
# By how much a pause varies, so that workers of many processes do not meet.
JITTER_FRACTION = 0.2


@dataclass(frozen=True, slots=True)
class Backoff:
    """Seconds between rounds that fail: `least` after the first, twice as long after each more, at most `most`."""

    min_seconds: float = 1.0
    max_seconds: float = 30.0

    def seconds(self, failures: int) -> float:
        """After so many failures in a row before this one."""
        return min(self.max_seconds, self.min_seconds * 2.0 ** min(failures, 10))


async def supervise(
    heartbeats: Heartbeats,
    name: str,
    run_round: Callable[[], Awaitable[float]],
    stop: asyncio.Event,
    *,
    stuck_after_seconds: float,
    lost: Backoff = Backoff(),
    failed: Backoff = Backoff(),
    on_fault: Callable[[BaseException], None] | None = None,
) -> None:
    """Run rounds until told to stop; each gives the seconds until the next one.

    A round under way is ended first. One that raises is logged and tried again after a backoff, `lost` for a lost
    store and `failed` for anything else, which `on_fault` hears of. A round that takes longer than `bound` seconds
    counts as stuck.
    """
    heartbeat = heartbeats.add(name, stuck_after_seconds)
    try:
        while not stop.is_set():
            outcome = await _outcome(heartbeat, run_round)
            if isinstance(outcome, BaseException):
                is_lost = isinstance(outcome, SourceError)
                pause = (lost if is_lost else failed).seconds(heartbeat.failures)
                heartbeat.fail(outcome, pause)
                if on_fault is not None and not is_lost:
                    on_fault(outcome)
            else:
                pause = outcome
                heartbeat.succeed()
            if pause > 0:
                await sleep_or_stop(pause * random.uniform(1 - JITTER_FRACTION, 1 + JITTER_FRACTION), stop)  # noqa: S311
    finally:
        heartbeats.remove(heartbeat)


async def _outcome(heartbeat: Heartbeat, round: Callable[[], Awaitable[float]]) -> float | BaseException:
    """The pause that a round asks for, or what it raised."""
    stuck = asyncio.get_running_loop().call_later(heartbeat.bound, heartbeat.report_stuck)
    heartbeat.begin()
    try:
        return await round()
    except asyncio.CancelledError as error:
        if _is_cancelled():
            raise
        # Not ours: a library's own task was cancelled, and it passed that on.
        return error
    except Exception as error:
        # A driver may answer a cancelling by an error of its own.
        if _is_cancelled():
            raise asyncio.CancelledError from error
        # The outermost edge of a loop: no fault of one round may end it.
        return error
    finally:
        stuck.cancel()


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


@dataclass(frozen=True, slots=True)
class CaughtError:
    """What one piece of work raised, so that the others can go on."""

    error: Exception


async def attempt(work: Callable[[], Awaitable[T]]) -> T | CaughtError:
    """One piece of a round's work, a message, a row or a run; a Fault of its own if it raises.

    SourceUnavailable passes through: that a store is lost is no fault of the piece.
    """
    try:
        return await work()
    except SourceUnavailable:
        raise
    except Exception as error:
        if _is_cancelled():
            raise asyncio.CancelledError from error
        return CaughtError(error)


@asynccontextmanager
async def background_task(name: str, loop: Callable[[asyncio.Event], Awaitable[None]]) -> AsyncIterator[None]:
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
        await asyncio.wait({task}, timeout=SHUTDOWN_SECONDS)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def sleep_or_stop(seconds: float, stop: asyncio.Event) -> None:
    """Return after so many seconds, or at once when a loop is told to stop."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
