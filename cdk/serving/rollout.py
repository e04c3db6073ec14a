"""How new code takes over: pre migrations, a canary that alarms guard, post migrations."""

from collections.abc import Sequence

from aws_cdk import CustomResource, Duration, RemovalPolicy, Stack, custom_resources
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from constructs import IConstruct

from cdk.environment import Environment
from cdk.facts import Facts
from cdk.serving.functions import RETENTION
from cdk.watch.runbooks import described
from cdk.written import accept

ALIAS = "live"

# A tenth of the calls for five minutes.
CANARY = codedeploy.LambdaDeploymentConfig.CANARY_10_PERCENT_5_MINUTES
# Of a minute, in two of them: failed calls of the alias, and the milliseconds of its 99th percentile.
MOST_ERRORS = 5
SLOWEST_MS = 5_000


def live(stack: Stack, environment: Environment, made: lambda_.Function) -> lambda_.Alias:
    """The alias that the gateway calls."""
    return lambda_.Alias(
        stack,
        "Live",
        alias_name=ALIAS,
        version=made.current_version,
        provisioned_concurrent_executions=environment.functions.provisioned or None,
    )


def canary(stack: Stack, environment: Environment, alias: lambda_.Alias, topic: sns.ITopic) -> list[cloudwatch.Alarm]:
    """CodeDeploy moves the alias, and back if an alarm sounds. The alarms, which tell the topic too."""
    minute = Duration.minutes(1)
    errors = cloudwatch.Alarm(
        stack,
        "RolloutErrors",
        alarm_name=f"stackflow-{environment.name}-rollout-errors",
        alarm_description=described("New code fails, so the canary goes back", "rollout"),
        metric=alias.metric_errors(period=minute),
        threshold=MOST_ERRORS,
        evaluation_periods=2,
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
    )
    slow = cloudwatch.Alarm(
        stack,
        "RolloutSlow",
        alarm_name=f"stackflow-{environment.name}-rollout-slow",
        alarm_description=described("New code is slow, so the canary goes back", "rollout"),
        metric=alias.metric_duration(period=minute, statistic="p99"),
        threshold=SLOWEST_MS,
        evaluation_periods=2,
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
    )
    for each in (errors, slow):
        each.add_alarm_action(actions.SnsAction(topic))
    group = codedeploy.LambdaDeploymentGroup(
        stack,
        "Rollout",
        alias=alias,
        deployment_config=CANARY,
        alarms=[errors, slow],
        auto_rollback=codedeploy.AutoRollbackConfig(
            failed_deployment=True, stopped_deployment=True, deployment_in_alarm=True
        ),
    )
    managed = "Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSCodeDeployRoleForLambdaLimited"
    accept(group, {f"IAM4[{managed}]": "CodeDeploy's own role, which AWS keeps narrow and current"})
    return [errors, slow]


def migrated(
    stack: Stack,
    migrations: lambda_.Function,
    facts: Facts,
    bundle: str,
    *,
    before: Sequence[IConstruct],
    reached: Sequence[IConstruct],
) -> None:
    """Run pre steps before constructs change, but after those by which AWS is reached; post steps after all that stands
    in the stack by now, as code from before them may not run on what they leave. A failed step stops the deploy.

    The function gets CloudFormation's event: `RequestType` (Create, Update, Delete: nothing to do) and
    `ResourceProperties` with `Phase` (pre or post), `Bundle` (its SHA-256) and `Databases` (where they are), so that
    each new bundle and each other cluster, as one restored from a backup, asks again.
    A hook of CodeDeploy would not do: it runs on an alias's change, so not at the first deploy.
    """
    after = list(stack.node.children)
    log_group = logs.LogGroup(stack, "MigrationsAskedLogs", retention=RETENTION, removal_policy=RemovalPolicy.DESTROY)
    provider = custom_resources.Provider(stack, "MigrationsAsked", on_event_handler=migrations, log_group=log_group)
    databases = [f"{each.host}/{each.name}" for each in facts.databases()]
    phases = {}
    for phase in ("pre", "post"):
        phases[phase] = CustomResource(
            stack,
            f"Migrations{phase.title()}",
            service_token=provider.service_token,
            resource_type=f"Custom::Migrations{phase.title()}",
            properties={"Phase": phase, "Bundle": bundle, "Databases": databases},
            # Provider's own function waits for no longer.
            service_timeout=Duration.seconds(900),
        )
    phases["pre"].node.add_dependency(*reached)
    for construct in before:
        construct.node.add_dependency(phases["pre"])
    phases["post"].node.add_dependency(*after)
    _accept(stack, migrations, provider)


def _accept(stack: Stack, migrations: lambda_.Function, provider: custom_resources.Provider) -> None:
    child = migrations.node.default_child
    assert isinstance(child, lambda_.CfnFunction)
    basic = "Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    accept(
        provider,
        {
            "L1": "the CDK's own function, on the runtime that the CDK tests it on",
            f"IAM4[{basic}]": "the CDK's own function: it writes its log and calls one function",
            f"IAM5[Resource::<{stack.get_logical_id(child)}.Arn>:*]": "any version of the one function of migrations",
        },
    )
