"""Opens web sockets: address, signature and TLS, and the meaning of a refused handshake."""

import asyncio
import os
import ssl
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from functools import cached_property
from typing import Any, Protocol
from urllib.parse import urlsplit

from aiohttp import (
    ClientConnectorCertificateError,
    ClientConnectorError,
    ClientConnectorSSLError,
    ClientError,
    ClientSession,
    ClientWSTimeout,
    DummyCookieJar,
    TCPConnector,
    WSServerHandshakeError,
)

from datasources.config import GraphSettings
from datasources.graph.gremlin.client.connection import CLOSE_TIMEOUT_SECONDS, WebSocket
from datasources.graph.gremlin.client.errors import (
    GraphProblem,
    HandshakeDenied,
    InvalidConfiguration,
    Unreachable,
    UntrustedCertificate,
)
from datasources.graph.gremlin.client.load_balancer import LoadBalancer, PinnedResolver, Resolve

DENIED_STATUSES = frozenset({401, 403})
# Too many connections, or a proxy whose engine is unavailable.
TRANSIENT_STATUSES = frozenset({408, 429, 500, 502, 503, 504})


# Returns botocore credentials, which refresh themselves before they expire, or None without credentials.
FindCredentials = Callable[[], Any]


class HeaderSigner(Protocol):
    """Creates the headers of the handshake of a web socket."""

    def headers(self, url: str) -> Mapping[str, str]: ...
    def renew_credentials(self) -> None: ...


class Connector:
    """Opens web sockets to one URL, on one event loop. `blocking` runs the calls that block."""

    def __init__(
        self, url: str, settings: GraphSettings, signer: HeaderSigner | None, resolve: Resolve, blocking: Executor
    ) -> None:
        parts = urlsplit(url)
        self._url = url
        self._secure = parts.scheme == "wss"
        self._settings = settings
        self._signer = signer
        self._blocking = blocking
        host = parts.hostname or ""
        port = parts.port or (443 if self._secure else 80)
        self.name = f"{host}:{port}"
        self.balancer = LoadBalancer(host, port, resolve)

    async def connect(self) -> tuple[ClientSession, WebSocket, str]:
        """Open a web socket and return it with its address, which `balancer` counts until `count_closed` is called.

        Tries each address of the host once, within connect_timeout. Raises Unreachable, HandshakeDenied,
        UntrustedCertificate or InvalidConfiguration.
        """
        ends_at = time.monotonic() + self._settings.connect_timeout
        try:
            async with asyncio.timeout(self._settings.connect_timeout):
                addresses = await self.balancer.addresses()
                headers = await self._headers()
        except TimeoutError as error:
            raise Unreachable(f"the name or the credentials of {self.name} could not be resolved in time") from error
        except OSError as error:
            raise Unreachable(f"the name service does not know {self.name} ({error}): check GRAPH_URL") from error
        problem: Unreachable | None = None
        for number, address in enumerate(addresses):
            # Divide the remaining time by the remaining addresses, so that a dead one leaves time for the others.
            seconds = max(0.0, ends_at - time.monotonic()) / (len(addresses) - number)
            self.balancer.count_opening(address)
            opened = False
            try:
                async with asyncio.timeout(seconds):
                    session, web_socket = await self._connect(address, headers)
                opened = True
                return session, web_socket, address
            except TimeoutError:
                problem = Unreachable(f"{self.name} did not answer within {self._settings.connect_timeout:g} s")
            except Unreachable as error:
                problem = error
            finally:
                if not opened:
                    self.balancer.count_failed(address)
        raise problem or Unreachable(f"{self.name} has no address")

    def renew_credentials(self) -> None:
        """Fetch new credentials for the next web socket. Raises nothing."""
        if self._signer:
            self._signer.renew_credentials()

    async def _headers(self) -> Mapping[str, str]:
        if self._signer is None:
            return {}
        return await asyncio.get_running_loop().run_in_executor(self._blocking, self._signer.headers, self._url)

    async def _connect(self, address: str, headers: Mapping[str, str]) -> tuple[ClientSession, WebSocket]:
        connector = TCPConnector(
            ssl=self._ssl_context if self._secure else True,
            resolver=PinnedResolver(address),
            use_dns_cache=False,
            force_close=True,
        )
        session = ClientSession(connector=connector, cookie_jar=DummyCookieJar(), ws_response_class=WebSocket)
        opened = False
        try:
            web_socket: Any = await session.ws_connect(
                self._url,
                headers=headers,
                max_msg_size=self._settings.message_bytes,
                # The connection waits for pongs itself, and one reader decodes text and bytes.
                autoping=False,
                decode_text=False,
                timeout=ClientWSTimeout(ws_close=CLOSE_TIMEOUT_SECONDS),
            )
            opened = True
            return session, web_socket
        except (ClientError, OSError) as error:
            raise self._to_problem(error) from error
        finally:
            if not opened:
                await session.close()

    def _to_problem(self, error: Exception) -> GraphProblem:
        if isinstance(error, WSServerHandshakeError):
            if error.status in DENIED_STATUSES:
                return HandshakeDenied(error.status)
            if error.status in TRANSIENT_STATUSES:
                return Unreachable(f"{self.name} refused the web socket with {error.status}")
            return InvalidConfiguration(
                f"{self.name} is no Gremlin engine at this path (status {error.status}): check the path in GRAPH_URL"
            )
        if isinstance(error, ClientConnectorCertificateError):
            reason = getattr(error.certificate_error, "verify_message", "") or str(error.certificate_error)
            return UntrustedCertificate(
                f"the certificate of {self.name} is not trusted ({reason}): check GRAPH_CA_FILE"
            )
        if isinstance(error, ClientConnectorSSLError) and "WRONG_VERSION_NUMBER" in str(error):
            return InvalidConfiguration(f"{self.name} does not speak TLS: check the scheme in GRAPH_URL")
        cause = error.os_error if isinstance(error, ClientConnectorError) else error
        reason = os.strerror(cause.errno) if isinstance(cause, OSError) and cause.errno else str(cause)
        return Unreachable(f"{self.name} cannot be reached: {reason or type(cause).__name__}")

    @cached_property
    def _ssl_context(self) -> ssl.SSLContext:
        # Loads hundreds of certificates: once, and only when a web socket is opened.
        try:
            context = ssl.create_default_context(cafile=self._settings.ca_file)
        except OSError as error:
            raise InvalidConfiguration(f"GRAPH_CA_FILE cannot be read: {error.strerror or error}") from error
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context
