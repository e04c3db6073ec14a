"""Settings of sources, requests and observability. Each field declares its variable; times are in seconds."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from datasources.variables import Variable

HTTP = ("https", "http")
POSTGRES = ("postgresql", "postgres")
WEB_SOCKET = ("ws", "wss")

_EMBEDDED_POSTGRES = "an embedded PostgreSQL under `stackflow serve`"
_REGION = Variable(
    "AWS_REGION",
    "The region to sign for; required with `GRAPH_IAM`, `DATABASE_IAM` and with the URL of a queue. Lambda sets it.",
)

# fmt: off


@dataclass(frozen=True, slots=True)
class SigV4Signing:
    """Signing with AWS Signature Version 4 in this region, with the credentials of boto3's default chain.

    Web sockets are signed for `neptune-db`, database sign-ins for `rds-db`.
    """

    region: Annotated[str, _REGION]


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
    """One PostgreSQL database. Its password is in the URL, in the secret, or a signed token; only one of the three."""

    url: Annotated[str, Variable("DATABASE_URL",
        "The main database, as a libpq URL `postgresql://...`. Request TLS in it: "
        "`sslmode=verify-full&sslrootcert=...`.", schemes=POSTGRES, default=_EMBEDDED_POSTGRES)] = field(repr=False)
    pool_max: Annotated[int, Variable("DATABASE_POOL_MAX",
        "Maximum number of connections to each database.", minimum=1, maximum=10)] = 10
    connect_timeout: Annotated[float, Variable("DATABASE_CONNECT_TIMEOUT_SECONDS",
        "How long opening a connection may take; libpq uses at least 2.", minimum=0.1, maximum=60)] = 5.0
    pool_timeout: Annotated[float, Variable("DATABASE_POOL_TIMEOUT_SECONDS",
        "How long a statement waits for a free connection.", minimum=0.1, maximum=60)] = 5.0
    statement_timeout: Annotated[float, Variable("DATABASE_STATEMENT_TIMEOUT_SECONDS",
        "How long a statement may run; an earlier deadline of the request applies first.",
        minimum=0.1, maximum=900)] = 10.0
    prepare: Annotated[bool, Variable("DATABASE_PREPARE",
        "Whether statements are prepared in the server. Leave it off behind RDS Proxy, where prepared statements pin "
        "sessions. Prepared statements carry no request id.")] = False
    secret: Annotated[SecretReference | None, Variable("DATABASE_SECRET",
        "The secret in Secrets Manager with the main database's user and password, "
        '`{"username": ..., "password": ...}`; see [secrets](secrets.md).',
        default="none: the URL holds the credentials")] = None
    signing: Annotated[SigV4Signing | None, Variable("DATABASE_IAM",
        "Whether new connections to both databases sign in with RDS tokens; see [secrets](secrets.md).",
        remedy="the databases")] = None


@dataclass(frozen=True, slots=True)
class RequirementsSettings(PostgresSettings):
    """The requirements database: another address and secret, otherwise the same variables."""

    url: Annotated[str, Variable("REQUIREMENTS_URL",
        "The requirements database, in the form of `DATABASE_URL`.",
        schemes=POSTGRES, default=_EMBEDDED_POSTGRES)] = field(repr=False)
    secret: Annotated[SecretReference | None, Variable("REQUIREMENTS_SECRET",
        "The secret of the requirements database, in the form of `DATABASE_SECRET`.",
        default="none: the URL holds the credentials")] = None


@dataclass(frozen=True, slots=True)
class CacheSettings:
    """Redis or Valkey; without a URL there is no cache."""

    url: Annotated[str | None, Variable("REDIS_URL",
        "The cache: `redis://`, or `rediss://user:token@host:port/0` with TLS; `off` for no cache.",
        schemes=("redis", "rediss"), none="off", default="an embedded Valkey under `stackflow serve`",
    )] = field(repr=False)
    secret: Annotated[SecretReference | None, Variable("REDIS_SECRET",
        'The secret with the cache\'s token: text, or `{"token": ...}`.',
        default="none: the URL holds the token")] = None
    ca_file: Annotated[str | None, Variable("REDIS_CA_FILE",
        "Certificates that verify the cache's certificate.",
        default="the system's certificates", values="path of a PEM file")] = None
    timeout: Annotated[float, Variable("REDIS_TIMEOUT_SECONDS",
        "How long the cache may take to answer; a later answer counts as a miss.", minimum=0.01, maximum=10)] = 0.25
    ttl: Annotated[float, Variable("REDIS_TTL_SECONDS",
        "How long a cached value is stored unless a write makes it stale earlier.", minimum=1, maximum=86_400)] = 60.0
    lease: Annotated[float, Variable("REDIS_LEASE_SECONDS",
        "How long one process may load a value while the others wait for it.", minimum=0.1, maximum=60)] = 2.0


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
    """Neptune's bulk loader."""

    bucket: Annotated[str, Variable("GRAPH_LOADER_BUCKET",
        "Where `stackflow graph rebuild` writes files for Neptune's bulk loader.",
        default="no bulk load", values="`s3://bucket/prefix`")]
    role: Annotated[str, Variable("GRAPH_LOADER_ROLE",
        "The role that the loader uses to read these files; required with a bucket.", values="ARN of a role")]


