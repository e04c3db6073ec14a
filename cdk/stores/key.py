"""The one key that data are encrypted under, and who may use it. Nobody may end it."""

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms

from cdk.environment import NewEnvironment

# Those that write to queues and topics under the key.
SENDERS = ("cloudwatch.amazonaws.com", "events.amazonaws.com", "budgets.amazonaws.com")

# What ends a key, or gives it away. No policy of the template allows any; docs/aws.md has the SCP that denies them to
# everybody, and cdk/watch/changes.py tells of each call.
KEY_REMOVAL_ACTIONS = (
    "kms:DeleteImportedKeyMaterial",
    "kms:DisableKey",
    "kms:DisableKeyRotation",
    "kms:PutKeyPolicy",
    "kms:ScheduleKeyDeletion",
    "kms:UpdatePrimaryRegion",
)


def data_key(stack: Stack, environment: NewEnvironment) -> kms.Key:
    """A multi-region key that AWS rotates each year, kept when the stack goes."""
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
            # In a key's policy it means this key.
            resources=["*"],
            principals=[iam.ServicePrincipal(each) for each in SENDERS],
            conditions={"StringEquals": {"aws:SourceAccount": environment.account}},
        )
    )
    return key
