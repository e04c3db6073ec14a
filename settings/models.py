"""Settings dataclasses: access, server, start, and all settings together. Each field declares its variable."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from datasources.config import (
    HTTP,
    CacheSettings,
    GraphSettings,
    JarSettings,
    LanguageSettings,
    ObservabilitySettings,
    PostgresSettings,
    QueueSettings,
    RequestLimits,
    RequirementsSettings,
)
from datasources.variables import Variable
from settings.variables import SettingsError

# fmt: off


class LogLevel(StrEnum):
    """The lowest level that is logged; case does not matter."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"

    @classmethod
    def _missing_(cls, value: object) -> "LogLevel | None":
        return cls.__members__.get(str(value).upper())


@dataclass(frozen=True, slots=True)
class AccessSettings:
    """Authentication of callers. Without an issuer, on loopback, the development principal has all permissions."""

    issuer: Annotated[str | None, Variable("OIDC_ISSUER",
        "The issuer whose tokens are accepted. Without it, and on loopback only, a caller without credentials has "
        "every permission.", schemes=HTTP)] = None
    audience: Annotated[str | None, Variable("OIDC_AUDIENCE",
        "The audience that tokens must name; required with an issuer.")] = None
    jwks_url: Annotated[str | None, Variable("OIDC_JWKS_URL",
        "The URL of the issuer's keys.", schemes=HTTP, default="the one in the issuer's discovery document")] = None
    permissions_claim: Annotated[str, Variable("OIDC_PERMISSIONS_CLAIM",
        "The token's claim that holds the permissions.")] = "permissions"
    teams_claim: Annotated[str, Variable("OIDC_TEAMS_CLAIM",
        "The token's claim that holds the keys of the caller's teams.")] = "teams"
    permissions_prefix: Annotated[str, Variable("OIDC_PERMISSIONS_PREFIX",
        "The prefix that permissions have in tokens only, for example `stackflow/`.", default="no prefix")] = ""


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """The address and the streams of the server, and the state folder of the embedded stores."""

    host: Annotated[str, Variable("STACKFLOW_HOST",
        "The address to listen on.", values="any address of the machine")] = "127.0.0.1"
    port: Annotated[int, Variable("STACKFLOW_PORT",
        "The port to listen on; 0 for any free port.", minimum=0, maximum=65_535)] = 8000
    streams: Annotated[int, Variable("STREAMS",
        "Maximum number of subscriptions that a process keeps open.", minimum=0, maximum=100_000)] = 1_000
    state: Annotated[Path, Variable("STACKFLOW_STATE",
        "The folder where embedded stores store their data. Other users of the machine cannot read its content.",
        values="path of a folder")] = Path(".stackflow")


@dataclass(frozen=True, slots=True)
class StartSettings:
    """How Lambda starts this process; empty outside of Lambda."""

    handler: Annotated[str, Variable("_HANDLER",
        "The handler that the process runs: its module is initialized at start. Lambda sets it.",
        values="`module.function`")] = ""
    initialization_type: Annotated[str, Variable("AWS_LAMBDA_INITIALIZATION_TYPE",
        "How the process starts: with `snap-start`, Lambda takes a snapshot before the first call. Lambda sets it.",
    )] = ""

    @property
    def module(self) -> str:
        return self.handler.rpartition(".")[0]

    @property
    def snapshot(self) -> bool:
        return self.initialization_type == "snap-start"


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings. A store that is None is started as an embedded store."""

    main: PostgresSettings | None
    requirements: RequirementsSettings | None
    cache: CacheSettings | None
    graph: GraphSettings
    access: AccessSettings
    limits: RequestLimits
    server: ServerSettings
    jars: JarSettings
    queues: QueueSettings = field(default_factory=QueueSettings)
    language: LanguageSettings = field(default_factory=LanguageSettings)
    log_level: Annotated[LogLevel, Variable("STACKFLOW_LOG_LEVEL", "The lowest level that is logged.")] = LogLevel.INFO
    seen: ObservabilitySettings = field(default_factory=ObservabilitySettings)
    start: StartSettings = field(default_factory=StartSettings)
    projection: Annotated[bool, Variable("PROJECTION",
        "Whether `stackflow serve` also runs the workers: it projects to the graph, applies events and advances "
        "workflow runs. Set it to off where separate workers do this.")] = True
    alerts_mapping: Annotated[Path | None, Variable("ALERTS_MAPPING",
        "How labels of [alerts](alerts.md) name configuration items, and what severities mean.",
        default="the mapping in the package, `datasources/files/mappings/alerts.yaml`",
        values="path of a YAML file")] = None
    consistency_seconds: Annotated[float, Variable("CONSISTENCY_SECONDS",
        "The interval in which the whole graph is compared with the tables once and repaired; 0 disables the "
        "comparison. Needs `PROJECTION`.", minimum=0, maximum=86_400)] = 300.0
    database_role: Annotated[str | None, Variable("DATABASE_ROLE",
        "The role that the service signs in as. Migrations create it in both databases if it is missing, and grant it "
        "reads and writes; see [secrets](secrets.md).",
        # Only names that mean the same with and without quotes.
        pattern=r"[a-z_][a-z0-9_]{0,62}", remedy="small letters, digits and _, at most 63",
        default="no role is created",
        values="lower-case letters, digits and underscores, at most 63, no digit first")] = None

    def require_stores(self) -> tuple[PostgresSettings, PostgresSettings, CacheSettings, GraphSettings]:
        """Return the settings of the stores for `open_sources`. SettingsError names the first missing one."""
        if self.main is None:
            raise SettingsError("DATABASE_URL is missing; set it, or use `stackflow serve`, which starts a PostgreSQL")
        if self.requirements is None:
            raise SettingsError("REQUIREMENTS_URL is missing; set it, or use `stackflow serve`")
        if self.cache is None:
            raise SettingsError("REDIS_URL is missing; set it, or set it to off")
        return self.main, self.requirements, self.cache, self.graph
