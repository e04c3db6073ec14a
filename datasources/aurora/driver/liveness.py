"""Whether a connection of the pool still works, with as few round trips as possible."""

import asyncio
import select
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from psycopg import AsyncConnection

# Seconds after which an unused connection is checked before use, by a wall clock: a monotonic one may stand
# still while Lambda freezes the machine. NAT gateways and load balancers drop idle flows silently after 350.
# https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-troubleshooting.html
MAX_IDLE_SECONDS = 60.0
# Seconds that the connection has to answer; a slower one is closed without a goodbye.
PING_TIMEOUT_SECONDS = 0.5


class Liveness:
    """When connections were last used, and when one was last found dead, by `clock` in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._used: WeakKeyDictionary[AsyncConnection[Any], float] = WeakKeyDictionary()
        self._found_dead: float | None = None

    def record_use(self, connection: AsyncConnection[Any]) -> None:
        """Record that the connection works now."""
        self._used[connection] = self._clock()

    async def check(self, connection: AsyncConnection[Any]) -> bool:
        """Return whether an idle connection works. A round trip only after MAX_IDLE_SECONDS without use."""
        return not _is_closed_by_server(connection) and await self._is_alive(connection)

    async def _is_alive(self, connection: AsyncConnection[Any]) -> bool:
        now = self._clock()
        used = self._used.get(connection, now)
        # If the clock was set back, the idle time is unknown and the connection counts as alive.
        if 0 <= now - used < MAX_IDLE_SECONDS:
            return True
        # Connections idle as long as a dead one are assumed dead; probing each would cost half a second.
        if self._found_dead is not None and self._found_dead - used >= MAX_IDLE_SECONDS:
            return False
        try:
            async with asyncio.timeout(PING_TIMEOUT_SECONDS):
                await connection.execute("")
        except (TimeoutError, psycopg.OperationalError):
            self._found_dead = self._clock()
            return False
        return True


def _is_closed_by_server(connection: AsyncConnection[Any]) -> bool:
    # Needs no round trip: on an idle connection, readable data can only mean that the server has closed it.
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))
