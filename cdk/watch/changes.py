"""Reports calls that delete a KMS key or give it away, at once, from every caller and with every result."""

from aws_cdk import Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sns as sns

from cdk.environment import Environment
from cdk.stores.key import KEY_REMOVAL_ACTIONS
from cdk.watch.alarms import AlarmSpec, create_alarm
from cdk.watch.metrics import aws_metric


def key_changes(stack: Stack, environment: Environment, topic: sns.ITopic) -> cloudwatch.Alarm:
    """Create a CloudTrail rule for every key of the account, and an alarm on the rule."""
    rule = events.Rule(
        stack,
        "KeyCalls",
        rule_name=f"stackflow-{environment.name}-key-changes",
        description="Calls that would end a key or give it away",
        event_pattern=events.EventPattern(
            source=["aws.kms"],
            detail_type=["AWS API Call via CloudTrail"],
            detail={
                "eventSource": ["kms.amazonaws.com"],
                "eventName": [each.removeprefix("kms:") for each in KEY_REMOVAL_ACTIONS],
            },
        ),
        targets=[targets.SnsTopic(topic)],
    )
    matched = aws_metric("Events", "MatchedEvents", "Sum", RuleName=rule.rule_name)
    return create_alarm(
        stack,
        environment,
        topic,
        AlarmSpec("key-changes", "Somebody touched a key", "key-changes", matched, at=1, periods=1),
    )
