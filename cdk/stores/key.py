"""The KMS key that encrypts all data, and its users. No principal may delete it."""

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms

from cdk.environment import NewEnvironment

# The services that write to queues and topics encrypted with the key.
SENDERS = ("cloudwatch.amazonaws.com", "events.amazonaws.com", "budgets.amazonaws.com")

# Actions that delete a key or give it away. No policy of the templates allows any; docs/aws.md contains the SCP that
# denies them to everyone, and cdk/watch/changes.py reports each call.
KEY_REMOVAL_ACTIONS = (
    "kms:DeleteImportedKeyMaterial",
    "kms:DisableKey",
    "kms:DisableKeyRotation",
    "kms:PutKeyPolicy",
    "kms:ScheduleKeyDeletion",
    "kms:UpdatePrimaryRegion",
)


def data_key(stack: Stack, environment: NewEnvironment) -> kms.Key:
    """Create a multi-region key that AWS rotates each year, retained when the stack is deleted."""
    key = kms.Key(
        stack,
        "Key",
        alias=f"stackflow-{environment.name}",
        description="StackFlow's data: Aurora, Neptune, ElastiCache, S3, SQS",
        multi_region=True,
        enable_key_rotation=True,
        removal_policy=RemovalPolicy.RETAIN,
    )
    key.add_to_resource_policy(
        iam.PolicyStatement(
            sid="Senders",
            actions=["kms:Decrypt", "kms:GenerateDataKey*"],
            # In a key policy, "*" means this key.
            resources=["*"],
            principals=[iam.ServicePrincipal(each) for each in SENDERS],
            conditions={"StringEquals": {"aws:SourceAccount": environment.account}},
        )
    )
    if environment.knowledge is not None and environment.knowledge.store == "s3-vectors":
        key.add_to_resource_policy(
            iam.PolicyStatement(
                sid="VectorIndexing",
                actions=["kms:Decrypt"],
                resources=["*"],
                # It maintains the index in the background.
                # https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-vectors-data-encryption.html
                principals=[iam.ServicePrincipal("indexing.s3vectors.amazonaws.com")],
                conditions={"StringEquals": {"aws:SourceAccount": environment.account}},
            )
        )
    return key
