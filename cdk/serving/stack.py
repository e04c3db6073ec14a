"""The Service stack: six functions from one zip, one gateway, one rollout."""

from collections.abc import Mapping, Sequence

from aws_cdk import CfnOutput, Stack
from aws_cdk import Environment as Place
from aws_cdk import aws_apigateway as gateway
from aws_cdk import aws_bedrock as bedrock
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from cdk.bundle import Bundle
from cdk.connections import SINGLE_INSTANCE
from cdk.environment import AdoptedEnvironment, Environment, Price
from cdk.imported import import_stores
from cdk.inputs import StackInputs
from cdk.serving import policies, variables
from cdk.serving.canary import canary, live_alias
from cdk.serving.endpoints import endpoints
from cdk.serving.functions import FunctionSpec, function
from cdk.serving.gateway import rest_api
from cdk.serving.profiles import application_profiles
from cdk.serving.rollout import run_migrations
from cdk.serving.schedules import consume_events, dead_tick_queue, schedule_each_minute

# Timeouts in seconds: of a batch of events, which the queue hides for six times as long; of a worker that is invoked
# every minute; of migrations, whose provider fails without a response after 15 minutes, so one minute less.
# https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.custom_resources-readme.html#important-cases-to-handle
EVENTS_SECONDS = 120
TICK_SECONDS = 58
MIGRATIONS_SECONDS = 840


class Service(Stack):
    """Stateless: it can be deleted and created again without loss of data. Its log groups are retained by name; the
    next deployment imports them."""

    def __init__(
        self,
        scope: Construct,
        construct: str,
        *,
        environment_file: Environment,
        facts: StackInputs | None,
        bundle: Bundle,
        place: Place,
        protected: bool,
        unguarded: bool = False,
    ) -> None:
        super().__init__(scope, construct, env=place, termination_protection=protected)
        reached: list[Construct] = []
        if facts is None:
            assert isinstance(environment_file, AdoptedEnvironment)
            facts = import_stores(self, environment_file)
            # Migrations read their secrets through the endpoints.
            reached = endpoints(self, environment_file, facts)
        self.facts: StackInputs = facts
        self._environment_file = environment_file
        self._code = lambda_.Code.from_asset(str(bundle.path))
        # An adopted environment keeps the profiles that its account has.
        self.profiles: Mapping[str, bedrock.CfnApplicationInferenceProfile] = (
            {} if isinstance(environment_file, AdoptedEnvironment) else application_profiles(self, environment_file)
        )
        # The prices by ModelId, the dimension of Bedrock's metrics: of a profile of one's own it is the profile's id.
        # https://docs.aws.amazon.com/bedrock/latest/userguide/monitoring-runtime-metrics.html
        self.models: Mapping[str, Price] = {
            self.profiles[model].attr_inference_profile_id if model in self.profiles else model: price
            for model, price in environment_file.models.allowed.items()
        }
        self.api: lambda_.Function = self._api()
        self.events: lambda_.Function = self._events()
        self.projector: lambda_.Function = self._projector()
        self.requirements: lambda_.Function = self._requirements()
        self.workflows: lambda_.Function = self._workflows()
        self.migrations: lambda_.Function = self._migrations()
        alias = live_alias(self, environment_file, self.api)
        self.rollout: list[cloudwatch.Alarm] = canary(
            self, environment_file, self.api, alias, facts.topic, unguarded=unguarded
        )
        consume_events(facts, self.events)
        self.lost: sqs.Queue = dead_tick_queue(self)
        schedule_each_minute(self, environment_file, self.projector, self.lost)
        schedule_each_minute(self, environment_file, self.requirements, self.lost)
        schedule_each_minute(self, environment_file, self.workflows, self.lost)
        self.gateway: gateway.RestApi = rest_api(self, environment_file, alias)
        workers = [self.events, self.projector, self.requirements, self.workflows]
        run_migrations(self, self.migrations, facts, bundle.sha256, before=[*workers, alias], reached=reached)
        CfnOutput(self, "Url", value=self.gateway.url)

    def _function(self, plan: FunctionSpec) -> lambda_.Function:
        return function(self, self._environment_file, self.facts, self._code, plan)

    def _api(self) -> lambda_.Function:
        environment, facts = self._environment_file, self.facts
        functions = environment.functions
        profiles = {model: each.attr_inference_profile_arn for model, each in self.profiles.items()}
        return self._function(
            FunctionSpec(
                "Api",
                functions.name,
                "app.handler",
                functions.timeout_seconds,
                variables.api(environment, facts, profiles),
                [
                    *policies.allow_stores(environment, facts),
                    *policies.allow_models(environment, facts, profiles.values()),
                    *policies.allow_sending(environment, facts, facts.queues.events.queue),
                ],
                reserved=functions.concurrency,
                memory_mb=functions.memory_mb,
                snap_start=functions.snap_start,
            )
        )

    def _events(self) -> lambda_.Function:
        environment, facts = self._environment_file, self.facts
        return self._function(
            FunctionSpec(
                "EventsWorker",
                f"{environment.functions.name}-events",
                "workers.events.handler",
                EVENTS_SECONDS,
                variables.events(environment, facts),
                [
                    *policies.allow_stores(environment, facts),
                    *policies.allow_receiving(environment, facts, facts.queues.events.queue),
                ],
            )
        )

    def _projector(self) -> lambda_.Function:
        environment, facts = self._environment_file, self.facts
        statements = [
            *policies.allow_stores(environment, facts, policies.WRITE_GRAPH),
            *policies.allow_publishing(environment, facts),
        ]
        return self._scheduled_function("Projector", "projection", variables.projector(environment, facts), statements)

    def _requirements(self) -> lambda_.Function:
        environment, facts = self._environment_file, self.facts
        reading = policies.allow_stores(environment, facts)
        return self._scheduled_function("Requirements", "requirements", variables.worker(environment, facts), reading)

    def _workflows(self) -> lambda_.Function:
        environment, facts = self._environment_file, self.facts
        queues = facts.queues
        sent = queues.remediation_p1.queue, queues.remediation_standard.queue, queues.notifications.queue
        statements = [*policies.allow_stores(environment, facts), *policies.allow_sending(environment, facts, *sent)]
        return self._scheduled_function("Workflows", "workflows", variables.workflows(environment, facts), statements)

    def _scheduled_function(
        self, construct: str, module: str, environment: Mapping[str, str], statements: Sequence[iam.PolicyStatement]
    ) -> lambda_.Function:
        """Create a function that a schedule invokes, with at most one instance."""
        return self._function(
            FunctionSpec(
                construct,
                f"{self._environment_file.functions.name}-{construct.lower()}",
                f"workers.{module}.handler",
                TICK_SECONDS,
                environment,
                statements,
                reserved=SINGLE_INSTANCE,
            )
        )

    def _migrations(self) -> lambda_.Function:
        environment, facts = self._environment_file, self.facts
        return self._function(
            FunctionSpec(
                "Migrations",
                f"{environment.functions.name}-migrations",
                "workers.migrations.handler",
                MIGRATIONS_SECONDS,
                variables.migrations(environment, facts),
                policies.allow_secrets(environment, facts, facts.main.secret, facts.requirements.secret),
                reserved=SINGLE_INSTANCE,
            )
        )
