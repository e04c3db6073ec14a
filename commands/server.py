"""The socket and the HTTP server on it."""

import asyncio
import errno
import ipaddress
import logging
import os
import socket as sockets
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from commands.exit_codes import CommandError, Exit
from commands.signals import GracefulShutdown
from datasources.observability.logs import configure
from schema.http.server_sent_events import OpenStreams
from settings import Settings

# Seconds that running requests get after the first signal; seconds of signals.STOP_SECONDS that are left to the stores
# when what works besides requests is cancelled, which takes at most the third.
GRACEFUL_SHUTDOWN_SECONDS = 5
STORES_SECONDS = 3.5
CANCEL_SECONDS = 1.0
# Seconds for which an idle connection stays open.
KEEP_ALIVE_SECONDS = 65
BACKLOG = 512
# Seconds for the headers of a request to come, from the connection on or from their first byte.
HEADER_SECONDS = 10.0
# Of a request line with its headers; uvicorn's own bound.
MAX_HEADER_BYTES = 65_536
# A body in more chunks than that, of fewer bytes each on average, is refused: a chunk costs 11 us whatever its size, so
# a body of 2 MB in chunks of one byte would hold up all others for seconds.
MAX_SMALL_CHUNKS = 4_096
MIN_CHUNK_BYTES = 16
# Connections at a time, besides those of streams; more get 503.
MAX_CONNECTIONS = 4_000


class PortBusy(Exception):
    """Another program listens on the address. The message names it."""


def override_environment(host: str | None, port: int | None) -> Mapping[str, str]:
    """The environment, with what the command line says instead."""
    said = {"STACKFLOW_HOST": host, "STACKFLOW_PORT": None if port is None else str(port)}
    return os.environ | {name: value for name, value in said.items() if value is not None}


def bind_socket(host: str, port: int) -> sockets.socket:
    """A socket bound to the address and listening, so that nobody can take it while stores start.

    PortBusy if somebody has it; CommandError if it can't be had at all.
    """
    try:
        family, kind, protocol, _, address = sockets.getaddrinfo(
            host, port, type=sockets.SOCK_STREAM, flags=sockets.AI_PASSIVE
        )[0]
    except sockets.gaierror as error:
        raise CommandError(f"cannot listen on {host}: {error.strerror}; set STACKFLOW_HOST", Exit.USAGE) from error
    found = sockets.socket(family, kind, protocol)
    try:
        found.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEADDR, 1)
        found.bind(address)
        found.listen(BACKLOG)
    except OSError as error:
        found.close()
        if error.errno == errno.EADDRINUSE:
            raise PortBusy(f"port {port} on {host} is in use") from error
        raise CommandError(
            f"cannot listen on port {port} of {host}: {error.strerror}; set STACKFLOW_HOST or STACKFLOW_PORT",
            Exit.USAGE,
        ) from error
    return found


def url_of(socket: sockets.socket) -> str:
    """The URL of a bound socket, without a path."""
    host, port = socket.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{shown}:{port}"


def is_on_loopback(socket: sockets.socket) -> bool:
    """Whether only this machine can reach the bound socket."""
    return ipaddress.ip_address(socket.getsockname()[0]).is_loopback


class ChunkLimitedConnection(h11.Connection):
    """HTTP/1.1 that refuses a body in many small chunks; `refused` says that it did."""

    refused = False
    _chunks = 0
    _bytes = 0

    def next_event(self) -> Any:
        """As h11's. RemoteProtocolError for such a body, which uvicorn answers with 400 and a closed connection."""
        event = super().next_event()
        if type(event) is h11.Data:
            # What came of a chunk with one read of the socket is no chunk of its own.
            self._chunks += event.chunk_end
            self._bytes += len(event.data)
            if self._chunks > MAX_SMALL_CHUNKS and self._bytes < self._chunks * MIN_CHUNK_BYTES:
                self.refused = True
                raise h11.RemoteProtocolError("the body comes in too many small chunks")
        elif type(event) is h11.Request:
            self._chunks = self._bytes = 0
        return event