@dataclass(frozen=True, slots=True)
class GraphSettings:
    """The graph; without a URL, walks are recursive SQL in the main database."""

    url: Annotated[str | None, Variable("GRAPH_URL",
        "The graph store's writer endpoint: `wss://host:8182/gremlin` of Neptune, JanusGraph or any Gremlin Server.",
        schemes=WEB_SOCKET, default="the engine of `GRAPH`")] = None
    reader_url: Annotated[str | None, Variable("GRAPH_READER_URL",
        "The endpoint for walks that need not see the request's own writes: Neptune's reader endpoint.",
        schemes=WEB_SOCKET, default="the endpoint of `GRAPH_URL`")] = None
    engine: Annotated[GraphEngine, Variable("GRAPH",
        "The engine that `stackflow serve` uses for walks when `GRAPH_URL` is not set: `gremlin` and `neptune-like` "
        "start one on this machine.")] = GraphEngine.SQL
    signing: Annotated[SigV4Signing | None, Variable("GRAPH_IAM",
        "Whether WebSocket connections are signed with SigV4 for `neptune-db`.", remedy="the cluster")] = None
    ca_file: Annotated[str | None, Variable("GRAPH_CA_FILE",
        "Certificates that verify the graph store's certificate.",
        default="the system's certificates", values="path of a PEM file")] = None
    pool_max: Annotated[int, Variable("GRAPH_POOL_MAX",
        "Maximum number of WebSocket connections to each endpoint of the graph.", minimum=1, maximum=64)] = 4
    connect_timeout: Annotated[float, Variable("GRAPH_CONNECT_TIMEOUT_SECONDS",
        "How long opening a WebSocket connection may take.", minimum=0.1, maximum=60)] = 5.0
    timeout: Annotated[float, Variable("GRAPH_TIMEOUT_SECONDS",
        "How long a traversal may take outside a request; in a request, its deadline applies.",
        minimum=0.1, maximum=900)] = 30.0
    socket_seconds: Annotated[float, Variable("GRAPH_SOCKET_SECONDS",
        "How long a WebSocket connection is used before a new one replaces it, which resolves the host name and signs "
        "again.", minimum=1, maximum=864_000)] = 3_600.0
    message_bytes: Annotated[int, Variable("GRAPH_MESSAGE_BYTES",
        "Maximum size of one message from the graph, in bytes.", minimum=65_536, maximum=157_286_400)] = 33_554_432
    attempts: Annotated[int, Variable("GRAPH_ATTEMPTS",
        "How often a traversal is sent that the graph refuses temporarily: throttled, or in conflict with another.",
        minimum=1, maximum=100)] = 8
    hops: Annotated[ReachStrategy, Variable("GRAPH_HOPS",
        "Whether a walk is one traversal (`traversal`) or one for each hop (`frontier`).")] = ReachStrategy.TRAVERSAL
    edge_ids: Annotated[bool, Variable("GRAPH_EDGE_IDS",
        "Whether the engine accepts ids of edges; JanusGraph does not.")] = True
    fallback: Annotated[bool, Variable("GRAPH_FALLBACK",
        "Whether walks run in the main database while the graph store is lost or late.")] = True
    bulk: BulkLoadSettings | None = None


