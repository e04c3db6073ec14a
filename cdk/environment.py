"""What an environment file may say: one shape for resources that exist, one for an account without any."""

from typing import Annotated

import msgspec

Text = Annotated[str, msgspec.Meta(min_length=1)]
Vpc = Annotated[str, msgspec.Meta(pattern=r"^vpc-[0-9a-f]{8,17}$")]
Subnet = Annotated[str, msgspec.Meta(pattern=r"^subnet-[0-9a-f]{8,17}$")]
Group = Annotated[str, msgspec.Meta(pattern=r"^sg-[0-9a-f]{8,17}$")]
Zone = Annotated[str, msgspec.Meta(pattern=r"^[a-z]{2}(-[a-z]+)+-\d[a-z]$")]
Secret = Annotated[str, msgspec.Meta(pattern=r"^arn:aws:secretsmanager:[a-z0-9-]+:\d{12}:secret:\S+$")]
Certificate = Annotated[str, msgspec.Meta(pattern=r"^arn:aws:acm:us-east-1:\d{12}:certificate/\S+$")]
Firewall = Annotated[str, msgspec.Meta(pattern=r"^arn:aws:wafv2:us-east-1:\d{12}:global/webacl/[^/]+/\S+$")]
Identity = Annotated[str, msgspec.Meta(pattern=r"^cluster-[A-Z0-9]+$")]
Fifo = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,75}\.fifo$")]
Standard = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,80}$")]
Range = Annotated[str, msgspec.Meta(pattern=r"^\d{1,3}(\.\d{1,3}){3}/\d{1,2}$")]
Positive = Annotated[int, msgspec.Meta(ge=1)]


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the file. A key that it does not declare is an error."""


class Queues(Part, frozen=True, kw_only=True):
    """Names. The dead letters of a queue have its name and `-DLQ`, before `.fifo`."""

    events: Fifo
    remediation_p1: Standard
    remediation_standard: Standard
    notifications: Standard


class AdoptedQueues(Queues, frozen=True, kw_only=True):
    """Queues that exist, with those of their dead letters, which alarms watch."""

    events_dead: Fifo
    remediation_p1_dead: Standard
    remediation_standard_dead: Standard
    notifications_dead: Standard


class Functions(Part, frozen=True, kw_only=True):
    """The functions and the gateway. Seconds, megabytes, requests, and connections to each database."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,48}$")]
    stage: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_]+$")]
    memory_mb: Annotated[int, msgspec.Meta(ge=512, le=10_240)] = 1792
    # Of each function but the API. Nobody waits for them, and memory brings processor time in proportion.
    worker_memory_mb: Annotated[int, msgspec.Meta(ge=512, le=10_240)] = 1024
    timeout_seconds: Annotated[int, msgspec.Meta(ge=30, le=900)] = 300
    # What the account allows an integration of a regional REST API; 29 unless AWS raised it.
    gateway_seconds: Annotated[int, msgspec.Meta(ge=10, le=300)] = 29
    burst: Positive = 10_000
    steady: Positive = 5_000
    # Instances at most, which bounds the connections (docs/decisions/0026).
    concurrency: Annotated[int, msgspec.Meta(ge=1, le=1_000)]
    connections: Annotated[int, msgspec.Meta(ge=1, le=5)] = 4
    # How instances of the API start (docs/decisions/0027): from a snapshot, or so many that wait. Off where days pass
    # without a call: AWS drops the snapshot of a version unused for 14 days, and the next calls fail.
    # https://docs.aws.amazon.com/lambda/latest/dg/snapstart-troubleshooting.html
    snap_start: bool = False
    provisioned: Annotated[int, msgspec.Meta(ge=0, le=500)] = 0
    bundle: Text = "dist/stackflow-lambda-arm64.zip"
    # Variables of docs/settings.md that the template does not set: cdk/service_settings.py tells which.
    settings: dict[Text, str | int | float | bool] = {}


class Access(Part, frozen=True, kw_only=True):
    """Whose tokens are accepted."""

    issuer: Annotated[str, msgspec.Meta(pattern=r"^https://\S+$")]
    audience: Text


class Price(Part, frozen=True, kw_only=True):
    """USD of a million tokens that a model reads, and that it writes."""

    input: Annotated[float, msgspec.Meta(gt=0)]
    output: Annotated[float, msgspec.Meta(ge=0)]


class Models(Part, frozen=True, kw_only=True):
    """Foundation models of Bedrock that the API may call, with their prices, and what a day of them may cost."""

    allowed: Annotated[dict[Text, Price], msgspec.Meta(min_length=1, max_length=20)]
    usd_a_day: Annotated[float, msgspec.Meta(ge=1)]


class Distribution(Part, frozen=True, kw_only=True):
    """One of CloudFront: an id adopts it; a domain with its certificate makes it."""

    id: Annotated[str, msgspec.Meta(pattern=r"^E[A-Z0-9]{9,14}$")] | None = None
    domain: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9.-]+\.[a-z]{2,}$")]
    certificate_arn: Certificate | None = None


class Distributions(Part, frozen=True, kw_only=True):
    """The three faces: the documentation, the explorer's pages, the API."""

    docs: Distribution
    app: Distribution
    api: Distribution


