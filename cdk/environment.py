"""What an environment file may say: one shape for resources that exist, one for an account without any."""

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
    """The functions and the gateway. Seconds, megabytes, requests, and connections to each database."""

    name: values.Function
    stage: values.Stage
    memory_mb: Annotated[int, Meta(ge=512, le=10_240)] = 1792
    # Of each function but the API. Nobody waits for them, and memory brings processor time in proportion.
    worker_memory_mb: Annotated[int, Meta(ge=512, le=10_240)] = 1024
    timeout_seconds: Annotated[int, Meta(ge=30, le=900)] = 300
    # What the account allows an integration of a regional REST API; 29 unless AWS raised it.
    gateway_seconds: Annotated[int, Meta(ge=10, le=300)] = 29
    burst: Positive = 10_000
    steady: Positive = 5_000
    # Instances at most, which bounds the connections (docs/decisions/0026).
    concurrency: Annotated[int, Meta(ge=1, le=1_000)]
    connections: Annotated[int, Meta(ge=1, le=5)] = 4
    # How instances of the API start (docs/decisions/0027): from a snapshot, or so many that wait. Off where days pass
    # without a call: AWS drops the snapshot of a version unused for 14 days, and the next calls fail.
    # https://docs.aws.amazon.com/lambda/latest/dg/snapstart-troubleshooting.html
    snap_start: bool = False
    provisioned: Annotated[int, Meta(ge=0, le=500)] = 0
    bundle: Text = "dist/stackflow-lambda-arm64.zip"
    # Variables of docs/settings.md that the template does not set: cdk/service_settings.py tells which.
    settings: dict[Text, str | int | float | bool] = msgspec.field(default_factory=dict)


class Access(Table, frozen=True, kw_only=True):
    """Whose tokens are accepted."""

    issuer: Annotated[values.Issuer, Placeholder("https://issuer.placeholder.invalid", ISSUER_HINT)]
    audience: Annotated[Text, Placeholder("placeholder", ISSUER_HINT)]


class Price(Table, frozen=True, kw_only=True):
    """USD of a million tokens that a model reads, and that it writes."""

    input: Annotated[float, Meta(gt=0)]
    output: Annotated[float, Meta(ge=0)]


class Models(Table, frozen=True, kw_only=True):
    """Foundation models of Bedrock that the API may call, with their prices, and what a day of them may cost."""

    allowed: Annotated[dict[Text, Price], Meta(min_length=1, max_length=20)]
    usd_a_day: Annotated[float, Meta(ge=1)]


class Distribution(Table, frozen=True, kw_only=True):
    """One of CloudFront: an id adopts it; a domain with its certificate makes it."""

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
    """The three faces: the documentation, the explorer's pages, the API."""

    docs: Distribution
    app: Distribution
    api: Distribution


class Edge(Table, frozen=True, kw_only=True):
    """What stands before the gateway. A firewall's ARN adopts it; without one it is made."""

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
    # Requests from one address in five minutes: 1,000 a second, as an office or a producer of events may be one.
    rate: Annotated[int, Meta(ge=10)] = 300_000
    # Raised by one, it turns the secret by which the gateway knows CloudFront.
    origin_secret: Positive = 1
    distributions: Distributions


class BaseEnvironment(Table, frozen=True, kw_only=True):
    """What both shapes say."""

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
    """An environment over stores that exist: none is made."""

    queues: tables.AdoptedQueues
    key_id: values.Key
    network: tables.AdoptedNetwork
    aurora: tables.AdoptedAuroras
    neptune: tables.AdoptedNeptune
    redis: tables.AdoptedRedis
    # Without it there is none.
    knowledge: tables.AdoptedKnowledge | None = None


class NewEnvironment(BaseEnvironment, frozen=True, kw_only=True, tag_field="mode", tag="create"):
    """A fresh environment in an account that has none."""

    network: tables.NewNetwork
    aurora: tables.NewAuroras
    neptune: tables.NewNeptune
    redis: tables.NewRedis
    # Without it none is made.
    knowledge: tables.NewKnowledge | None = None


Environment = AdoptedEnvironment | NewEnvironment
