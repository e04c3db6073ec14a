"""The stores as the stateless stacks see them, whether adopted or created."""

from dataclasses import dataclass

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secrets
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs


@dataclass(frozen=True, slots=True)
class Database:
    """A relational cluster. The secret belongs to the owner role; only migrations use it, other functions use IAM."""

    identifier: str
    name: str
    host: str
    resource_id: str
    secret: secrets.ISecret
    max_connections: int


@dataclass(frozen=True, slots=True)
class Graph:
    """Neptune with its writer and reader endpoints."""

    identifier: str
    host: str
    reader_host: str
    resource_id: str


@dataclass(frozen=True, slots=True)
class Cache:
    """Redis with its auth token."""

    identifier: str
    host: str
    secret: secrets.ISecret


@dataclass(frozen=True, slots=True)
class QueueInput:
    """A queue and the name of its dead-letter queue."""

    queue: sqs.IQueue
    name: str
    dead: str


@dataclass(frozen=True, slots=True)
class QueueInputs:
    """The four queues."""

    events: QueueInput
    remediation_p1: QueueInput
    remediation_standard: QueueInput
    notifications: QueueInput

    def all(self) -> tuple[QueueInput, ...]:
        """Return all queues, in the order of display."""
        return self.events, self.remediation_p1, self.remediation_standard, self.notifications


@dataclass(frozen=True, slots=True)
class Publication:
    """The bucket that documents are published to, and the data source of the knowledge base that reads it."""

    bucket: str
    data_source: str


@dataclass(frozen=True, slots=True)
class StackInputs:
    """Everything that functions access."""

    vpc: ec2.IVpc
    subnets: ec2.SubnetSelection
    group: ec2.ISecurityGroup
    key: kms.IKey
    main: Database
    requirements: Database
    graph: Graph
    cache: Cache
    queues: QueueInputs
    knowledge: str | None
    publication: Publication | None
    topic: sns.ITopic

    def databases(self) -> tuple[Database, Database]:
        """Return both databases, the main one first."""
        return self.main, self.requirements


def dead_letters(name: str) -> str:
    """Return the name of a queue's dead-letter queue; that of a FIFO queue is FIFO too."""
    return f"{name.removesuffix('.fifo')}-DLQ.fifo" if name.endswith(".fifo") else f"{name}-DLQ"
