"""Imports existing stores by the ids in the environment file. Nothing is looked up or created."""

from aws_cdk import Acknowledgment, Stack, Validations
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secrets
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs

from cdk.environment import AdoptedEnvironment
from cdk.inputs import Cache, Database, Graph, Publication, QueueInput, QueueInputs, StackInputs
from cdk.tables import AdoptedAurora


def import_stores(stack: Stack, environment: AdoptedEnvironment) -> StackInputs:
    """Return the resources of the file as constructs of a stack."""
    vpc = _vpc(stack, environment)
    key = kms.Key.from_key_arn(stack, "Key", _arn(environment, "kms", f"key/{environment.key_id}"))
    network, graph, redis = environment.network, environment.neptune, environment.redis
    return StackInputs(
        vpc=vpc,
        subnets=ec2.SubnetSelection(subnets=vpc.private_subnets),
        # The owner manages the rules of the group; the template changes none.
        group=ec2.SecurityGroup.from_security_group_id(stack, "Mesh", network.security_group_id, mutable=False),
        key=key,
        main=_database(stack, "Main", environment.aurora.main, key),
        requirements=_database(stack, "Requirements", environment.aurora.requirements, key),
        graph=Graph(graph.identifier, graph.host, graph.reader_host, graph.resource_id),
        cache=Cache(redis.identifier, redis.host, _secret(stack, "RedisToken", redis.secret_arn, key)),
        queues=_queues(stack, environment, key),
        knowledge=environment.knowledge.id if environment.knowledge else None,
        publication=_publication(environment),
        topic=sns.Topic.from_topic_arn(stack, "Findings", _arn(environment, "sns", environment.findings_topic)),
    )


def _publication(environment: AdoptedEnvironment) -> Publication | None:
    knowledge = environment.knowledge
    if knowledge is None or knowledge.bucket is None or knowledge.data_source_id is None:
        return None
    return Publication(knowledge.bucket, knowledge.data_source_id)


def _arn(environment: AdoptedEnvironment, product: str, resource: str) -> str:
    return f"arn:aws:{product}:{environment.region}:{environment.account}:{resource}"


def _vpc(stack: Stack, environment: AdoptedEnvironment) -> ec2.IVpc:
    network = environment.network
    vpc = ec2.Vpc.from_vpc_attributes(
        stack,
        "Vpc",
        vpc_id=network.vpc_id,
        availability_zones=list(network.private_subnets),
        private_subnet_ids=list(network.private_subnets.values()),
    )
    for subnet in vpc.private_subnets:
        Validations.of(subnet).acknowledge(
            Acknowledgment(
                id="Annotation::@aws-cdk/aws-ec2:noSubnetRouteTableId",
                reason="adopted subnets: no route is ever added to them",
            )
        )
    return vpc


def _secret(stack: Stack, construct: str, arn: str, key: kms.IKey) -> secrets.ISecret:
    return secrets.Secret.from_secret_attributes(stack, construct, secret_complete_arn=arn, encryption_key=key)


def _database(stack: Stack, construct: str, cluster: AdoptedAurora, key: kms.IKey) -> Database:
    secret = _secret(stack, f"{construct}Owner", cluster.secret_arn, key)
    return Database(
        cluster.identifier, cluster.database, cluster.host, cluster.resource_id, secret, cluster.max_connections
    )


def _queues(stack: Stack, environment: AdoptedEnvironment, key: kms.IKey) -> QueueInputs:
    names = environment.queues

    def queue(construct: str, name: str, dead: str) -> QueueInput:
        adopted_queue = sqs.Queue.from_queue_attributes(
            stack,
            construct,
            queue_arn=_arn(environment, "sqs", name),
            key_arn=key.key_arn,
            fifo=name.endswith(".fifo"),
        )
        return QueueInput(adopted_queue, name, dead)

    return QueueInputs(
        queue("Events", names.events, names.events_dead),
        queue("RemediationP1", names.remediation_p1, names.remediation_p1_dead),
        queue("RemediationStandard", names.remediation_standard, names.remediation_standard_dead),
        queue("Notifications", names.notifications, names.notifications_dead),
    )