_TABLES = "tables of the main database"


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """SQS queues. One whose URL does not end in `.fifo` keeps no order and may deliver a message twice."""

    events: Annotated[str | None, Variable("EVENTS_QUEUE_URL",
        "The queue of incoming events: SQS FIFO.",
        schemes=HTTP, default=_TABLES, values="`https` or `http` URL that ends in `.fifo`")] = None
    remediation_p1: Annotated[str | None, Variable("REMEDIATION_P1_QUEUE_URL",
        "The SQS queue of remediation steps for urgent incidents; FIFO if the URL ends in `.fifo`.",
        schemes=HTTP, default=_TABLES)] = None
    remediation_standard: Annotated[str | None, Variable("REMEDIATION_STANDARD_QUEUE_URL",
        "The SQS queue of all other remediation steps; FIFO as above.", schemes=HTTP, default=_TABLES)] = None
    notifications: Annotated[str | None, Variable("NOTIFICATIONS_QUEUE_URL",
        "The SQS queue of notifications; FIFO as above.", schemes=HTTP, default=_TABLES)] = None
    region: Annotated[str | None, _REGION] = None


@dataclass(frozen=True, slots=True)
class JarSettings:
    """The repository of the jars of an embedded graph, and the cache folder; `~` is the user's home directory."""

    repository: Annotated[str | None, Variable("MAVEN_REPOSITORY_URL",
        "Where the jars of an embedded graph engine are downloaded from, once.",
        schemes=HTTP, default="the mirror of Maven Central in `~/.m2/settings.xml`, else Maven Central")] = None
    cache: Annotated[Path, Variable("XDG_CACHE_HOME",
        "The cache folder; its `stackflow/jars` stores the jars.", values="path of a folder")] = Path("~/.cache")


@dataclass(frozen=True, slots=True)
class DocumentLimits:
    """Bounds of one document; `cost` is in fields, each multiplied by the lists around it."""

    depth: Annotated[int, Variable("LIMIT_DEPTH",
        "Maximum levels of fields in a document.", minimum=1, maximum=100)] = 16
    aliases: Annotated[int, Variable("LIMIT_ALIASES",
        "Maximum number of aliases in a document; a fragment counts each time it is spread.",
        minimum=1, maximum=10_000)] = 60
    tokens: Annotated[int, Variable("LIMIT_TOKENS",
        "Maximum number of lexical tokens in a document.", minimum=10, maximum=100_000)] = 4_000
    directives: Annotated[int, Variable("LIMIT_DIRECTIVES",
        "Maximum number of directives in a document.", minimum=0, maximum=10_000)] = 50
    cost: Annotated[int, Variable("LIMIT_COST",
        "Maximum cost of a response in leaf fields, estimated before and counted during execution; "
        "see [document cost](#document-cost).", minimum=1, maximum=1_000_000_000)] = 150_000
    # The field itself rejects a larger page, with the name of its argument; so the estimate counts at most this size.
    page: Annotated[int, Variable("LIMIT_PAGE",
        "Maximum number of rows or nodes in a page.", minimum=1, maximum=10_000)] = 500


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """Bounds of one request and of its document."""

    timeout: Annotated[float, Variable("REQUEST_TIMEOUT_SECONDS",
        "The deadline of a request; fields whose store answers later are null.", minimum=0.1, maximum=300)] = 10.0
    body_bytes: Annotated[int, Variable("REQUEST_BODY_BYTES",
        "Maximum size of a request's body, in bytes.", minimum=1_024, maximum=10_485_760)] = 1_048_576
    plans: Annotated[bool, Variable("COMPILED_PLANS",
        "Whether queries are executed by [compiled plans](performance.md#plans) where that is possible. Without them "
        "answers are the same, and slower.")] = True
    document: DocumentLimits = field(default_factory=DocumentLimits)


class LanguageProvider(StrEnum):
    """Who answers questions: sentences of documents alone, or a model of Amazon Bedrock with them."""

    LOCAL = "local"
    BEDROCK = "bedrock"


class Generation(StrEnum):
    """Bedrock's operation: `converse` over our own retrieval, or `retrieve_and_generate`, which reports no tokens."""

    CONVERSE = "converse"
    RETRIEVE_AND_GENERATE = "retrieve-and-generate"


