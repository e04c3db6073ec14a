"""The double: a thread with its own event loop, a writer port and a reader port."""

import asyncio
import threading
from concurrent.futures import Future
from functools import partial
from types import TracebackType
from typing import Self

from aiohttp import ClientError, ClientSession, web

from datasources.embedded.neptune_like import access
from datasources.embedded.neptune_like.connection import Connection
from datasources.embedded.neptune_like.errors import Refusal
from datasources.embedded.neptune_like.faults import Faults, FaultSampler
from datasources.embedded.neptune_like.limits import ClusterSettings
from datasources.embedded.neptune_like.recorder import Handshake, RequestLog

WRITER = "writer"
READER = "reader"
FORBIDDEN = 403


class NeptuneLike:
    """Behaves like Neptune in front of a Gremlin Server at `upstream`. No TLS: it listens only on loopback.

    `rules` and `faults` may be set from any thread while it runs: rules apply to new connections, faults immediately.
    `reader_upstream` gives the reader a separate store, a replica that never catches up; without it the reader
    sees every write immediately, which Neptune does not guarantee. `keep` is the number of requests that `request_log`
    retains.
    """

    def __init__(
        self,
        upstream: str,
        rules: ClusterSettings | None = None,
        faults: Faults | None = None,
        host: str = "127.0.0.1",
        reader_upstream: str | None = None,
        keep: int = 100_000,
    ) -> None:
        self.host = host
        self.rules = rules or ClusterSettings()
        self.request_log = RequestLog(keep)
        self._draws = FaultSampler(faults or Faults())
        self._upstreams = {WRITER: upstream, READER: reader_upstream or upstream}
        self._ports = {WRITER: 0, READER: 0}
        self._open: dict[str, set[Connection]] = {WRITER: set(), READER: set()}
        self._accepted = 0
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end = asyncio.Event()

    @property
    def url(self) -> str:
        """The URL for writes: ws://HOST:PORT/gremlin. The first start chooses the port; later ones reuse it."""
        return f"ws://{self.host}:{self._ports[WRITER]}/gremlin"

    @property
    def reader_url(self) -> str:
        """The URL for reads only."""
        return f"ws://{self.host}:{self._ports[READER]}/gremlin"

    @property
    def faults(self) -> Faults:
        """The remaining faults: counts decrease as faults occur."""
        return self._draws.left

    @faults.setter
    def faults(self, faults: Faults) -> None:
        # A new sampler, not a changed field: the loop's thread may still consume faults of the old one.
        self._draws = FaultSampler(faults)

    def start(self) -> Self:
        """Start to listen, on the previous ports if it ran before. Raises OSError if they are in use."""
        ready: Future[None] = Future()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(ready)), name="neptune-like", daemon=True
        )
        self._thread.start()
        ready.result(timeout=10)
        return self

    def stop(self) -> None:
        """Close every connection and stop listening; returns when the thread has ended."""
        if self._thread is not None and self._loop is not None:
            self._loop.call_soon_threadsafe(self._end.set)
            self._thread.join(timeout=10)
            if self._thread.is_alive():
                raise TimeoutError("the double's thread did not end")
            self._thread = None

    def drop_connections(self) -> None:
        """Close every connection without a close frame, as in a failover. New ones are accepted immediately."""
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
        refused = self._refusal(endpoint, request)
        if refused is not None:
            return self._record_handshake(endpoint, request, refused)
        connection = Connection(request, self.request_log.add, lambda: self._draws, self.rules, endpoint)
        # Added before the first await, so that two connections cannot take the last slot.
        self._open[endpoint].add(connection)
        try:
            up = await session.ws_connect(self._upstreams[endpoint], max_msg_size=0)
            self._record_handshake(endpoint, request, web.Response(status=101))
            self._accepted += 1
            return await connection.run(up, self._accepted)
        except (ClientError, OSError):
            return self._record_handshake(endpoint, request, web.Response(status=503))
        finally:
            self._open[endpoint].discard(connection)

    def _refusal(self, endpoint: str, request: web.Request) -> web.Response | None:
        refused = access.check_access(request.method, request.path_qs, request.headers, self.rules)
        if refused is not None:
            return access.refusal_response(refused)
        status = self._draws.next_refusal()
        if status is not None:
            code = "AccessDeniedException" if status == FORBIDDEN else "TooManyRequestsException"
            return access.refusal_response(Refusal(code), status)
        if len(self._open[endpoint]) >= self.rules.max_connections:
            return access.refusal_response(Refusal("TooManyRequestsException"))
        return None

    def _record_handshake(self, endpoint: str, request: web.Request, response: web.Response) -> web.Response:
        self.request_log.add(Handshake(endpoint, dict(request.headers), response.status))
        return response

    def _abort_all(self) -> None:
        for connections in self._open.values():
            for connection in tuple(connections):
                connection.abort()
