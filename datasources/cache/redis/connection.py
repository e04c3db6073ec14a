"""Connections to Redis: address, token, name, and TLS that is always verified."""

import ssl
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any
from urllib.parse import unquote, urlsplit

from redis.asyncio import BlockingConnectionPool, Connection, Redis, SSLConnection
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.credentials import CredentialProvider
from redis.exceptions import AuthenticationError, AuthorizationError
from redis.exceptions import ConnectionError as RedisConnectionError

from datasources.cache.redis.client_name import CLIENT_NAME, NamedConnection
from datasources.credentials.cached import Credential, CredentialCache
from datasources.errors import SourceUnavailable

MAX_CONNECTIONS = 16

# Seconds after which an unused connection is replaced, by a wall clock, as for the databases: the peer may have
# disappeared silently while Lambda was frozen. A new connection costs a few round trips, but a dead one costs the whole
# timeout and counts as a failure of the cache.
MAX_IDLE_SECONDS = 60.0


class ConnectionLiveness:
    """Which connections of one client are assumed to be alive."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.era = 0

    def invalidate_all(self) -> None:
        """Distrust all connections that have not answered since: where one fell silent, the others did as well."""
        self.era += 1


class CachedCredentialProvider(CredentialProvider):
    """Our credentials in the form of the client; it records which it returned last."""

    def __init__(self, credentials: CredentialCache) -> None:
        self.credentials = credentials

    async def get_credentials_async(self) -> tuple[str] | tuple[str, str]:
        try:
            credential = await self.credentials.current()
        except SourceUnavailable as error:
            raise RedisConnectionError(str(error)) from error
        _last_credential.set(credential)
        return (credential.password,) if credential.user is None else (credential.user, credential.password)


# The credential of this task's connection: several connections of one pool open concurrently.
_last_credential: ContextVar[Credential | None] = ContextVar("last_credential", default=None)


class AuthenticatedConnection(AbstractConnection):
    """A connection that signs in again if its token was rotated, and that is reopened if it may be dead."""

    def __init__(self, *, trusted: ConnectionLiveness, **options: Any) -> None:
        super().__init__(**options)
        self._trusted = trusted
        self._answered = trusted.clock(), trusted.era

    async def connect(self) -> None:
        """Connect, or reconnect if the connection may be dead. The client calls this before each command."""
        if self.is_connected and not self._is_trusted():
            await self.disconnect(nowait=True)
        if not self.is_connected:
            await self._signed_in()

    async def disconnect(self, *arguments: Any, **options: Any) -> None:
        """Disconnect without a closing handshake: Redis needs none, and TLS would wait for its reply."""
        if self._writer is not None:
            self._writer.transport.abort()
        await super().disconnect(*arguments, **options)

    async def read_response(self, *arguments: Any, **options: Any) -> Any:
        """Read a response, and record that the peer is alive."""
        response = await super().read_response(*arguments, **options)
        self._answered = self._trusted.clock(), self._trusted.era
        return response

    def _is_trusted(self) -> bool:
        current, era = self._answered
        # If the clock was set back, the age is unknown and the connection counts as alive.
        return era == self._trusted.era and self._trusted.clock() - current < MAX_IDLE_SECONDS

    async def _signed_in(self) -> None:
        provider = self.credential_provider
        try:
            await super().connect()  # type: ignore[no-untyped-call]
        except (AuthenticationError, AuthorizationError):
            last_credential = _last_credential.get()
            if not isinstance(provider, CachedCredentialProvider) or last_credential is None:
                raise
            if await provider.credentials.refresh_after_rejection(last_credential) is None:
                raise
            await super().connect()  # type: ignore[no-untyped-call]


class PlainConnection(NamedConnection, AuthenticatedConnection, Connection):
    """A connection without TLS, for loopback."""


class TlsConnection(NamedConnection, AuthenticatedConnection, SSLConnection):
    """A connection with TLS."""


def create_client(
    url: str,
    ca_file: str | None,
    timeout: float,
    credentials: CredentialCache | None = None,
    trusted: ConnectionLiveness | None = None,
) -> Redis:
    """Create a client for `redis://[user:]password@host:port/database`, or `rediss://` for TLS 1.2 and later.

    Does not connect. The query of the URL is ignored, so that it can't switch verification off. No retries: a failed
    cache costs less as a miss. `timeout`, in seconds, applies to connecting and to each reply. With `credentials` the
    URL contains none.
    """
    parts = urlsplit(url)
    database = parts.path.strip("/")
    tls: dict[str, Any] = {}
    if parts.scheme == "rediss":
        tls = {
            "ssl_ca_certs": ca_file,
            "ssl_cert_reqs": "required",
            "ssl_check_hostname": True,
            "ssl_min_version": ssl.TLSVersion.TLSv1_2,
        }
    pool = BlockingConnectionPool(
        max_connections=MAX_CONNECTIONS,
        timeout=timeout,
        connection_class=TlsConnection if tls else PlainConnection,
        host=parts.hostname or "127.0.0.1",
        port=parts.port or 6379,
        db=int(database) if database.isdigit() else 0,
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        retry=Retry(NoBackoff(), 0),
        client_name=CLIENT_NAME,
        credential_provider=None if credentials is None else CachedCredentialProvider(credentials),
        # RESP 2 and no driver name: each would cost a round trip in every new connection.
        protocol=2,
        driver_info=None,
        trusted=trusted or ConnectionLiveness(),
        **tls,
    )
    return Redis.from_pool(pool)


def span_attributes(url: str) -> dict[str, str | int]:
    """Return the span attributes of the server's address; never the token."""
    parts = urlsplit(url)
    database = parts.path.strip("/")
    return {
        "db.system.name": "redis",
        "db.namespace": database if database.isdigit() else "0",
        "server.address": parts.hostname or "127.0.0.1",
        "server.port": parts.port or 6379,
    }


def describe_error(error: BaseException, url: str, variable: str = "REDIS_URL") -> str:
    """Describe the error in one line for an operator, without the token."""
    causes: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in causes:
        causes.append(current)
        current = current.__cause__ or current.__context__
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"the certificate of the cache is not trusted ({cause.verify_message}); check REDIS_CA_FILE"
        if isinstance(cause, AuthenticationError | AuthorizationError):
            return f"the cache refused the credentials; check the token in {variable}"
    text = (str(error).strip().splitlines() or [type(error).__name__])[0]
    # ElastiCache and Redis report this instead of WRONGPASS if no token was sent.
    if text.startswith("NOAUTH") or "Authentication required" in text:
        return f"the cache refused the credentials; check the token in {variable}"
    if isinstance(error, TimeoutError):
        return "the cache did not answer in time"
    secret = unquote(urlsplit(url).password or "")
    return text.replace(secret, "***") if secret else text
