"""Tables of an environment file for stores, queues and the network: adopted ones and new ones."""

from typing import Annotated

import msgspec
from msgspec import Meta

from cdk import formats as values
from cdk.formats import Fifo, Identity, Placeholder, Secret, Standard, Text

AURORA = "aws rds describe-db-clusters --db-cluster-identifier <aurora.{parent}.identifier>"
NEPTUNE = "aws neptune describe-db-clusters --db-cluster-identifier <neptune.identifier>"
QUEUES = "aws sqs list-queues --query QueueUrls --output text    # the name is the last part of its URL"
DEAD = (
    "aws sqs get-queue-attributes --attribute-names RedrivePolicy"
    " --queue-url $(aws sqs get-queue-url --queue-name <queues.{key}> --query QueueUrl --output text)"
    "    # the last part of deadLetterTargetArn; a queue without one is given one first"
)
SECRETS = "arn:aws:secretsmanager:us-east-1:373544523367:secret:placeholder/{parent}-AAAAAA"


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the file. Undeclared keys are errors."""


class Queues(Table, frozen=True, kw_only=True):
    """Names of queues. A dead-letter queue has the name of its queue and `-DLQ`, before `.fifo`."""

    events: Fifo
    remediation_p1: Annotated[Standard, Placeholder("Placeholder-Remediation-P1", QUEUES)]
    remediation_standard: Annotated[Standard, Placeholder("Placeholder-Remediation-Standard", QUEUES)]
    notifications: Annotated[Standard, Placeholder("Placeholder-Notifications", QUEUES)]


class AdoptedQueues(Queues, frozen=True, kw_only=True):
    """Existing queues with their dead-letter queues, which alarms monitor."""

    events_dead: Annotated[Fifo, Placeholder("Placeholder-events-DLQ.fifo", DEAD.format(key="events"))]
    remediation_p1_dead: Annotated[
        Standard, Placeholder("Placeholder-remediation-p1-DLQ", DEAD.format(key="remediation_p1"))
    ]
    remediation_standard_dead: Annotated[
        Standard, Placeholder("Placeholder-remediation-standard-DLQ", DEAD.format(key="remediation_standard"))
    ]
    notifications_dead: Annotated[
        Standard, Placeholder("Placeholder-notifications-DLQ", DEAD.format(key="notifications"))
    ]


class AdoptedNetwork(Table, frozen=True, kw_only=True):
    """An existing VPC. Subnets are keyed by zone; `endpoints` are those that the template creates, which admit the
    ranges of the VPC."""

    vpc_id: values.Vpc
    private_subnets: values.Subnets
    security_group_id: values.Group
    endpoints: Annotated[
        list[Text],
        Placeholder(
            [],
            "aws ec2 describe-vpc-endpoints --filters Name=vpc-id,Values=<network.vpc_id>"
            " --query 'VpcEndpoints[].ServiceName'"
            "    # of secretsmanager, sqs, bedrock-runtime, bedrock-agent-runtime,"
            " and with knowledge.bucket bedrock-agent,"
            " write those that are missing, or [] where the subnets' default route leads to a NAT gateway",
        ),
    ]
    ranges: values.Ranges = []


class NewNetwork(Table, frozen=True, kw_only=True):
    """A new VPC."""

    cidr: values.Cidr
    zones: values.Zones
    nat_gateways: Annotated[int, Meta(ge=1, le=3)] = 1
    endpoints: list[Text]


class AdoptedAurora(Table, frozen=True, kw_only=True):
    """An existing cluster. The secret belongs to the owner; only migrations read it."""

    identifier: Text
    database: Annotated[Text, Placeholder("placeholder", "psql -h <aurora.{parent}.host> -d postgres -c '\\l'")]
    host: Text
    resource_id: Annotated[
        Identity,
        Placeholder(
            "cluster-PLACEHOLDER{PARENT}", f"{AURORA} --query 'DBClusters[0].DbClusterResourceId' --output text"
        ),
    ]
    secret_arn: Annotated[
        Secret,
        Placeholder(
            SECRETS,
            f"{AURORA} --query 'DBClusters[0].MasterUserSecret.SecretArn' --output text"
            "    # None: its owner's password stands in a secret of your own: aws secretsmanager list-secrets",
        ),
    ]
    max_connections: Annotated[
        int,
        Meta(ge=20),
        Placeholder(5_000, "psql -h <aurora.{parent}.host> -c 'SHOW max_connections'    # on the writer"),
    ]


class NewAurora(Table, frozen=True, kw_only=True):
    """A new serverless cluster, with a writer and a reader in another zone. Capacity is in ACU of 2 GiB."""

    identifier: Text
    database: Text
    engine_version: values.AuroraVersion
    min_capacity: Annotated[float, Meta(ge=0.5, le=256)] = 0.5
    max_capacity: Annotated[float, Meta(ge=1, le=256)] = 4


class AdoptedAuroras(Table, frozen=True, kw_only=True):
    """Both relational clusters."""

    main: AdoptedAurora
    requirements: AdoptedAurora


class NewAuroras(Table, frozen=True, kw_only=True):
    """Both relational clusters."""

    main: NewAurora
    requirements: NewAurora


class AdoptedNeptune(Table, frozen=True, kw_only=True):
    """An existing graph; policies use its resource id."""

    identifier: Text
    host: Text
    reader_host: Annotated[
        Text,
        Placeholder(
            "graph-reader.placeholder.invalid", f"{NEPTUNE} --query 'DBClusters[0].ReaderEndpoint' --output text"
        ),
    ]
    resource_id: Annotated[
        Identity,
        Placeholder("cluster-PLACEHOLDERGRAPH", f"{NEPTUNE} --query 'DBClusters[0].DbClusterResourceId' --output text"),
    ]


class NewNeptune(Table, frozen=True, kw_only=True):
    """A new serverless graph. Capacity is in NCU of 2 GiB."""

    identifier: Text
    engine_version: values.NeptuneVersion
    min_capacity: Annotated[float, Meta(ge=1, le=128)] = 1
    max_capacity: Annotated[float, Meta(ge=2.5, le=128)] = 4


class AdoptedRedis(Table, frozen=True, kw_only=True):
    """An existing cache, with TLS and an auth token in the secret."""

    identifier: Text
    host: Text
    secret_arn: Annotated[
        Secret, Placeholder(SECRETS, "aws secretsmanager list-secrets --query 'SecretList[].[Name,ARN]' --output table")
    ]


class NewRedis(Table, frozen=True, kw_only=True):
    """A new cache with two nodes."""

    identifier: Text
    node_type: values.Node


class AdoptedKnowledge(Table, frozen=True, kw_only=True):
    """An existing Bedrock knowledge base. With a data source and its bucket, the service publishes documents there."""

    id: values.KnowledgeBase
    data_source_id: values.KnowledgeBase | None = None
    bucket: values.Bucket | None = None


class NewKnowledge(Table, frozen=True, kw_only=True):
    """A new knowledge base. Its vectors are in S3 Vectors, or in a collection of this name in OpenSearch Serverless."""

    store: values.VectorStore
    collection: values.Collection | None = None
