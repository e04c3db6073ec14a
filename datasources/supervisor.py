"""The supervisor of background loops: it repeats rounds, even after errors, until it is stopped."""

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

# Seconds that a loop has to end after it is stopped; then it is cancelled, which rolls back its transaction.
SHUTDOWN_SECONDS = 3.0
# The fraction by which a pause varies, so that workers of several processes do not run in step.
JITTER_FRACTION = 0.2


@dataclass(frozen=True, slots=True)
class Backoff:
    """Seconds between failing rounds: `min_seconds` first, then doubled each time up to `max_seconds`."""

    min_seconds: float = 1.0
    max_seconds: float = 30.0

    def seconds(self, failures: int) -> float:
        """Return the pause after a failure that followed `failures` earlier ones in a row."""
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
    """Run rounds until `stop` is set; each round returns the seconds until the next one.

    A round in progress is finished first. A round that raises is logged and repeated after a backoff: `lost` for an
    unavailable store, `failed` for any other error, which is also passed to `on_fault`. A round that takes longer than
    `stuck_after_seconds` is reported as stuck.
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
    """Return the pause that a round requests, or the error that it raised."""
    stuck = asyncio.get_running_loop().call_later(heartbeat.bound, heartbeat.report_stuck)
    heartbeat.begin()
    try:
        return await round()
    except asyncio.CancelledError as error:
        if _is_cancelled():
            raise
        # This task was not cancelled: a library's own task was, and the library passed that on.
        return error
    except Exception as error:
        # A driver may respond to cancellation with an error of its own.
        if _is_cancelled():
            raise asyncio.CancelledError from error
        # The outermost level of a loop: an error in one round must not end it.
        return error
    finally:
        stuck.cancel()


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


@dataclass(frozen=True, slots=True)
class CaughtError:
    """An error raised by one piece of work, so that the others can continue."""

    error: Exception


async def attempt(work: Callable[[], Awaitable[T]]) -> T | CaughtError:
    """Process one message, row or run of a round; return a CaughtError if it raises.

    SourceUnavailable is raised to the caller, since the item is not its cause.
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
    """Run a loop while the body runs. Leaving the body sets its event and waits until the loop has ended."""
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
    """Return after that many seconds, or as soon as `stop` is set."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
