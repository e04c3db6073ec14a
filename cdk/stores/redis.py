"""The cache: Redis with two nodes, TLS and an auth token."""

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_elasticache as elasticache
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secrets

from cdk.environment import NewEnvironment
from cdk.inputs import Cache
from cdk.nag_suppressions import suppress
from cdk.retention import RETAIN_AFTER_CREATION

PORT = 6379


def cache(stack: Stack, environment: NewEnvironment, *, subnets: list[str], group: str, key: kms.IKey) -> Cache:
    """Create the cache. The template references the token's secret and never contains the token."""
    token = secrets.Secret(
        stack,
        "RedisToken",
        secret_name=f"stackflow/{environment.name}/redis",
        description="The auth token of StackFlow's cache",
        encryption_key=key,
        removal_policy=RETAIN_AFTER_CREATION,
        generate_secret_string=secrets.SecretStringGenerator(exclude_punctuation=True, password_length=64),
    )
    subnet_group = elasticache.CfnSubnetGroup(
        stack, "CacheSubnets", description="StackFlow's cache", subnet_ids=subnets
    )
    replication_group = elasticache.CfnReplicationGroup(
        stack,
        "Cache",
        replication_group_id=environment.redis.identifier,
        replication_group_description="StackFlow's cache",
        engine="redis",
        engine_version="7.1",
        cache_node_type=environment.redis.node_type,
        num_node_groups=1,
        replicas_per_node_group=1,
        automatic_failover_enabled=True,
        multi_az_enabled=True,
        cache_subnet_group_name=subnet_group.ref,
        security_group_ids=[group],
        port=PORT,
        transit_encryption_enabled=True,
        at_rest_encryption_enabled=True,
        kms_key_id=key.key_arn,
        # Rendered as a reference that CloudFormation resolves.
        auth_token=token.secret_value.unsafe_unwrap(),
        snapshot_retention_limit=7,
        auto_minor_version_upgrade=True,
    )
    replication_group.apply_removal_policy(RemovalPolicy.SNAPSHOT)
    suppress(replication_group, {"AEC5": "the usual port: it is reached from the group alone, by TLS and token"})
    suppress(token, {"SMG4": "ElastiCache turns a token in two steps, as docs/deploy.md says, not by a timer"})
    return Cache(environment.redis.identifier, replication_group.attr_primary_end_point_address, token)
