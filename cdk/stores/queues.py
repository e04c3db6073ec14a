"""The queues, each with its dead-letter queue, and the topic of findings."""

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

# How often a message is delivered before it becomes a dead letter.
MAX_RECEIVES = 5
# Events wait while a store is unavailable, and the worker creates dead letters itself: this limit is for messages that
# crash it. With the waits of workers/redelivery.py it exceeds the deliveries in the 14 days that SQS stores a message.
EVENTS_MAX_RECEIVES = 500
# As AWS recommends, a queue hides a message for six times the timeout of its function.
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
VISIBILITY_FACTOR = 6
# The maximum retention of a message in SQS.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
MAX_RETENTION_DAYS = 14
# The time that a consumer has for a step or a notification, in seconds.
STEP_SECONDS = 300


def queues(stack: Stack, environment: NewEnvironment, key: kms.IKey) -> QueueInputs:
    """Create the four queues: encrypted, over TLS only, retained when the stack is deleted."""
    names = environment.queues
    return QueueInputs(
        _events(stack, names.events, key),
        _queue(stack, "RemediationP1", names.remediation_p1, key, STEP_SECONDS),
        _queue(stack, "RemediationStandard", names.remediation_standard, key, STEP_SECONDS),
        _queue(stack, "Notifications", names.notifications, key, STEP_SECONDS),
    )


def _events(stack: Stack, name: str, key: kms.IKey) -> QueueInput:
    """Create the events queue. Deduplication and throughput are per group: an id is unique only within its source.
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
    # CloudFormation accepts only a missing value for a queue that is not FIFO.
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
    queue = sqs.Queue(
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
    return QueueInput(queue, name, dead_letters(name))


def findings_topic(stack: Stack, environment: NewEnvironment, key: kms.IKey) -> sns.Topic:
    """Create the topic of alarms, key changes and spending."""
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
