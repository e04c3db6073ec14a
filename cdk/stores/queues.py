"""The queues, each with its dead letters, and the topic of findings."""

from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs

from cdk.environment import NewEnvironment
from cdk.inputs import QueueInput, QueueInputs, dead_letters
from cdk.retention import RETAIN_AFTER_CREATION
from cdk.serving.stack import EVENTS_SECONDS
from cdk.stores.key import SENDERS

# How often a message is tried before it is set aside.
MAX_RECEIVES = 5
# Events wait while a store is away, and the worker makes dead letters itself: this is for those of which it dies. With
# the waits of workers/redelivery.py it is more receives than there are in the 14 days for which SQS keeps a message.
EVENTS_MAX_RECEIVES = 500
# Lambda's advice: a queue hides a message for six times as long as its function may take.
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
VISIBILITY_FACTOR = 6
# SQS keeps a message for so long at most.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
MAX_RETENTION_DAYS = 14
# Seconds that a consumer of ours has for a step or a notice.
STEP_SECONDS = 300


def queues(stack: Stack, environment: NewEnvironment, key: kms.IKey) -> QueueInputs:
    """The four of them, encrypted, over TLS only, kept when the stack goes."""
    names = environment.queues
    return QueueInputs(
        _events(stack, names.events, key),
        _queue(stack, "RemediationP1", names.remediation_p1, key, STEP_SECONDS),
        _queue(stack, "RemediationStandard", names.remediation_standard, key, STEP_SECONDS),
        _queue(stack, "Notifications", names.notifications, key, STEP_SECONDS),
    )


def _events(stack: Stack, name: str, key: kms.IKey) -> QueueInput:
    """Groups share no limit of calls: deduplication and throughput are each group's own, as one id is of one source.
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/high-throughput-fifo.html
    """
    return _queue(
        stack,
        "Events",
        name,
        key,
        EVENTS_SECONDS * VISIBILITY_FACTOR,
        tries=EVENTS_MAX_RECEIVES,
        days=MAX_RETENTION_DAYS,
        deduplication_scope=sqs.DeduplicationScope.MESSAGE_GROUP,
        fifo_throughput_limit=sqs.FifoThroughputLimit.PER_MESSAGE_GROUP_ID,
    )


def _queue(
    stack: Stack,
    construct: str,
    name: str,
    key: kms.IKey,
    hidden: int,
    *,
    tries: int = MAX_RECEIVES,
    days: int = 4,
    deduplication_scope: sqs.DeduplicationScope | None = None,
    fifo_throughput_limit: sqs.FifoThroughputLimit | None = None,
) -> QueueInput:
    # For a queue that is not FIFO, CloudFormation takes no value but none.
    fifo = True if name.endswith(".fifo") else None
    dead = sqs.Queue(
        stack,
        f"{construct}Dead",
        queue_name=dead_letters(name),
        fifo=fifo,
        retention_period=Duration.days(MAX_RETENTION_DAYS),
        encryption=sqs.QueueEncryption.KMS,
        encryption_master_key=key,
        enforce_ssl=True,
        removal_policy=RETAIN_AFTER_CREATION,
    )
    made = sqs.Queue(
        stack,
        construct,
        queue_name=name,
        fifo=fifo,
        deduplication_scope=deduplication_scope,
        fifo_throughput_limit=fifo_throughput_limit,
        visibility_timeout=Duration.seconds(hidden),
        retention_period=Duration.days(days),
        dead_letter_queue=sqs.DeadLetterQueue(queue=dead, max_receive_count=tries),
        encryption=sqs.QueueEncryption.KMS,
        encryption_master_key=key,
        enforce_ssl=True,
        removal_policy=RETAIN_AFTER_CREATION,
    )
    return QueueInput(made, name, dead_letters(name))


def findings_topic(stack: Stack, environment: NewEnvironment, key: kms.IKey) -> sns.Topic:
    """Where alarms, key changes and spending are told."""
    topic = sns.Topic(stack, "Findings", topic_name=environment.findings_topic, master_key=key, enforce_ssl=True)
    topic.add_to_resource_policy(
        iam.PolicyStatement(
            sid="Senders",
            actions=["sns:Publish"],
            resources=[topic.topic_arn],
            principals=[iam.ServicePrincipal(each) for each in SENDERS],
            conditions={"StringEquals": {"aws:SourceAccount": environment.account}},
        )
    )
    return topic
