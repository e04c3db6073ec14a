"""The web sockets to one endpoint: how many there may be, which is used next, and whether it is lost."""

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

# A socket idle for longer is asked for a sign of life first: a function that was frozen wakes to sockets that ended
# unseen, and 5 s is far beyond the pauses between the traversals of one request.
PING_AFTER_IDLE_SECONDS = 5.0
PING_TIMEOUT_SECONDS = 0.5
LOST_AFTER_FAILURES = 3
MIN_PROBE_INTERVAL_SECONDS = 0.1
MAX_PROBE_INTERVAL_SECONDS = 1.0


class ConnectionPool:
    """For one event loop; `lost` may be read from any thread.

    After three failures in a row to open a socket it is lost: then one socket at a time is tried, paced, and who
    needs one waits for how that ends. A first success, or an answer on a socket that still stands, finds it again.
    """

    def __init__(self, opener: Connector, settings: GraphSettings) -> None:
        self.is_lost = False
        # Why the last try to open a socket failed; None while sockets can be opened.
        self.problem: GraphProblem | None = None
        self._connector = opener
        self._settings = settings
        self._slots = asyncio.Semaphore(settings.pool_max)
        self._idle: list[Connection] = []
        # Sockets of an older era lead to where the name led before a failover.
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
        """A socket for one traversal, at most `pool_max` at a time; who comes first is served first.

        Kept for the next one after an answer, be it an error; thrown away after anything else. Raises what opening
        one raises.
        """
        async with self._slots:
            socket = await self._acquire()
            try:
                yield socket
            finally:
                self._release(socket)

    def renew_credentials(self) -> None:
        """Sign the next sockets with new credentials."""
        self._connector.renew_credentials()

    def retire_connections(self) -> None:
        """Use none of the sockets that are open now: the name may lead elsewhere."""
        self._generation += 1
        for socket in self._idle.copy():
            self._discard(socket)

    def probe(self) -> None:
        """Try to reach it in the background, if it is lost and nobody tries yet."""
        if self.is_lost and self._probe is None:
            self._probe = self._spawn(self._probe_once())

    async def close(self) -> None:
        """End all sockets. Nothing may be under way."""
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
            # Who gives up must not take the others' probe along.
            self.problem = await asyncio.shield(self._probe)
            if self.problem and not isinstance(self.problem, Unreachable):
                raise self.problem

    async def _pop_idle(self) -> Connection | None:
        """The idle socket used last, alive as far as can be told: the others may fall asleep and end."""
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
            # They slept as long as this one: waiting for each in turn would cost each its half second.
            for other in [each for each in self._idle if each.idle_seconds >= PING_AFTER_IDLE_SECONDS]:
                self._discard(other)
        return None

    async def _open(self) -> Connection:
        era = self._generation
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
            generation=era,
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
            # Many processes lose an engine at one time: they are not to come back at one time.
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
        # With a traversal under way it is not usable: its rows would come as the answer to the next one.
        if socket.is_usable and socket.generation == self._generation and len(self._idle) < self._settings.pool_max:
            self._mark_reachable()
            socket.mark_idle()
            self._idle.append(socket)
        else:
            self._discard(socket)

    def _discard(self, socket: Connection, *, politely: bool = False) -> None:
        """It counts no more from now on. Does nothing the second time."""
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
