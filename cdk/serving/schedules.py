"""The triggers of the workers: the events queue, and a schedule every minute."""

from aws_cdk import Duration, Names, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sqs as sqs

from cdk.connections import EVENTS_INSTANCES
from cdk.environment import Environment
from cdk.inputs import StackInputs
from cdk.nag_suppressions import suppress
from cdk.serving.policies import allow

# Messages per invocation; for a FIFO queue this is the maximum, and batching windows are not supported.
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
BATCH_SIZE = 10


def consume_events(facts: StackInputs, worker: lambda_.Function) -> None:
    """Trigger the worker by events, in order within groups; only failed messages are retried.

    Does not use the CDK's event source, whose key policy is not limited to calls through SQS.
    """
    queue = facts.queues.events.queue
    worker.add_event_source_mapping(
        f"SqsEventSource:{Names.node_unique_id(queue.node)}",
        event_source_arn=queue.queue_arn,
        batch_size=BATCH_SIZE,
        report_batch_item_failures=True,
        max_concurrency=EVENTS_INSTANCES,
    )


def dead_tick_queue(stack: Stack) -> sqs.Queue:
    """Create the dead-letter queue of ticks that could not be delivered."""
    lost = sqs.Queue(
        stack,
        "LostTicks",
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        retention_period=Duration.days(4),
        removal_policy=RemovalPolicy.DESTROY,
    )
    suppress(lost, {"SQS3": "it is a queue of dead letters itself"})
    return lost


def schedule_each_minute(stack: Stack, environment: Environment, worker: lambda_.Function, lost: sqs.Queue) -> None:
    """Invoke a worker every minute, which then loops for its time. A tick that finds it busy is dropped."""
    name = worker.node.id
    role = iam.Role(
        stack,
        f"{name}TickRole",
        assumed_by=iam.ServicePrincipal(
            "scheduler.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": environment.account}}
        ),
    )
    role.add_to_policy(allow("Wake", ("lambda:InvokeFunction",), [worker.function_arn]))
    role.add_to_policy(allow("Lost", ("sqs:SendMessage",), [lost.queue_arn]))
    tick = scheduler.CfnSchedule(
        stack,
        f"{name}Tick",
        schedule_expression="rate(1 minute)",
        flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
        target=scheduler.CfnSchedule.TargetProperty(
            arn=worker.function_arn,
            role_arn=role.role_arn,
            dead_letter_config=scheduler.CfnSchedule.DeadLetterConfigProperty(arn=lost.queue_arn),
            retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                maximum_event_age_in_seconds=60, maximum_retry_attempts=0
            ),
        ),
    )
    # A schedule that exists before its role has the permission would fail its first ticks.
    tick.node.add_dependency(role)
    worker.configure_async_invoke(max_event_age=Duration.seconds(60), retry_attempts=0)
