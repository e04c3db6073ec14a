"""Every environment variable, parsed once. Only entrances import this."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import TypeVar
from urllib.parse import parse_qsl, urlsplit

from datasources.options import (
    BulkLoading,
    CacheSettings,
    GraphEngine,
    GraphSettings,
    HopForm,
    JarSettings,
    PostgresSettings,
    QueueSettings,
    Secret,
    SeenSettings,
    Signing,
    Traces,
)

C = TypeVar("C", bound=StrEnum)

SECRET = re.compile(r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:\S+")

# So that the name is the same with quotes and without.
ROLE = re.compile(r"[a-z_][a-z0-9_]{0,62}")
LOOPBACK = ("127.0.0.1", "localhost", "::1")

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


class SettingsError(Exception):
    """A setting cannot be used. The message is one line that names the variable and the remedy."""


@dataclass(frozen=True, slots=True)
class AccessSettings:
    """Who may call. Without an issuer and bound to loopback, the development principal may do everything."""

    issuer: str | None = None
    audience: str | None = None
    jwks_url: str | None = None
    permissions_claim: str = "permissions"
    teams_claim: str = "teams"
    permissions_prefix: str = ""


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """Bounds of one request: seconds, bytes and counts."""

    request_timeout: float = 10.0
    body_bytes: int = 1_048_576
    depth: int = 16
    aliases: int = 60
    tokens: int = 4_000
    directives: int = 50
    cost: int = 200_000
    page: int = 500
    streams: int = 1_000


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Where the server listens and where the embedded stores keep their state."""

    host: str = "127.0.0.1"
    port: int = 8000
    state: Path = Path(".stackflow")


