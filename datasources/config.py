"""What a source needs to be opened: addresses, bounds and times."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


@dataclass(frozen=True, slots=True)
class SigV4Signing:
    """Signed with SigV4 in this region, by the credentials that boto3 finds in its usual places: web sockets for
    `neptune-db`, sign-ins to a database for `rds-db`."""

    region: str


@dataclass(frozen=True, slots=True)
class SecretReference:
    """A secret in Secrets Manager, and the variable that names it, for messages."""

    variable: str
    arn: str

    @property
    def region(self) -> str:
        # arn:aws:secretsmanager:us-east-1:123456789012:secret:name
        return self.arn.split(":")[3]


@dataclass(frozen=True, slots=True)
class PostgresSettings:
    """One PostgreSQL. All times in seconds.

    `url` is a libpq URL; TLS is asked for in it (`sslmode=verify-full&sslrootcert=...`). `pool_max` is at most
    10. `prepare` allows server-side prepared statements, which pin sessions behind RDS Proxy. The password is in the
    URL, or in a `secret`, or a token by `signing`; never in two of them.
    """

    url: str = field(repr=False)
    pool_max: int = 10
    connect_timeout: float = 5.0
    pool_timeout: float = 5.0
    statement_timeout: float = 10.0
    prepare: bool = False
    secret: SecretReference | None = None
    signing: SigV4Signing | None = None


@dataclass(frozen=True, slots=True)
class CacheSettings:
    """Redis or Valkey; `url` None means no cache. `rediss://` is TLS. All times in seconds."""

    url: str | None = field(repr=False)
    ca_file: str | None = None
    timeout: float = 0.25
    ttl: float = 60.0
    lease: float = 2.0
    breaker_after: int = 3
    breaker_pause: float = 5.0
    # Where the token stands, if not in the URL.
    secret: SecretReference | None = None


class ReachStrategy(StrEnum):
    """How a reach goes from hop to hop: all in one traversal, or in one for each hop, led by the client."""

    TRAVERSAL = "traversal"
    FRONTIER = "frontier"


class GraphEngine(StrEnum):
    """Which engine walks when no URL names one."""

    SQL = "sql"
    GREMLIN = "gremlin"
    NEPTUNE_LIKE = "neptune-like"


@dataclass(frozen=True, slots=True)
class BulkLoadSettings:
    """Neptune's own loader: the bucket (`s3://bucket/prefix`) that files go to, and the role it reads them by."""

    bucket: str
    role: str


@dataclass(frozen=True, slots=True)
class GraphSettings:
    """Where walks run: `url` None means recursive SQL over the main database. All times in seconds.

    `reader_url` is where reads go, `url` else. `pool_max` is the most web sockets to each of the two. `timeout`
    bounds a traversal outside any deadline. A web socket is given up after `socket_seconds`. A message has at most
    `message_bytes`. `attempts` bounds how often a traversal is sent that the engine refused for the moment.
    `edge_ids` says that the engine takes ids of edges; JanusGraph does not. With `fallback` a lost graph's walks
    run as recursive SQL.
    """

    url: str | None = None
    reader_url: str | None = None
    engine: GraphEngine = GraphEngine.SQL
    signing: SigV4Signing | None = None
    ca_file: str | None = None
    pool_max: int = 4
    connect_timeout: float = 5.0
    timeout: float = 30.0
    socket_seconds: float = 3_600.0
    message_bytes: int = 33_554_432
    attempts: int = 8
    hops: ReachStrategy = ReachStrategy.TRAVERSAL
    edge_ids: bool = True
    fallback: bool = True
    bulk: BulkLoadSettings | None = None


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """URLs of queues in SQS, and their region; a queue without one is tables of the main database.

    `events` is FIFO; the others may be either, and those whose URL does not end in `.fifo` are standard queues, which
    keep no order and may give a message twice.
    """

    events: str | None = None
    remediation_p1: str | None = None
    remediation_standard: str | None = None
    notifications: str | None = None
    region: str | None = None


@dataclass(frozen=True, slots=True)
class JarSettings:
    """Where the jars of an embedded graph come from, and the folder they stay in; a `~` is the user's home.

    `repository` None means the machine's own Maven settings, or Maven's central repository.
    """

    repository: str | None = None
    cache: Path = Path("~/.cache/stackflow/jars")


class TraceExporter(StrEnum):
    """Where spans go: nowhere, from a Lambda function to X-Ray, or from a server to a collector of OpenTelemetry."""

    OFF = "off"
    XRAY = "xray"
    OTLP = "otlp"


@dataclass(frozen=True, slots=True)
class ObservabilitySettings:
    """What lines of logs say of the process: the environment that metrics are of, whether they are written, and on
    Lambda the function and its version; where spans go, and the addresses of X-Ray's daemon and of a collector."""

    environment: str = "local"
    metrics: bool = False
    function: str = ""
    version: str = ""
    traces: TraceExporter = TraceExporter.OFF
    daemon: str = "127.0.0.1:2000"
    collector: str = "http://127.0.0.1:4318"
