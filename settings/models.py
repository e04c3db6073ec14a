"""What settings are, as frozen values: who may call, how much of what, where."""

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
    cost: int = 150_000
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
    seen: ObservabilitySettings = field(default_factory=ObservabilitySettings)
    start: StartSettings = field(default_factory=StartSettings)
    # Whether `stackflow serve` follows the outbox beside the server.
    projection: bool = True
    # How labels of alerts name items; None for the mapping that ships.
    alerts_mapping: Path | None = None
    # Seconds in which the whole graph is compared with the tables once, beside the server; 0 never compares it.
    consistency_seconds: float = 300.0
    # The role that the service takes in both databases, which migrations make; None if they are to make none.
    database_role: str | None = None

    def require_stores(self) -> tuple[PostgresSettings, PostgresSettings, CacheSettings, GraphSettings]:
        """What sources are opened by. SettingsError names the first that is missing."""
        if self.main is None:
            raise SettingsError("DATABASE_URL is missing; set it, or use `stackflow serve`, which starts a PostgreSQL")
        if self.requirements is None:
            raise SettingsError("REQUIREMENTS_URL is missing; set it, or use `stackflow serve`")
        if self.cache is None:
            raise SettingsError("REDIS_URL is missing; set it, or set it to off")
        return self.main, self.requirements, self.cache, self.graph
