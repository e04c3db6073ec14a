"""The connection to Redis: its address, its token, its name, and TLS that is always verified."""

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

# Seconds after which an unused connection is given up for a new one, by a wall clock, as of the databases: whoever
# stood at its other end may have gone without a word while Lambda froze us. A new one costs a few round trips, where a
# silent one costs the whole timeout and counts against the cache.
MAX_IDLE_SECONDS = 60.0


class ConnectionLiveness:
    """Which connections of one client still lead to somebody, as far as can be told."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.era = 0

    def invalidate_all(self) -> None:
        """None that has not answered since: where one fell silent, the others did as well."""
        self.era += 1


class CachedCredentialProvider(CredentialProvider):
    """Our credentials as the client takes them; it notes which it gave last."""

    def __init__(self, credentials: CredentialCache) -> None:
        self.credentials = credentials

    async def get_credentials_async(self) -> tuple[str] | tuple[str, str]:
        try:
            found = await self.credentials.current()
        except SourceUnavailable as error:
            raise RedisConnectionError(str(error)) from error
        _given.set(found)
        return (found.password,) if found.user is None else (found.user, found.password)


# What this task's connection signs in by: connections of one pool open at once.
_given: ContextVar[Credential | None] = ContextVar("given", default=None)


class AuthenticatedConnection(AbstractConnection):
    """A connection that tries once more when its token was changed under way, and is opened anew when doubted."""

    def __init__(self, *, trusted: ConnectionLiveness, **options: Any) -> None:
        super().__init__(**options)
        self._trusted = trusted
        self._answered = trusted.clock(), trusted.era

    async def connect(self) -> None:
        """As the client's own, which asks for it before each command."""
        if self.is_connected and not self._is_trusted():
            await self.disconnect(nowait=True)
        if not self.is_connected:
            await self._signed_in()

    async def disconnect(self, *arguments: Any, **options: Any) -> None:
        """As the client's own, without a goodbye: Redis needs none, and TLS would wait for an answer to it."""
        if self._writer is not None:
            self._writer.transport.abort()
        await super().disconnect(*arguments, **options)

    async def read_response(self, *arguments: Any, **options: Any) -> Any:
        """As the client's own; the other end has just been there."""
        response = await super().read_response(*arguments, **options)
        self._answered = self._trusted.clock(), self._trusted.era
        return response

    def _is_trusted(self) -> bool:
        at, era = self._answered
        # A clock that was set back tells nothing.
        return era == self._trusted.era and self._trusted.clock() - at < MAX_IDLE_SECONDS

    async def _signed_in(self) -> None:
        provider = self.credential_provider
        try:
            await super().connect()  # type: ignore[no-untyped-call]
        except (AuthenticationError, AuthorizationError):
            given = _given.get()
            if not isinstance(provider, CachedCredentialProvider) or given is None:
                raise
            if await provider.credentials.refresh_after_rejection(given) is None:
                raise
            await super().connect()  # type: ignore[no-untyped-call]


class PlainConnection(NamedConnection, AuthenticatedConnection, Connection):
    """Without TLS, for loopback."""


class TlsConnection(NamedConnection, AuthenticatedConnection, SSLConnection):
    """By TLS."""


def create_client(
    url: str,
    ca_file: str | None,
    timeout: float,
    credentials: CredentialCache | None = None,
    trusted: ConnectionLiveness | None = None,
) -> Redis:
    """A client for `redis://[user:]password@host:port/database`, or `rediss://` for TLS 1.2 and later.

    Opens nothing yet. The query of the URL is ignored, so that it can't switch verification off. No retries:
    a failed cache costs less as a miss. `timeout` in seconds holds for connecting and for each answer. With
    `credentials` the URL holds none.
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
    """What spans say of where a command went; never the token."""
    parts = urlsplit(url)
    database = parts.path.strip("/")
    return {
        "db.system.name": "redis",
        "db.namespace": database if database.isdigit() else "0",
        "server.address": parts.hostname or "127.0.0.1",
        "server.port": parts.port or 6379,
    }


def describe_error(error: BaseException, url: str, variable: str = "REDIS_URL") -> str:
    """What is wrong, in one line for an operator, without the token."""
    causes: list[BaseException] = []
    at: BaseException | None = error
    while at is not None and at not in causes:
        causes.append(at)
        at = at.__cause__ or at.__context__
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"the certificate of the cache is not trusted ({cause.verify_message}); check REDIS_CA_FILE"
        if isinstance(cause, AuthenticationError | AuthorizationError):
            return f"the cache refused the credentials; check the token in {variable}"
    text = (str(error).strip().splitlines() or [type(error).__name__])[0]
    # ElastiCache and Redis say so instead of WRONGPASS when no token was sent.
    if text.startswith("NOAUTH") or "Authentication required" in text:
        return f"the cache refused the credentials; check the token in {variable}"
    if isinstance(error, TimeoutError):
        return "the cache did not answer in time"
    secret = unquote(urlsplit(url).password or "")
    return text.replace(secret, "***") if secret else text
