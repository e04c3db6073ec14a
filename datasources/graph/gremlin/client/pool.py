"""The connection pool of one endpoint: its size, which connection is used next, and whether the endpoint is lost."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from datasources.config import GraphSettings
from datasources.graph.gremlin.client.connection import Connection
from datasources.graph.gremlin.client.connector import Connector
from datasources.graph.gremlin.client.errors import GraphProblem, Unreachable

# A connection idle for longer is pinged first. A suspended function can resume with connections that ended unnoticed;
# 5 s is far longer than the pauses between the traversals of one request.
PING_AFTER_IDLE_SECONDS = 5.0
PING_TIMEOUT_SECONDS = 0.5
LOST_AFTER_FAILURES = 3
MIN_PROBE_INTERVAL_SECONDS = 0.1
MAX_PROBE_INTERVAL_SECONDS = 1.0


class ConnectionPool:
    """A pool for one event loop; `is_lost` may be read from any thread.

    The endpoint is lost after three consecutive failures to open a connection. Then one paced attempt runs at a time,
    and callers wait for its result. A successful attempt, or an answer on an open connection, ends this state.
    """

    def __init__(self, opener: Connector, settings: GraphSettings) -> None:
        self.is_lost = False
        # Why the last attempt to open a connection failed; None after a success.
        self.problem: GraphProblem | None = None
        self._connector = opener
        self._settings = settings
        self._slots = asyncio.Semaphore(settings.pool_max)
        self._idle: list[Connection] = []
        # Connections of an older generation lead to the address before a failover.
        self._generation = 0
        self._failures = 0
        self._pace = MIN_PROBE_INTERVAL_SECONDS
        self._tried_at = 0.0
        self._probe: asyncio.Task[GraphProblem | None] | None = None
        self._chores: set[asyncio.Task[Any]] = set()

    @property
    def name(self) -> str:
        """host:port"""
        return self._connector.name

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Connection]:
        """Acquire a connection for one traversal, at most `pool_max` at a time, in order of arrival.

        The connection returns to the pool after an answer or an engine error, and is discarded otherwise. Raises the
        errors of `Connector.connect`.
        """
        async with self._slots:
            socket = await self._acquire()
            try:
                yield socket
            finally:
                self._release(socket)

    def renew_credentials(self) -> None:
        """Sign the next connections with new credentials."""
        self._connector.renew_credentials()

    def retire_connections(self) -> None:
        """Stop using the connections that are open now, because the host name may resolve to another server."""
        self._generation += 1
        for socket in self._idle.copy():
            self._discard(socket)

    def probe(self) -> None:
        """Try to reach a lost endpoint in the background, unless an attempt is running."""
        if self.is_lost and self._probe is None:
            self._probe = self._spawn(self._probe_once())

    async def close(self) -> None:
        """Close all connections. No traversal may be running."""
        self._generation += 1
        if self._probe:
            self._probe.cancel()
        for socket in self._idle.copy():
            self._discard(socket, politely=True)
        while self._chores:
            await asyncio.wait(self._chores)

    async def _acquire(self) -> Connection:
        while True:
            socket = await self._pop_idle()
            if socket:
                return socket
            if not self.is_lost:
                return await self._open()
            self.probe()
            assert self._probe is not None  # noqa: S101
            # The cancellation of one caller must not cancel the attempt that the others wait for.
            self.problem = await asyncio.shield(self._probe)
            if self.problem and not isinstance(self.problem, Unreachable):
                raise self.problem

    async def _pop_idle(self) -> Connection | None:
        """Return the most recently used idle connection that is alive, or None. The others may expire."""
        while self._idle:
            socket = self._idle.pop()
            alive = False
            try:
                alive = socket.is_usable and (
                    socket.idle_seconds < PING_AFTER_IDLE_SECONDS or await socket.is_responsive(PING_TIMEOUT_SECONDS)
                )
            finally:
                if not alive:
                    self._discard(socket)
            if alive:
                return socket
            # Connections idle for as long as a dead one are assumed dead; pinging each would cost 0.5 s.
            for other in [each for each in self._idle if each.idle_seconds >= PING_AFTER_IDLE_SECONDS]:
                self._discard(other)
        return None

    async def _open(self) -> Connection:
        generation = self._generation
        self._tried_at = time.monotonic()
        try:
            session, web_socket, address = await self._connector.connect()
        except Unreachable as problem:
            self.problem = problem
            self._failures += 1
            self.is_lost = self.is_lost or self._failures >= LOST_AFTER_FAILURES
            raise
        self._mark_reachable()
        return Connection(
            session,
            web_socket,
            address=address,
            generation=generation,
            max_age=self._settings.socket_seconds,
            message_bytes=self._settings.message_bytes,
            on_end=self._discard,
        )

    def _mark_reachable(self) -> None:
        self.is_lost = False
        self.problem = None
        self._failures = 0
        self._pace = MIN_PROBE_INTERVAL_SECONDS

    async def _probe_once(self) -> GraphProblem | None:
        try:
            # Jitter: many processes lose an engine at the same time and must not return at the same time.
            pace = self._pace * random.uniform(0.5, 1.0)  # noqa: S311
            await asyncio.sleep(self._tried_at + pace - time.monotonic())
            self._pace = min(2 * self._pace, MAX_PROBE_INTERVAL_SECONDS)
            self._release(await self._open())
        except GraphProblem as problem:
            return problem
        finally:
            self._probe = None
        return None

    def _release(self, socket: Connection) -> None:
        # A connection with a pending traversal is not usable: the next traversal would receive its rows.
        if socket.is_usable and socket.generation == self._generation and len(self._idle) < self._settings.pool_max:
            self._mark_reachable()
            socket.mark_idle()
            self._idle.append(socket)
        else:
            self._discard(socket)

    def _discard(self, socket: Connection, *, politely: bool = False) -> None:
        """Close a connection and stop counting it. A second call does nothing."""
        if socket in self._idle:
            self._idle.remove(socket)
        if not socket.is_discarded:
            socket.is_discarded = True
            self._connector.balancer.count_closed(socket.address)
            self._spawn(socket.close(politely=politely))

    def _spawn(self, chore: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(chore)
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)
        return task