class TimedProtocol(H11Protocol):
    """HTTP/1.1 that closes a connection whose headers do not come: uvicorn knows a timeout between requests only."""

    _waiting: asyncio.TimerHandle | None = None

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.conn: ChunkLimitedConnection = ChunkLimitedConnection(h11.SERVER, MAX_HEADER_BYTES)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._unwatch()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        # What stands behind the answered request may be the beginning of another one.
        self._watch(idle=True)

    def send_400_response(self, msg: str) -> None:
        if self.conn.refused:
            msg = f"More than {MAX_SMALL_CHUNKS:,} chunks of fewer than {MIN_CHUNK_BYTES} bytes; send larger ones."
        super().send_400_response(msg)

    def _watch(self, *, idle: bool = False) -> None:
        if self.cycle is not None and not self.cycle.response_complete:
            self._unwatch()
        elif self._waiting is None and not self.transport.is_closing() and not (idle and self._is_idle()):
            self._waiting = self.loop.call_later(HEADER_SECONDS, self.transport.close)

    def _is_idle(self) -> bool:
        return not self.conn.trailing_data[0]

    def _unwatch(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, streams: OpenStreams, stopping: GracefulShutdown) -> None:
        super().__init__(config)
        self._streams = streams
        self._stopping = stopping

    async def shutdown(self, sockets: list[sockets.socket] | None = None) -> None:
        # A stream has no end of its own to wait for.
        self._streams.stop_all()
        ending = asyncio.ensure_future(super().shutdown(sockets))
        while not ending.done() and self._stopping.remaining_seconds() > STORES_SECONDS:
            await asyncio.wait({ending}, timeout=0.1)
        if self.force_exit and self.server_state.tasks:
            self._note_requests()
        if not ending.done() or self.force_exit:
            # What follows the outbox and the queues: cancelled as the loop is closed, which rolls it back.
            self._stopping.cut_off.append("the workers")

    async def _wait_tasks_to_complete(self) -> None:
        try:
            await super()._wait_tasks_to_complete()
        except asyncio.CancelledError:
            # GRACE is over.
            self._note_requests()
            raise

    def _note_requests(self) -> None:
        self._stopping.cut_off.append(f"requests: {len(self.server_state.tasks)}")
        _silence_logs()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        # Signals are Stopping's: uvicorn would raise them anew after its end, in the middle of stopping stores.
        yield


def run(application: Any, socket: sockets.socket, settings: Settings, stopping: GracefulShutdown) -> None:
    """Serve the ASGI application on the socket until `stopping` hears a signal."""
    configure(settings.log_level, settings.seen)
    server = _Server(
        uvicorn.Config(
            application,
            access_log=False,
            log_config=None,
            log_level="warning",
            server_header=False,
            proxy_headers=False,
            lifespan="auto",
            ws="none",
            http=TimedProtocol,
            limit_concurrency=MAX_CONNECTIONS + settings.limits.streams,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_SECONDS,
        ),
        application.state.streams,
        stopping,
    )
    stopping.attach(server)
    _run(server.serve(sockets=[socket]), stopping)
    if not server.started and not stopping.is_requested:
        raise CommandError("the application did not start; its log above says why")


def _silence_logs() -> None:
    # Being cut off raises tracebacks in each of these. One line at the end says what was.
    for name in ("uvicorn.error", "asyncio", "psycopg.pool"):
        logging.getLogger(name).disabled = True


def _run(serving: Coroutine[Any, Any, None], stopping: GracefulShutdown) -> None:
    # As asyncio.run, which waits without a bound for what it cancels; and the pools of psycopg swallow that while they
    # connect to a server that hangs.
    loop = asyncio.new_event_loop()
    try:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(serving)
    finally:
        if left := asyncio.all_tasks(loop):
            _silence_logs()
            for task in left:
                task.cancel()
            seconds = min(CANCEL_SECONDS, stopping.remaining_seconds())
            loop.run_until_complete(asyncio.wait(left, timeout=max(0.0, seconds)))
        loop.run_until_complete(loop.shutdown_asyncgens())
        asyncio.set_event_loop(None)
        loop.close()
