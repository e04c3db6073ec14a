"""The listening socket and the HTTP server (uvicorn) on it."""

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
from commands.http_server.signals import GracefulShutdown
from datasources.observability.logs import configure
from schema.http.server_sent_events import OpenStreams
from settings import Settings

# Seconds for running requests after the first signal.
GRACEFUL_SHUTDOWN_SECONDS = 5
# Seconds of signals.STOP_SECONDS that are reserved for the stores; then background tasks are cancelled.
STORES_SECONDS = 3.5
# Seconds for the cancellation of background tasks.
CANCEL_SECONDS = 1.0
# Seconds for which an idle connection stays open.
KEEP_ALIVE_SECONDS = 65
BACKLOG = 512
# Seconds for the headers of a request to arrive, from the connection or from their first byte.
HEADER_SECONDS = 10.0
# Bytes of a request line with its headers; the default of uvicorn.
MAX_HEADER_BYTES = 65_536
# A body with more chunks than this, of fewer bytes on average than MIN_CHUNK_BYTES, is rejected: a chunk costs 11 us
# whatever its size, so a body of 2 MB in chunks of one byte would block all other requests for seconds.
MAX_SMALL_CHUNKS = 4_096
MIN_CHUNK_BYTES = 16
# Simultaneous connections, in addition to those of streams; further ones get 503.
MAX_CONNECTIONS = 4_000


class PortBusy(Exception):
    """Another program listens on the address, which the message names."""


def override_environment(host: str | None, port: int | None) -> Mapping[str, str]:
    """Return the environment, overridden by options of the command line."""
    overrides = {"STACKFLOW_HOST": host, "STACKFLOW_PORT": None if port is None else str(port)}
    return os.environ | {name: value for name, value in overrides.items() if value is not None}


def bind_socket(host: str, port: int) -> sockets.socket:
    """Bind a listening socket to the address, so that no other program can take it while the stores start.

    PortBusy if another program has it; CommandError if it cannot be bound.
    """
    try:
        family, kind, protocol, _, address = sockets.getaddrinfo(
            host, port, type=sockets.SOCK_STREAM, flags=sockets.AI_PASSIVE
        )[0]
    except sockets.gaierror as error:
        raise CommandError(f"cannot listen on {host}: {error.strerror}; set STACKFLOW_HOST", Exit.USAGE) from error
    bound = sockets.socket(family, kind, protocol)
    try:
        bound.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(BACKLOG)
    except OSError as error:
        bound.close()
        if error.errno == errno.EADDRINUSE:
            raise PortBusy(f"port {port} on {host} is in use") from error
        raise CommandError(
            f"cannot listen on port {port} of {host}: {error.strerror}; set STACKFLOW_HOST or STACKFLOW_PORT",
            Exit.USAGE,
        ) from error
    return bound


def url_of(socket: sockets.socket) -> str:
    """Return the URL of a bound socket, without a path."""
    host, port = socket.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{shown}:{port}"


def is_on_loopback(socket: sockets.socket) -> bool:
    """Whether only this machine can reach the bound socket."""
    return ipaddress.ip_address(socket.getsockname()[0]).is_loopback


class ChunkLimitedConnection(h11.Connection):
    """An HTTP/1.1 connection that rejects a body in many small chunks; then `refused` is true."""

    refused = False
    _chunks = 0
    _bytes = 0

    def next_event(self) -> Any:
        """Return the next event. RemoteProtocolError for such a body; uvicorn responds 400 and closes."""
        event = super().next_event()
        if type(event) is h11.Data:
            # One chunk can arrive in several reads of the socket; count only its end.
            self._chunks += event.chunk_end
            self._bytes += len(event.data)
            if self._chunks > MAX_SMALL_CHUNKS and self._bytes < self._chunks * MIN_CHUNK_BYTES:
                self.refused = True
                raise h11.RemoteProtocolError("the body comes in too many small chunks")
        elif type(event) is h11.Request:
            self._chunks = self._bytes = 0
        return event


class TimedProtocol(H11Protocol):
    """HTTP/1.1 that closes a connection whose headers do not arrive: uvicorn only has a timeout between requests."""

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
        # Data after the completed request can be the beginning of the next one.
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
        # A stream does not end by itself.
        self._streams.stop_all()
        shutdown = asyncio.ensure_future(super().shutdown(sockets))
        while not shutdown.done() and self._stopping.remaining_seconds() > STORES_SECONDS:
            await asyncio.wait({shutdown}, timeout=0.1)
        if self.force_exit and self.server_state.tasks:
            self._note_requests()
        if not shutdown.done() or self.force_exit:
            # The background workers are cancelled when the loop is closed, which rolls back their transactions.
            self._stopping.cut_off.append("the workers")

    async def _wait_tasks_to_complete(self) -> None:
        try:
            await super()._wait_tasks_to_complete()
        except asyncio.CancelledError:
            # GRACEFUL_SHUTDOWN_SECONDS have passed.
            self._note_requests()
            raise

    def _note_requests(self) -> None:
        self._stopping.cut_off.append(f"requests: {len(self.server_state.tasks)}")
        _silence_logs()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        # GracefulShutdown handles signals: uvicorn would raise them again after its end, while the stores stop.
        yield


def run(application: Any, socket: sockets.socket, settings: Settings, stopping: GracefulShutdown) -> None:
    """Serve the ASGI application on the socket until `stopping` receives a signal."""
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
            limit_concurrency=MAX_CONNECTIONS + settings.server.streams,
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
    # Cancelled tasks log tracebacks in each of these loggers. One line at the end reports what was cut off.
    for name in ("uvicorn.error", "asyncio", "psycopg.pool"):
        logging.getLogger(name).disabled = True


def _run(serving: Coroutine[Any, Any, None], stopping: GracefulShutdown) -> None:
    # Like asyncio.run, but with a bound: asyncio.run waits for cancelled tasks for ever, and psycopg pools ignore
    # the cancellation while they connect to a server that hangs.
    loop = asyncio.new_event_loop()
    try:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(serving)
    finally:
        if remaining := asyncio.all_tasks(loop):
            _silence_logs()
            for task in remaining:
                task.cancel()
            seconds = min(CANCEL_SECONDS, stopping.remaining_seconds())
            loop.run_until_complete(asyncio.wait(remaining, timeout=max(0.0, seconds)))
        loop.run_until_complete(loop.shutdown_asyncgens())
        asyncio.set_event_loop(None)
        loop.close()
