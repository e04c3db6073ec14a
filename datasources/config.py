"""Settings of sources: addresses, limits and timeouts."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


@dataclass(frozen=True, slots=True)
class SigV4Signing:
    """Signing with AWS Signature Version 4 in this region, with the credentials of boto3's default chain.

    Web sockets are signed for `neptune-db`, database sign-ins for `rds-db`.
    """

    region: str


@dataclass(frozen=True, slots=True)
class SecretReference:
    """A secret in Secrets Manager, and the variable that names it, for error messages."""

    variable: str
    arn: str

    @property
    def region(self) -> str:
        # arn:aws:secretsmanager:us-east-1:123456789012:secret:name
        return self.arn.split(":")[3]


@dataclass(frozen=True, slots=True)
class PostgresSettings:
    """Settings of one PostgreSQL database. All times are in seconds.

    `url` is a libpq URL, which also requests TLS (`sslmode=verify-full&sslrootcert=...`). `pool_max` is at most 10.
    `prepare` allows server-side prepared statements, which pin sessions behind RDS Proxy. The password is in the URL,
    or in a `secret`, or is a token created by `signing`; only one of the three is used.
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
    """Settings of Redis or Valkey; `url` None means no cache, `rediss://` means TLS. All times are in seconds."""

    url: str | None = field(repr=False)
    ca_file: str | None = None
    timeout: float = 0.25
    ttl: float = 60.0
    lease: float = 2.0
    breaker_after: int = 3
    breaker_pause: float = 5.0
    # The secret that holds the token, if the URL does not.
    secret: SecretReference | None = None


class ReachStrategy(StrEnum):
    """How a reach follows hops: all in one traversal, or one traversal for each hop, controlled by the client."""

    TRAVERSAL = "traversal"
    FRONTIER = "frontier"


class GraphEngine(StrEnum):
    """The engine that executes walks when no URL is set."""

    SQL = "sql"
    GREMLIN = "gremlin"
    NEPTUNE_LIKE = "neptune-like"


@dataclass(frozen=True, slots=True)
class BulkLoadSettings:
    """Neptune's bulk loader: the bucket for the files (`s3://bucket/prefix`), and the role by which it reads them."""

    bucket: str
    role: str


@dataclass(frozen=True, slots=True)
class GraphSettings:
    """Settings of the graph; `url` None means recursive SQL in the main database. All times are in seconds.

    Reads go to `reader_url`, or to `url` without it. `pool_max` is the maximum number of web sockets to each of the
    two. `timeout` limits a traversal that has no deadline. A web socket is closed after `socket_seconds`. A message has
    at most `message_bytes`. A traversal that the engine refuses temporarily is sent at most `attempts` times.
    `edge_ids` says that the engine accepts ids of edges; JanusGraph does not. With `fallback`, walks run as recursive
    SQL while the graph is unavailable.
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
    """URLs of SQS queues, and their region; a queue without a URL is stored in tables of the main database.

    `events` is a FIFO queue; the others may be of either kind. A queue whose URL does not end in `.fifo` is a standard
    queue: it keeps no order and may deliver a message twice.
    """

    events: str | None = None
    remediation_p1: str | None = None
    remediation_standard: str | None = None
    notifications: str | None = None
    region: str | None = None


@dataclass(frozen=True, slots=True)
class JarSettings:
    """The repository for the jars of an embedded graph, and their local folder; `~` is the user's home directory.

    `repository` None means the Maven settings of the machine, or else Maven Central.
    """

    repository: str | None = None
    cache: Path = Path("~/.cache/stackflow/jars")


class TraceExporter(StrEnum):
    """The destination of spans: none, X-Ray from a Lambda function, or an OpenTelemetry collector from a server."""

    OFF = "off"
    XRAY = "xray"
    OTLP = "otlp"


@dataclass(frozen=True, slots=True)
class ObservabilitySettings:
    """Settings of logs, metrics and traces.

    `environment` is a dimension of metrics; `metrics` says whether they are written. `function` and `version` are those
    of a Lambda function. `daemon` is the address of the X-Ray daemon, `collector` that of an OpenTelemetry collector.
    """

    environment: str = "local"
    metrics: bool = False
    function: str = ""
    version: str = ""
    traces: TraceExporter = TraceExporter.OFF
    daemon: str = "127.0.0.1:2000"
    collector: str = "http://127.0.0.1:4318"