@dataclass(frozen=True, slots=True)
class StartSettings:
    """How Lambda starts this process: the module of the handler that it is to run, and whether a snapshot of it is
    taken before its first call. Empty and false elsewhere."""

    module: str = ""
    snapshot: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings. A database of None is to be started from a wheel."""

    main: PostgresSettings | None
    requirements: PostgresSettings | None
    cache: CacheSettings | None
    graph: GraphSettings
    access: AccessSettings
    limits: LimitSettings
    server: ServerSettings
    jars: JarSettings
    queues: QueueSettings = field(default_factory=QueueSettings)
    log_level: str = "INFO"
    seen: SeenSettings = field(default_factory=SeenSettings)
    start: StartSettings = field(default_factory=StartSettings)
    # Whether `stackflow serve` follows the outbox beside the server.
    projection: bool = True
    # How labels of alerts name items; None for the mapping that ships.
    alerts_mapping: Path | None = None
    # Seconds in which the whole graph is compared with the tables once, beside the server; 0 never compares it.
    consistency_seconds: float = 300.0
    # The role that the service takes in both databases, which migrations make; None if they are to make none.
    database_role: str | None = None

    def stores(self) -> tuple[PostgresSettings, PostgresSettings, CacheSettings, GraphSettings]:
        """What sources are opened by. SettingsError names the first that is missing."""
        if self.main is None:
            raise SettingsError("DATABASE_URL is missing; set it, or use `stackflow serve`, which starts a PostgreSQL")
        if self.requirements is None:
            raise SettingsError("REQUIREMENTS_URL is missing; set it, or use `stackflow serve`")
        if self.cache is None:
            raise SettingsError("REDIS_URL is missing; set it, or set it to off")
        return self.main, self.requirements, self.cache, self.graph


def read(environment: Mapping[str, str] = os.environ) -> Settings:
    """Settings from environment variables. SettingsError names the first variable that cannot be used."""
    return Settings(
        main=_postgres(environment, "DATABASE_URL", "DATABASE_SECRET"),
        requirements=_postgres(environment, "REQUIREMENTS_URL", "REQUIREMENTS_SECRET"),
        cache=_cache(environment),
        graph=_graph(environment),
        access=_access(environment),
        limits=LimitSettings(
            request_timeout=_number(environment, "REQUEST_TIMEOUT_SECONDS", 10.0, least=0.1, most=300),
            body_bytes=int(_number(environment, "REQUEST_BODY_BYTES", 1_048_576, least=1_024, most=10_485_760)),
            depth=int(_number(environment, "LIMIT_DEPTH", 16, least=1, most=100)),
            aliases=int(_number(environment, "LIMIT_ALIASES", 60, least=1, most=10_000)),
            tokens=int(_number(environment, "LIMIT_TOKENS", 4_000, least=10, most=100_000)),
            directives=int(_number(environment, "LIMIT_DIRECTIVES", 50, least=0, most=10_000)),
            cost=int(_number(environment, "LIMIT_COST", 200_000, least=1, most=1e9)),
            page=int(_number(environment, "LIMIT_PAGE", 500, least=1, most=10_000)),
            streams=int(_number(environment, "STREAMS", 1_000, least=0, most=100_000)),
        ),
        server=ServerSettings(
            host=environment.get("STACKFLOW_HOST") or "127.0.0.1",
            port=int(_number(environment, "STACKFLOW_PORT", 8000, least=0, most=65535)),
            state=Path(environment.get("STACKFLOW_STATE") or ".stackflow"),
        ),
        jars=JarSettings(
            repository=_url(environment, "MAVEN_REPOSITORY_URL", ("https", "http")),
            cache=Path(environment.get("XDG_CACHE_HOME") or "~/.cache") / "stackflow" / "jars",
        ),
        queues=_queues(environment),
        log_level=_log_level(environment),
        seen=_seen(environment),
        start=started(environment),
        projection=_switch(environment, "PROJECTION", default=True),
        alerts_mapping=Path(text) if (text := environment.get("ALERTS_MAPPING", "")) else None,
        consistency_seconds=_number(environment, "CONSISTENCY_SECONDS", 300.0, least=0, most=86_400),
        database_role=_role(environment),
    )


def started(environment: Mapping[str, str] = os.environ) -> StartSettings:
    """How this process was started, alone: modules ask it while they are imported, and other settings may be wrong."""
    return StartSettings(
        module=environment.get("_HANDLER", "").rpartition(".")[0],
        snapshot=environment.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start",
    )


def _log_level(environment: Mapping[str, str]) -> str:
    text = environment.get("STACKFLOW_LOG_LEVEL") or "INFO"
    if text.upper() not in LOG_LEVELS:
        raise SettingsError(f"STACKFLOW_LOG_LEVEL is {text!r}; write one of {', '.join(LOG_LEVELS)}")
    return text.upper()


def _seen(environment: Mapping[str, str]) -> SeenSettings:
    metrics = environment.get("STACKFLOW_METRICS") or "off"
    if metrics not in {"emf", "off"}:
        raise SettingsError(f"STACKFLOW_METRICS is {metrics!r}; write emf or off")
    return SeenSettings(
        environment=environment.get("STACKFLOW_ENVIRONMENT") or "local",
        metrics=metrics == "emf",
        function=environment.get("AWS_LAMBDA_FUNCTION_NAME", ""),
        version=environment.get("AWS_LAMBDA_FUNCTION_VERSION", ""),
        traces=_chosen(environment, "STACKFLOW_TRACES", Traces, Traces.OFF),
        daemon=_daemon(environment),
        collector=_collector(environment),
    )


def _daemon(environment: Mapping[str, str]) -> str:
    text = environment.get("AWS_XRAY_DAEMON_ADDRESS") or "127.0.0.1:2000"
    if not re.fullmatch(r"[\w.-]+:\d{1,5}", text):
        raise SettingsError(f"AWS_XRAY_DAEMON_ADDRESS is {text!r}; write it as host:port")
    return text


def _collector(environment: Mapping[str, str]) -> str:
    name = "OTEL_EXPORTER_OTLP_ENDPOINT"
    url = _url(environment, name, ("https", "http")) or "http://127.0.0.1:4318"
    parts = urlsplit(url)
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise SettingsError(f"{name} is without TLS and not on this machine; write https://")
    return url


def _postgres(environment: Mapping[str, str], name: str, secret_name: str) -> PostgresSettings | None:
    url = _url(environment, name, ("postgresql", "postgres"))
    secret = _secret(environment, secret_name)
    region = _region(environment, "the databases, as DATABASE_IAM is on") if _iam(environment) else None
    if url is None:
        if secret is not None:
            raise SettingsError(f"{name} is missing; set it to where the owner of {secret_name} signs in")
        return None
    if secret is not None and region is not None:
        raise SettingsError(f"{secret_name} and DATABASE_IAM are both set; keep one of them")
    if secret is not None or region is not None:
        _signed_in_by_aws(name, url, secret_name if region is None else "DATABASE_IAM")
    return PostgresSettings(
        url=url,
        pool_max=int(_number(environment, "DATABASE_POOL_MAX", 10, least=1, most=10)),
        connect_timeout=_number(environment, "DATABASE_CONNECT_TIMEOUT_SECONDS", 5.0, least=0.1, most=60),
        pool_timeout=_number(environment, "DATABASE_POOL_TIMEOUT_SECONDS", 5.0, least=0.1, most=60),
        statement_timeout=_number(environment, "DATABASE_STATEMENT_TIMEOUT_SECONDS", 10.0, least=0.1, most=900),
        prepare=_switch(environment, "DATABASE_PREPARE", default=False),
        secret=secret,
        signing=None if region is None else Signing(region),
    )


def _role(environment: Mapping[str, str]) -> str | None:
    text = environment.get("DATABASE_ROLE") or None
    if text is not None and not ROLE.fullmatch(text):
        raise SettingsError(f"DATABASE_ROLE is {text!r}; write small letters, digits and _, at most 63")
    return text


def _iam(environment: Mapping[str, str]) -> bool:
    return _switch(environment, "DATABASE_IAM", default=False)


def _signed_in_by_aws(name: str, url: str, by: str) -> None:
    parts = urlsplit(url)
    words = dict(parse_qsl(parts.query))
    if parts.password is not None or "password" in words:
        raise SettingsError(f"{name} holds a password and {by} is set; keep one of them")
    # A token goes over the wire as it is, so that only the right server may hear it.
    if words.get("sslmode") != "verify-full":
        raise SettingsError(f"{name} does not verify the server; {by} needs sslmode=verify-full and sslrootcert")
    if by == "DATABASE_IAM" and not (parts.username and parts.hostname):
        raise SettingsError(f"{name} names no user at a host; write it as postgresql://user@host/..., as {by} is set")


def _secret(environment: Mapping[str, str], name: str) -> Secret | None:
    text = environment.get(name, "")
    if not text:
        return None
    # Whoever puts the secret itself here must not read it in a log.
    if not SECRET.fullmatch(text):
        raise SettingsError(f"{name} is no ARN of a secret: arn:aws:secretsmanager:region:account:secret:name")
    return Secret(name, text)


def _region(environment: Mapping[str, str], of: str) -> str:
    region = environment.get("AWS_REGION") or None
    if region is None:
        raise SettingsError(f"AWS_REGION is missing; set it to the region of {of}")
    return region


def _access(environment: Mapping[str, str]) -> AccessSettings:
    issuer = _url(environment, "OIDC_ISSUER", ("https", "http"))
    audience = environment.get("OIDC_AUDIENCE") or None
    if issuer is not None and audience is None:
        raise SettingsError("OIDC_AUDIENCE is missing; set it to the audience that the issuer's tokens name")
    return AccessSettings(
        issuer=issuer,
        audience=audience,
        jwks_url=_url(environment, "OIDC_JWKS_URL", ("https", "http")),
        permissions_claim=environment.get("OIDC_PERMISSIONS_CLAIM") or "permissions",
        teams_claim=environment.get("OIDC_TEAMS_CLAIM") or "teams",
        permissions_prefix=environment.get("OIDC_PERMISSIONS_PREFIX") or "",
    )


def _cache(environment: Mapping[str, str]) -> CacheSettings | None:
    text = environment.get("REDIS_URL", "")
    secret = _secret(environment, "REDIS_SECRET")
    if not text:
        if secret is not None:
            raise SettingsError("REDIS_URL is missing; set it to the cache that REDIS_SECRET is of")
        return None
    url = None if text == "off" else _url(environment, "REDIS_URL", ("redis", "rediss"), also=", or 'off'")
    if url is not None and secret is not None:
        if urlsplit(url).scheme != "rediss":
            raise SettingsError("REDIS_URL is without TLS; write rediss://, as REDIS_SECRET is set")
        if urlsplit(url).password is not None:
            raise SettingsError("REDIS_URL holds a token and REDIS_SECRET is set; keep one of them")
    return CacheSettings(
        url=url,
        secret=secret,
        ca_file=environment.get("REDIS_CA_FILE") or None,
        timeout=_number(environment, "REDIS_TIMEOUT_SECONDS", 0.25, least=0.01, most=10),
        ttl=_number(environment, "REDIS_TTL_SECONDS", 60.0, least=1, most=86_400),
        lease=_number(environment, "REDIS_LEASE_SECONDS", 2.0, least=0.1, most=60),
    )


def _graph(environment: Mapping[str, str]) -> GraphSettings:
    url = _url(environment, "GRAPH_URL", ("ws", "wss"))
    reader_url = _url(environment, "GRAPH_READER_URL", ("ws", "wss"))
    if reader_url is not None and url is None:
        raise SettingsError("GRAPH_URL is missing; set it to the writer endpoint of GRAPH_READER_URL's cluster")
    return GraphSettings(
        url=url,
        reader_url=reader_url,
        engine=_chosen(environment, "GRAPH", GraphEngine, GraphEngine.SQL),
        signing=_signing(environment),
        ca_file=environment.get("GRAPH_CA_FILE") or None,
        pool_max=int(_number(environment, "GRAPH_POOL_MAX", 4, least=1, most=64)),
        connect_timeout=_number(environment, "GRAPH_CONNECT_TIMEOUT_SECONDS", 5.0, least=0.1, most=60),
        timeout=_number(environment, "GRAPH_TIMEOUT_SECONDS", 30.0, least=0.1, most=900),
        socket_seconds=_number(environment, "GRAPH_SOCKET_SECONDS", 3_600.0, least=1, most=864_000),
        message_bytes=int(_number(environment, "GRAPH_MESSAGE_BYTES", 33_554_432, least=65_536, most=157_286_400)),
        attempts=int(_number(environment, "GRAPH_ATTEMPTS", 8, least=1, most=100)),
        hops=_chosen(environment, "GRAPH_HOPS", HopForm, HopForm.TRAVERSAL),
        edge_ids=_switch(environment, "GRAPH_EDGE_IDS", default=True),
        fallback=_switch(environment, "GRAPH_FALLBACK", default=True),
        bulk=_bulk(environment),
    )


def _signing(environment: Mapping[str, str]) -> Signing | None:
    if not _switch(environment, "GRAPH_IAM", default=False):
        return None
    return Signing(_region(environment, "the cluster, as GRAPH_IAM is on"))


def _queues(environment: Mapping[str, str]) -> QueueSettings:
    https = ("https", "http")
    queues = QueueSettings(
        events=_url(environment, "EVENTS_QUEUE_URL", https),
        remediation_p1=_url(environment, "REMEDIATION_P1_QUEUE_URL", https),
        remediation_standard=_url(environment, "REMEDIATION_STANDARD_QUEUE_URL", https),
        notifications=_url(environment, "NOTIFICATIONS_QUEUE_URL", https),
    )
    if queues.events is not None and not queues.events.endswith(".fifo"):
        raise SettingsError("EVENTS_QUEUE_URL is no FIFO queue; events need their order: give one that ends in .fifo")
    if queues == QueueSettings():
        return queues
    return replace(queues, region=_region(environment, "the queues, as a queue's URL is set"))


def _bulk(environment: Mapping[str, str]) -> BulkLoading | None:
    bucket, role = environment.get("GRAPH_LOADER_BUCKET") or None, environment.get("GRAPH_LOADER_ROLE") or None
    if bucket is None and role is None:
        return None
    if bucket is None or not bucket.startswith("s3://"):
        raise SettingsError("GRAPH_LOADER_BUCKET is not usable; write it as s3://bucket/prefix")
    if role is None:
        raise SettingsError("GRAPH_LOADER_ROLE is missing; set it to the ARN of the role that the loader reads by")
    return BulkLoading(bucket, role)


def _chosen(environment: Mapping[str, str], name: str, choices: type[C], default: C) -> C:
    text = environment.get(name, "")
    if not text:
        return default
    try:
        return choices(text)
    except ValueError:
        raise SettingsError(f"{name} is {text!r}; write one of {', '.join(choices)}") from None


def _url(environment: Mapping[str, str], name: str, schemes: tuple[str, ...], also: str = "") -> str | None:
    text = environment.get(name, "")
    if not text:
        return None
    # The value may hold a password, so no message repeats it.
    try:
        parts = urlsplit(text)
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError:
        port_is_valid = False
        parts = urlsplit("")
    if parts.scheme not in schemes or not port_is_valid or not (parts.hostname or parts.query):
        wanted = " or ".join(f"{scheme}://host:port/..." for scheme in schemes)
        raise SettingsError(f"{name} is not a usable URL; write it as {wanted}{also}")
    return text


def _number(environment: Mapping[str, str], name: str, default: float, *, least: float, most: float) -> float:
    text = environment.get(name, "")
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        raise SettingsError(f"{name} is {text!r}; it must be a number") from None
    if not least <= value <= most:
        raise SettingsError(f"{name} is {text}; it must lie between {least:g} and {most:g}")
    return value


def _switch(environment: Mapping[str, str], name: str, *, default: bool) -> bool:
    text = environment.get(name, "").lower()
    if not text:
        return default
    if text not in {"on", "off", "true", "false", "1", "0"}:
        raise SettingsError(f"{name} is {text!r}; write on or off")
    return text in {"on", "true", "1"}
