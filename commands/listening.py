"""The socket and the HTTP server on it."""

import asyncio
import errno
import ipaddress
import os
import socket as sockets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import uvicorn

from commands.exits import CommandError, Exit
from commands.signals import Stopping
from datasources.seen.logs import configure
from schema.event_stream import OpenStreams
from settings import Settings

# Seconds: what running requests get after the first signal, and how long an idle connection stays open.
GRACE = 10
IDLE = 65
BACKLOG = 512


class PortBusy(Exception):
    """Another program listens on the address. The message names it."""


def overridden(host: str | None, port: int | None) -> Mapping[str, str]:
    """The environment, with what the command line says instead."""
    said = {"STACKFLOW_HOST": host, "STACKFLOW_PORT": None if port is None else str(port)}
    return os.environ | {name: value for name, value in said.items() if value is not None}


def bound(host: str, port: int) -> sockets.socket:
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


def address(socket: sockets.socket) -> str:
    """The URL of a bound socket, without a path."""
    host, port = socket.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{shown}:{port}"


def on_loopback(socket: sockets.socket) -> bool:
    """Whether only this machine can reach the bound socket."""
    return ipaddress.ip_address(socket.getsockname()[0]).is_loopback


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, streams: OpenStreams) -> None:
        super().__init__(config)
        self._streams = streams

    async def shutdown(self, sockets: list[sockets.socket] | None = None) -> None:
        # A stream has no end of its own to wait for.
        self._streams.end()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        # Signals are Stopping's: uvicorn would raise them anew after its end, in the middle of stopping stores.
        yield


def run(application: Any, socket: sockets.socket, settings: Settings, stopping: Stopping) -> None:
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
            timeout_keep_alive=IDLE,
            timeout_graceful_shutdown=GRACE,
        ),
        application.state.streams,
    )
    stopping.watch(server)
    asyncio.run(server.serve(sockets=[socket]))
    if not server.started and not stopping.asked:
        raise CommandError("the application did not start; its log above says why")
