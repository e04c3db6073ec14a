"""The double itself: a thread with its own loop, a writer's port and a reader's."""

import asyncio
import threading
from concurrent.futures import Future
from functools import partial
from types import TracebackType
from typing import Self

from aiohttp import ClientSession, web

from datasources.embedded.neptune_like import access
from datasources.embedded.neptune_like.answers import Refusal
from datasources.embedded.neptune_like.connection import Connection
from datasources.embedded.neptune_like.faults import Draws, Faults
from datasources.embedded.neptune_like.rules import Rules
from datasources.embedded.neptune_like.seen import Handshake, Seen

WRITER = "writer"
READER = "reader"


class NeptuneLike:
    """Neptune's ways in front of a Gremlin Server at `upstream`. No TLS: it listens on loopback alone.

    `rules` and `faults` may be set from any thread while it runs: rules hold for new connections, faults at once.
    `reader_upstream` gives the reader a store of its own, a replica that never catches up; without it the reader
    sees every write at once, which Neptune does not promise.
    """

    def __init__(
        self,
        upstream: str,
        rules: Rules | None = None,
        faults: Faults | None = None,
        host: str = "127.0.0.1",
        reader_upstream: str | None = None,
    ) -> None:
        self.host = host
        self.rules = rules or Rules()
        self.seen = Seen()
        self._draws = Draws(faults or Faults())
        self._upstreams = {WRITER: upstream, READER: reader_upstream or upstream}
        self._ports = {WRITER: 0, READER: 0}
        self._open: dict[str, set[Connection]] = {WRITER: set(), READER: set()}
        self._accepted = 0
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end = asyncio.Event()

    @property
    def url(self) -> str:
        """Where writes go: ws://HOST:PORT/gremlin. The port is found by the first start and kept."""
        return f"ws://{self.host}:{self._ports[WRITER]}/gremlin"

    @property
    def reader_url(self) -> str:
        """Where only reads are allowed."""
        return f"ws://{self.host}:{self._ports[READER]}/gremlin"

    @property
    def faults(self) -> Faults:
        """The faults still to come: counts show what is left of them."""
        return self._draws.left

    @faults.setter
    def faults(self, faults: Faults) -> None:
        # New draws, not a changed field: what the loop's thread uses up of the old ones can't undo this.
        self._draws = Draws(faults)

    def start(self) -> Self:
        """Listen, on the ports of last time if it ran before. OSError if they are taken."""
        ready: Future[None] = Future()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(ready)), name="neptune-like", daemon=True
        )
        self._thread.start()
        ready.result(timeout=10)
        return self

    def stop(self) -> None:
        """End every connection and stop listening; returns when the thread has ended."""
        if self._thread is not None and self._loop is not None:
            self._loop.call_soon_threadsafe(self._end.set)
            self._thread.join(timeout=10)
            self._thread = None

    def drop_connections(self) -> None:
        """End every connection without a close frame, as at a fail-over. New ones are accepted at once."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._abort_all)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def _serve(self, ready: "Future[None]") -> None:
        self._loop = asyncio.get_running_loop()
        self._end = asyncio.Event()
        async with ClientSession() as session:
            runners: list[web.AppRunner] = []
            try:
                for endpoint in (WRITER, READER):
                    runners.append(await self._listen(session, endpoint))
            except OSError as error:
                ready.set_exception(error)
            else:
                ready.set_result(None)
                await self._end.wait()
            finally:
                self._abort_all()
                for runner in runners:
                    await runner.cleanup()

    async def _listen(self, session: ClientSession, endpoint: str) -> web.AppRunner:
        app = web.Application()
        app.router.add_get("/gremlin", partial(self._handshake, session, endpoint))
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, self.host, self._ports[endpoint]).start()
        self._ports[endpoint] = runner.addresses[0][1]
        return runner

    async def _handshake(self, session: ClientSession, endpoint: str, request: web.Request) -> web.StreamResponse:
        refused = access.refusal(request.method, request.path_qs, request.headers, self.rules)
        status = None if refused else self._draws.refusal()
        if status is None and refused is None and len(self._open[endpoint]) >= self.rules.max_connections:
            refused = Refusal("TooManyRequestsException")
        if status is not None:
            response = web.json_response(Refusal("ThrottlingException").document(""), status=status)
        elif refused is not None:
            response = access.answer(refused)
        else:
            self.seen.handshakes.append(Handshake(endpoint, dict(request.headers), 101))
            return await self._connect(session, endpoint, request)
        self.seen.handshakes.append(Handshake(endpoint, dict(request.headers), response.status))
        return response

    async def _connect(self, session: ClientSession, endpoint: str, request: web.Request) -> web.StreamResponse:
        self._accepted += 1
        connection = Connection(
            request, self.seen.requests.append, lambda: self._draws, self.rules, endpoint, self._accepted
        )
        self._open[endpoint].add(connection)
        try:
            return await connection.run(session, self._upstreams[endpoint])
        finally:
            self._open[endpoint].discard(connection)

    def _abort_all(self) -> None:
        for connections in self._open.values():
            for connection in tuple(connections):
                connection.abort()
