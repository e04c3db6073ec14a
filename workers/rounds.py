"""The loop of a worker: rounds with shorter pauses while there is work, and housekeeping in between."""

import asyncio
from collections.abc import Awaitable, Callable

from datasources.observability.heartbeats import Heartbeats
from datasources.supervisor import Backoff, supervise

# Seconds between two rounds: after a round with work, and the maximum after rounds without. LISTEN would need a
# dedicated session, which RDS Proxy does not provide.
MIN_PAUSE_SECONDS = 0.1
MAX_PAUSE_SECONDS = 1.0
# Seconds after which a round with its housekeeping counts as stuck.
STUCK_AFTER_SECONDS = 300.0


async def run_rounds(
    heartbeats: Heartbeats,
    name: str,
    run_round: Callable[[], Awaitable[float | None]],
    housekeep: Callable[[], Awaitable[object]],
    stop: asyncio.Event,
    *,
    housekeeping_seconds: float,
    lost: Backoff,
) -> None:
    """Run rounds until `stop` is set, and `housekeep` after every `housekeeping_seconds`.

    A round returns the seconds until the next one, or None if it had no work: then the pause doubles.
    """
    clock = asyncio.get_running_loop().time
    pause = MIN_PAUSE_SECONDS
    next_housekeeping = clock() + housekeeping_seconds

    async def round() -> float:
        nonlocal pause, next_housekeeping
        requested = await run_round()
        pause = min(MAX_PAUSE_SECONDS, pause * 2 or MIN_PAUSE_SECONDS) if requested is None else requested
        if clock() >= next_housekeeping:
            next_housekeeping = clock() + housekeeping_seconds
            await housekeep()
        return pause

    await supervise(heartbeats, name, round, stop, stuck_after_seconds=STUCK_AFTER_SECONDS, lost=lost)
