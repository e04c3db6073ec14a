"""The schema of an environment file: one type for existing resources, one for an account without any."""

from typing import Annotated

import msgspec
from msgspec import Meta

from cdk import formats as values
from cdk import tables
from cdk.formats import Placeholder, Positive, Text
from cdk.tables import Queues, Table

LIST_DISTRIBUTIONS_COMMAND = (
    "aws cloudfront list-distributions"
    " --query 'DistributionList.Items[].[Id,Aliases.Items[0],ViewerCertificate.ACMCertificateArn]' --output table"
)
ISSUER_HINT = "ask who runs the issuer of your tokens"


class Functions(Table, frozen=True, kw_only=True):
    """The functions and the gateway. Times in seconds, memory in MB, rates in requests, connections per database."""

    name: values.Function
    stage: values.Stage
    memory_mb: Annotated[int, Meta(ge=512, le=10_240)] = 1792
    # Of each function except the API. No caller waits for them, and CPU is proportional to memory.
    worker_memory_mb: Annotated[int, Meta(ge=512, le=10_240)] = 1024
    timeout_seconds: Annotated[int, Meta(ge=30, le=900)] = 300
    # The account's integration timeout of a regional REST API; 29 s unless AWS has raised it.
    gateway_seconds: Annotated[int, Meta(ge=10, le=300)] = 29
    burst: Positive = 10_000
    steady: Positive = 5_000
    # The maximum number of instances, which limits the connections (docs/decisions/0026).
    concurrency: Annotated[int, Meta(ge=1, le=1_000)]
    connections: Annotated[int, Meta(ge=1, le=5)] = 4
    # How instances of the API start (docs/decisions/0027): from a snapshot, or provisioned in advance. Off if days pass
    # without a call: AWS deletes the snapshot of a version unused for 14 days, and the next calls fail.
    # https://docs.aws.amazon.com/lambda/latest/dg/snapstart-troubleshooting.html
    snap_start: bool = False
    provisioned: Annotated[int, Meta(ge=0, le=500)] = 0
    bundle: Text = "dist/stackflow-lambda-arm64.zip"
    # Variables of docs/settings.md that the template does not set: see cdk/service_settings.py.
    settings: dict[Text, str | int | float | bool] = msgspec.field(default_factory=dict)


class Access(Table, frozen=True, kw_only=True):
    """The issuer and the audience of accepted tokens."""

    issuer: Annotated[values.Issuer, Placeholder("https://issuer.placeholder.invalid", ISSUER_HINT)]
    audience: Annotated[Text, Placeholder("placeholder", ISSUER_HINT)]


class Price(Table, frozen=True, kw_only=True):
    """USD per million tokens that a model reads, and that it writes."""

    input: Annotated[float, Meta(gt=0)]
    output: Annotated[float, Meta(ge=0)]


class Models(Table, frozen=True, kw_only=True):
    """Bedrock foundation models that the API may call, with their prices, and their daily allowance."""

    allowed: Annotated[dict[Text, Price], Meta(min_length=1, max_length=20)]
    usd_a_day: Annotated[float, Meta(ge=1)]


class Distribution(Table, frozen=True, kw_only=True):
    """A CloudFront distribution: an id adopts it; a domain with a certificate creates it."""

    id: Annotated[values.DistributionId | None, Placeholder("EPLACEHOLDER{PARENT:.3}", LIST_DISTRIBUTIONS_COMMAND)] = (
        None
    )
    domain: Annotated[
        values.Domain,
        Placeholder(
            "{parent}.placeholder.invalid",
            f"{LIST_DISTRIBUTIONS_COMMAND}    # for one that is to be made: a domain of yours",
        ),
    ]
    certificate_arn: Annotated[
        values.Certificate | None,
        Placeholder(
            "arn:aws:acm:us-east-1:373544523367:certificate/placeholder-{parent}",
            "aws acm list-certificates --region us-east-1"
            " --query 'CertificateSummaryList[].[CertificateArn,DomainName]'",
        ),
    ] = None


class Distributions(Table, frozen=True, kw_only=True):
    """The three distributions: the documentation, the pages of the explorer, and the API."""

    docs: Distribution
    app: Distribution
    api: Distribution


class Edge(Table, frozen=True, kw_only=True):
    """The edge in front of the gateway. A firewall's ARN adopts it; without one it is created."""

    region: Text = "us-east-1"
    firewall: values.Firewall
    firewall_arn: Annotated[
        values.FirewallArn | None,
        Placeholder(
            "arn:aws:wafv2:us-east-1:373544523367:global/webacl/placeholder/00000000-0000-0000-0000-000000000000",
            "aws wafv2 list-web-acls --scope CLOUDFRONT --region us-east-1 --query 'WebACLs[].[Name,ARN]'"
            " --output table",
        ),
    ] = None
    # Requests from one address in five minutes: 1,000 per second, because an office or an event producer shares one.
    rate: Annotated[int, Meta(ge=10)] = 300_000
    # Raise it by one to rotate the secret by which the gateway recognises CloudFront.
    origin_secret: Positive = 1
    distributions: Distributions


class BaseEnvironment(Table, frozen=True, kw_only=True):
    """The keys of both modes."""

    name: values.Name
    account: Annotated[
        values.Account, Placeholder("111111111111", "aws sts get-caller-identity --query Account --output text")
    ]
    region: values.Region
    findings_topic: Text
    queues: Queues
    functions: Functions
    access: Access
    models: Models
    edge: Edge


class AdoptedEnvironment(BaseEnvironment, frozen=True, kw_only=True, tag_field="mode", tag="adopt"):
    """An environment on existing stores: none is created."""

    queues: tables.AdoptedQueues
    key_id: values.Key
    network: tables.AdoptedNetwork
    aurora: tables.AdoptedAuroras
    neptune: tables.AdoptedNeptune
    redis: tables.AdoptedRedis
    # Optional.
    knowledge: tables.AdoptedKnowledge | None = None


class NewEnvironment(BaseEnvironment, frozen=True, kw_only=True, tag_field="mode", tag="create"):
    """A new environment in an account without stores."""

    network: tables.NewNetwork
    aurora: tables.NewAuroras
    neptune: tables.NewNeptune
    redis: tables.NewRedis
    # Optional.
    knowledge: tables.NewKnowledge | None = None


Environment = AdoptedEnvironment | NewEnvironment
