"""The queues, each with its dead letters, and the topic of findings."""

from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs

from cdk.environment import Create
from cdk.facts import QueueFact, QueueFacts, dead_letters
from cdk.retention import KEPT
from cdk.serving.stack import EVENTS_SECONDS
from cdk.stores.key import SENDERS

# How often a message is tried before it is set aside.
TRIES = 5
# Lambda's advice: a queue hides a message for six times as long as its function may take.
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
HIDDEN = 6
# Seconds that a consumer of ours has for a step or a notice.
STEP_SECONDS = 300


def queues(stack: Stack, environment: Create, key: kms.IKey) -> QueueFacts:
    """The four of them, encrypted, over TLS only, kept when the stack goes."""
    names = environment.queues
    return QueueFacts(
        _queue(stack, "Events", names.events, key, EVENTS_SECONDS * HIDDEN),
        _queue(stack, "RemediationP1", names.remediation_p1, key, STEP_SECONDS),
        _queue(stack, "RemediationStandard", names.remediation_standard, key, STEP_SECONDS),
        _queue(stack, "Notifications", names.notifications, key, STEP_SECONDS),
    )


def _queue(stack: Stack, construct: str, name: str, key: kms.IKey, hidden: int) -> QueueFact:
    # For a queue that is not FIFO, CloudFormation takes no value but none.
    fifo = True if name.endswith(".fifo") else None
    dead = sqs.Queue(
        stack,
        f"{construct}Dead",
        queue_name=dead_letters(name),
        fifo=fifo,
        retention_period=Duration.days(14),
        encryption=sqs.QueueEncryption.KMS,
        encryption_master_key=key,
        enforce_ssl=True,
        removal_policy=KEPT,
    )
    made = sqs.Queue(
        stack,
        construct,
        queue_name=name,
        fifo=fifo,
        visibility_timeout=Duration.seconds(hidden),
        retention_period=Duration.days(4),
        dead_letter_queue=sqs.DeadLetterQueue(queue=dead, max_receive_count=TRIES),
        encryption=sqs.QueueEncryption.KMS,
        encryption_master_key=key,
        enforce_ssl=True,
        removal_policy=KEPT,
    )
    return QueueFact(made, name, dead_letters(name))


def findings(stack: Stack, environment: Create, key: kms.IKey) -> sns.Topic:
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
