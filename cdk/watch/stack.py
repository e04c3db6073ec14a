"""The Watch stack, which monitors the others. Stateless: it can be deleted and created again."""

from aws_cdk import Environment as Place
from aws_cdk import Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sns as sns
from constructs import Construct

from cdk.edge.stack import Edge
from cdk.environment import Environment
from cdk.serving.stack import Service
from cdk.watch.alarms import alarm_specs, create_alarm
from cdk.watch.budgets import spending_alarms
from cdk.watch.changes import key_changes
from cdk.watch.dashboard import dashboard
from cdk.watch.language import language_alarms


class Watch(Stack):
    """All alarms notify one topic."""

    def __init__(
        self,
        scope: Construct,
        construct: str,
        *,
        environment_file: Environment,
        service: Service,
        edge: Edge,
        place: Place,
        protected: bool,
    ) -> None:
        super().__init__(scope, construct, env=place, termination_protection=protected)
        facts = service.facts
        # Imported by name, so that the stack of the topic does not depend on subscriptions of this one.
        topic = sns.Topic.from_topic_arn(
            self,
            "Findings",
            f"arn:aws:sns:{environment_file.region}:{environment_file.account}:{environment_file.findings_topic}",
        )
        alarms: list[cloudwatch.AlarmBase] = [
            create_alarm(self, environment_file, topic, each)
            for each in alarm_specs(environment_file, facts, service, edge)
        ]
        alarms += spending_alarms(self, environment_file, service, topic)
        alarms += language_alarms(self, environment_file, service, topic)
        alarms.append(key_changes(self, environment_file, topic))
        dashboard(self, environment_file, facts, service, [*alarms, *service.rollout])
