"""Settings dataclasses: access, limits, server, start, and all of them together."""

from dataclasses import dataclass, field
from pathlib import Path

from datasources.config import (
    CacheSettings,
    GraphSettings,
    JarSettings,
    ObservabilitySettings,
    PostgresSettings,
    QueueSettings,
)
from settings.parsers import SettingsError


@dataclass(frozen=True, slots=True)
class AccessSettings:
    """Authentication of callers. Without an issuer, on loopback, the development principal has all permissions."""

    issuer: str | None = None
    audience: str | None = None
    jwks_url: str | None = None
    permissions_claim: str = "permissions"
    teams_claim: str = "teams"
    permissions_prefix: str = ""


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """Limits of one request, in seconds, bytes and counts; `streams` is the number of open streams of a process."""

    request_timeout: float = 10.0
    body_bytes: int = 1_048_576
    depth: int = 16
    aliases: int = 60
    tokens: int = 4_000
    directives: int = 50
    cost: int = 150_000
    page: int = 500
    streams: int = 1_000


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """The address of the server and the state folder of the embedded stores."""

    host: str = "127.0.0.1"
    port: int = 8000
    state: Path = Path(".stackflow")


@dataclass(frozen=True, slots=True)
class StartSettings:
    """How Lambda starts this process: the module of the handler, and whether a snapshot is taken before its first call.

    Empty and false outside of Lambda.
    """

    module: str = ""
    snapshot: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings. A store that is None is started as an embedded store."""

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
    seen: ObservabilitySettings = field(default_factory=ObservabilitySettings)
    start: StartSettings = field(default_factory=StartSettings)
    # Whether `stackflow serve` runs the background workers.
    projection: bool = True
    # The file that maps labels of alerts to items; None for the default mapping.
    alerts_mapping: Path | None = None
    # Seconds in which the server compares the whole graph with the tables once, in the background; 0 disables it.
    consistency_seconds: float = 300.0
    # The role of the service in both databases, which migrations create; None if they create none.
    database_role: str | None = None

    def require_stores(self) -> tuple[PostgresSettings, PostgresSettings, CacheSettings, GraphSettings]:
        """Return the settings of the stores for `open_sources`. SettingsError names the first missing one."""
        if self.main is None:
            raise SettingsError("DATABASE_URL is missing; set it, or use `stackflow serve`, which starts a PostgreSQL")
        if self.requirements is None:
            raise SettingsError("REQUIREMENTS_URL is missing; set it, or use `stackflow serve`")
        if self.cache is None:
            raise SettingsError("REDIS_URL is missing; set it, or set it to off")
        return self.main, self.requirements, self.cache, self.graph