@dataclass(frozen=True, slots=True)
class LanguageSettings:
    """Language models: provider, retrieval, budgets; see docs/answers.md."""

    provider: Annotated[LanguageProvider, Variable("LANGUAGE",
        "Who writes [answers](answers.md): `local` copies sentences of documents, `bedrock` asks models of Amazon "
        "Bedrock and falls back to `local`.")] = LanguageProvider.LOCAL
    region: Annotated[str | None, _REGION] = None
    knowledge_base: Annotated[str | None, Variable("KNOWLEDGE_BASE_ID",
        "The knowledge base of Bedrock that retrieves passages, with `LANGUAGE=bedrock`.",
        pattern=r"[0-9A-Za-z]{10}", remedy="ten letters and digits", default="retrieval in the main database")] = None
    knowledge_data_source: Annotated[str | None, Variable("KNOWLEDGE_DATA_SOURCE_ID",
        "The data source of the knowledge base that reads `KNOWLEDGE_BUCKET`; required with it.",
        pattern=r"[0-9A-Za-z]{10}", remedy="ten letters and digits", default="no document is published")] = None
    knowledge_bucket: Annotated[str | None, Variable("KNOWLEDGE_BUCKET",
        "The bucket into which workers [publish](answers.md#how-it-is-fed) chunks of documents; required with "
        "`KNOWLEDGE_DATA_SOURCE_ID`, and needs `KNOWLEDGE_BASE_ID`.",
        pattern=r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", remedy="the name of a bucket", values="name of a bucket",
        default="no document is published")] = None
    generation: Annotated[Generation, Variable("BEDROCK_GENERATION",
        "The operation of Bedrock that writes answers. `retrieve-and-generate` needs `KNOWLEDGE_BASE_ID`, and its cost "
        "is estimated, since Bedrock reports no tokens.")] = Generation.CONVERSE
    guardrail: Annotated[str | None, Variable("BEDROCK_GUARDRAIL",
        "The guardrail of every call, as id:version.", pattern=r"[a-z0-9]+:(\d{1,8}|DRAFT)", remedy="it as id:version",
        default="no guardrail", values="id:version")] = None
    profiles: Annotated[str | None, Variable("BEDROCK_PROFILES",
        "Application inference profiles, which attribute cost by their tags: `model=ARN` pairs, separated by commas.",
        pattern=r"[^=,\s]+=arn:[^=,\s]+(, *[^=,\s]+=arn:[^=,\s]+)*", remedy="it as model=ARN pairs",
        default="the models themselves")] = None
    models: Annotated[Path | None, Variable("AI_MODELS",
        "The models that may be called, with prices and speeds.",
        default="the file in the package, `datasources/language/models.yaml`", values="path of a YAML file")] = None
    usd_a_request: Annotated[float, Variable("AI_USD_A_REQUEST",
        "What the model calls of one request may cost together, in USD.", minimum=0, maximum=100)] = 0.25
    usd_a_day: Annotated[float, Variable("AI_USD_A_DAY",
        "What the model calls of one team may cost on a day (UTC), in USD.", minimum=0, maximum=1_000_000)] = 5.0
    latency_seconds: Annotated[float, Variable("AI_LATENCY_SECONDS",
        "How long the model calls of one request may take together; an earlier deadline of the request applies first.",
        minimum=0.1, maximum=300)] = 20.0


class TraceExporter(StrEnum):
    """The destination of spans: none, X-Ray from a Lambda function, or an OpenTelemetry collector from a server."""

    OFF = "off"
    XRAY = "xray"
    OTLP = "otlp"


@dataclass(frozen=True, slots=True)
class ObservabilitySettings:
    """Logs, metrics and traces; the function and its version are those on Lambda."""

    environment: Annotated[str, Variable("STACKFLOW_ENVIRONMENT", "The name of the environment in metrics.")] = "local"
    metrics: Annotated[bool, Variable("STACKFLOW_METRICS",
        "Whether log lines contain [metrics](observability.md) in CloudWatch's embedded metric format.",
        pattern="emf|off", remedy="emf or off", default="`off`", values="`emf`, `off`")] = False
    function: Annotated[str, Variable("AWS_LAMBDA_FUNCTION_NAME",
        "The function name in log lines. Lambda sets it.")] = ""
    version: Annotated[str, Variable("AWS_LAMBDA_FUNCTION_VERSION",
        "The function version in log lines. Lambda sets it.")] = ""
    traces: Annotated[TraceExporter, Variable("STACKFLOW_TRACES",
        "Where [spans](observability.md#spans) are sent: from a Lambda function to X-Ray, or from `stackflow serve` to "
        "an OpenTelemetry collector.")] = TraceExporter.OFF
    daemon: Annotated[str, Variable("AWS_XRAY_DAEMON_ADDRESS",
        "The address of X-Ray's daemon. Lambda sets it.", pattern=r"[\w.-]+:\d{1,5}", remedy="it as host:port",
        default="port 2000 of this machine", values="host:port")] = "127.0.0.1:2000"
    collector: Annotated[str, Variable("OTEL_EXPORTER_OTLP_ENDPOINT",
        "The collector's URL; `/v1/traces` is appended. Without TLS only on this machine.",
        schemes=HTTP, default="port 4318 of this machine")] = "http://127.0.0.1:4318"