class Edge(Part, frozen=True, kw_only=True):
    """What stands before the gateway. A firewall's ARN adopts it; without one it is made."""

    region: Text = "us-east-1"
    firewall: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9-]{1,120}$")]
    firewall_arn: Firewall | None = None
    # Requests from one address in five minutes: 1,000 a second, as an office or a producer of events may be one.
    rate: Annotated[int, msgspec.Meta(ge=10)] = 300_000
    # Raised by one, it turns the secret by which the gateway knows CloudFront.
    origin_secret: Positive = 1
    distributions: Distributions


class AdoptedNetwork(Part, frozen=True, kw_only=True):
    """A VPC that exists. Subnets are keyed by their zone; endpoints are those that the template is to make, which admit
    the ranges of the VPC."""

    vpc_id: Vpc
    private_subnets: dict[Zone, Subnet]
    security_group_id: Group
    endpoints: list[Text]
    ranges: list[Range] = []


class MadeNetwork(Part, frozen=True, kw_only=True):
    """A VPC to be made."""

    cidr: Annotated[str, msgspec.Meta(pattern=r"^10\.\d{1,3}\.0\.0/16$")]
    zones: Annotated[list[Zone], msgspec.Meta(min_length=2, max_length=3)]
    nat_gateways: Annotated[int, msgspec.Meta(ge=1, le=3)] = 1
    endpoints: list[Text]


class AdoptedAurora(Part, frozen=True, kw_only=True):
    """A cluster that exists. The secret is its owner's and only migrations read it."""

    identifier: Text
    database: Text
    host: Text
    resource_id: Identity
    secret_arn: Secret
    max_connections: Annotated[int, msgspec.Meta(ge=20)]


class MadeAurora(Part, frozen=True, kw_only=True):
    """A serverless cluster to be made, with a writer and a reader in another zone. Capacity in ACU of 2 GiB."""

    identifier: Text
    database: Text
    engine_version: Annotated[str, msgspec.Meta(pattern=r"^1[67]\.\d+$")]
    min_capacity: Annotated[float, msgspec.Meta(ge=0.5, le=256)] = 0.5
    max_capacity: Annotated[float, msgspec.Meta(ge=1, le=256)] = 4


class AdoptedAuroras(Part, frozen=True, kw_only=True):
    """Both relational clusters."""

    main: AdoptedAurora
    requirements: AdoptedAurora


class MadeAuroras(Part, frozen=True, kw_only=True):
    """Both relational clusters."""

    main: MadeAurora
    requirements: MadeAurora


class AdoptedNeptune(Part, frozen=True, kw_only=True):
    """A graph that exists; its resource id names it in policies."""

    identifier: Text
    host: Text
    reader_host: Text
    resource_id: Identity


class MadeNeptune(Part, frozen=True, kw_only=True):
    """A serverless graph to be made. Capacity in NCU of 2 GiB."""

    identifier: Text
    engine_version: Annotated[str, msgspec.Meta(pattern=r"^1\.4\.\d+\.\d+$")]
    min_capacity: Annotated[float, msgspec.Meta(ge=1, le=128)] = 1
    max_capacity: Annotated[float, msgspec.Meta(ge=2.5, le=128)] = 4


class AdoptedRedis(Part, frozen=True, kw_only=True):
    """A cache that exists, with TLS and an auth token in the secret."""

    identifier: Text
    host: Text
    secret_arn: Secret


class MadeRedis(Part, frozen=True, kw_only=True):
    """A cache to be made, of two nodes."""

    identifier: Text
    node_type: Annotated[str, msgspec.Meta(pattern=r"^cache\.[a-z0-9]+\.[a-z0-9]+$")]


class AdoptedKnowledge(Part, frozen=True, kw_only=True):
    """A Bedrock knowledge base that exists."""

    id: Annotated[str, msgspec.Meta(pattern=r"^[A-Z0-9]{10}$")]


class MadeKnowledge(Part, frozen=True, kw_only=True):
    """A knowledge base to be made over a collection of this name."""

    collection: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9-]{2,27}$")]


class Shared(Part, frozen=True, kw_only=True):
    """What both shapes say."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9]{1,11}$")]
    account: Annotated[str, msgspec.Meta(pattern=r"^\d{12}$")]
    region: Annotated[str, msgspec.Meta(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")]
    findings_topic: Text
    queues: Queues
    functions: Functions
    access: Access
    models: Models
    edge: Edge


class Adopt(Shared, frozen=True, kw_only=True, tag_field="mode", tag="adopt"):
    """An environment over stores that exist: none is made."""

    queues: AdoptedQueues
    key_id: Annotated[str, msgspec.Meta(pattern=r"^mrk-[0-9a-f]{32}$")]
    network: AdoptedNetwork
    aurora: AdoptedAuroras
    neptune: AdoptedNeptune
    redis: AdoptedRedis
    # Without it there is none.
    knowledge: AdoptedKnowledge | None = None


class Create(Shared, frozen=True, kw_only=True, tag_field="mode", tag="create"):
    """A fresh environment in an account that has none."""

    network: MadeNetwork
    aurora: MadeAuroras
    neptune: MadeNeptune
    redis: MadeRedis
    # Without it none is made.
    knowledge: MadeKnowledge | None = None


Environment = Adopt | Create
