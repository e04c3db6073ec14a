"""The rollout of new code: a readiness check, then a canary guarded by alarms on the new version."""

from collections.abc import Mapping
from pathlib import Path

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns

from cdk.environment import Environment
from cdk.nag_suppressions import suppress
from cdk.serving.functions import RETENTION
from cdk.serving.policies import allow
from cdk.watch.metrics import aws_metric, service_metric
from cdk.watch.runbooks import describe_alarm

ALIAS = "live"
MINUTE = Duration.minutes(1)

# A tenth of the calls for five minutes; unguarded, all calls at once.
CANARY = codedeploy.LambdaDeploymentConfig.CANARY_10_PERCENT_5_MINUTES
ALL_AT_ONCE = codedeploy.LambdaDeploymentConfig.ALL_AT_ONCE
# Thresholds in a minute, for two minutes: failed calls, failed operations, and the 99th percentile in milliseconds.
MAX_ERROR_PERCENT = 5
MAX_ERROR_RATE = 0.05
MAX_LATENCY_MS = 5_000

READINESS = Path(__file__).with_name("readiness.py")
# The timeout of the readiness check, which retries for at most this time.
READINESS_SECONDS = 300


def live_alias(stack: Stack, environment: Environment, function: lambda_.Function) -> lambda_.Alias:
    """Create the alias that the gateway calls."""
    return lambda_.Alias(
        stack,
        "Live",
        alias_name=ALIAS,
        version=function.current_version,
        provisioned_concurrent_executions=environment.functions.provisioned or None,
    )


def canary(
    stack: Stack,
    environment: Environment,
    api: lambda_.Function,
    alias: lambda_.Alias,
    topic: sns.ITopic,
    *,
    unguarded: bool,
) -> list[cloudwatch.Alarm]:
    """Let CodeDeploy move the alias, and move it back on an alarm. Returns the alarms, which also notify the topic.

    Unguarded, it moves the alias at once, regardless of alarms and readiness.
    """
    alarms = _alarms(stack, environment, api)
    for each in alarms:
        each.add_alarm_action(actions.SnsAction(topic))
    group = codedeploy.LambdaDeploymentGroup(
        stack,
        "Rollout",
        alias=alias,
        deployment_config=ALL_AT_ONCE if unguarded else CANARY,
        alarms=alarms,
        ignore_alarm_configuration=unguarded,
        auto_rollback=codedeploy.AutoRollbackConfig(
            failed_deployment=True, stopped_deployment=True, deployment_in_alarm=not unguarded
        ),
    )
    hook = _readiness(stack, api)
    if not unguarded:
        group.add_pre_hook(hook)
    # The alarms name the next version, so they must be updated before the alias moves to it.
    alias.node.add_dependency(*alarms, hook, group)
    managed = "Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSCodeDeployRoleForLambdaLimited"
    suppress(
        group,
        {
            f"IAM4[{managed}]": "CodeDeploy's own role, which AWS keeps narrow and current",
            f"IAM5[Resource::<{stack.get_logical_id(_child(hook))}.Arn>:*]": "any version of the one function it calls",
        },
    )
    return alarms


def _child(function: lambda_.Function) -> lambda_.CfnFunction:
    child = function.node.default_child
    assert isinstance(child, lambda_.CfnFunction)
    return child


def _alarms(stack: Stack, environment: Environment, api: lambda_.Function) -> list[cloudwatch.Alarm]:
    """Create alarms on the new version only, so that alarms of a broken old version do not block its fix.

    Lambda counts crashes and timeouts; errors in answers of the API, with 200, 500 or 503, are counted per operation.
    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
    """
    version = api.current_version.version
    here = {"FunctionName": api.function_name, "Resource": f"{api.function_name}:{ALIAS}", "ExecutedVersion": version}
    failed = cloudwatch.MathExpression(
        expression="100 * errors / calls",
        using_metrics={
            "errors": aws_metric("Lambda", "Errors", "Sum", MINUTE, **here),
            "calls": aws_metric("Lambda", "Invocations", "Sum", MINUTE, **here),
        },
        period=MINUTE,
        label="percent of calls",
    )
    operations = service_metric(environment.name, "OperationErrors", "Average", MINUTE, Version=version)
    slow = aws_metric("Lambda", "Duration", "p99", MINUTE, **here)
    return [
        _alarm(stack, environment, "Errors", "New code crashes or runs out of time", failed, MAX_ERROR_PERCENT),
        _alarm(
            stack, environment, "Operations", "Operations of new code fail by our fault", operations, MAX_ERROR_RATE
        ),
        _alarm(stack, environment, "Slow", "New code is slow", slow, MAX_LATENCY_MS),
    ]


def _alarm(
    stack: Stack, environment: Environment, name: str, what: str, metric: cloudwatch.IMetric, at: float
) -> cloudwatch.Alarm:
    return cloudwatch.Alarm(
        stack,
        f"Rollout{name}",
        alarm_name=f"stackflow-{environment.name}-rollout-{name.lower()}",
        alarm_description=describe_alarm(f"{what}, so the canary goes back", "rollout"),
        metric=metric,
        threshold=at,
        evaluation_periods=2,
        # A version without calls has no data.
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
    )


def _readiness(stack: Stack, api: lambda_.Function) -> lambda_.Function:
    """Create the function that checks /health/ready of the new version, outside the VPC, with only this permission."""
    log_group = logs.LogGroup(stack, "ReadinessLogs", retention=RETENTION, removal_policy=RemovalPolicy.DESTROY)
    role = iam.Role(stack, "ReadinessRole", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    role.add_to_policy(allow("Ask", ("lambda:InvokeFunction",), [f"{api.function_arn}:*"]))
    log_group.grant_write(role)
    variables: Mapping[str, str] = {"VERSION": api.current_version.function_arn}
    function = lambda_.Function(
        stack,
        "Readiness",
        runtime=lambda_.Runtime.PYTHON_3_13,
        architecture=lambda_.Architecture.ARM_64,
        code=lambda_.Code.from_inline(READINESS.read_text()),
        handler="index.handler",
        timeout=Duration.seconds(READINESS_SECONDS),
        role=role,
        log_group=log_group,
        logging_format=lambda_.LoggingFormat.JSON,
        environment=dict(variables),
    )
    suppress(function, {"L1": "the runtime of the bundle"})
    reason = "any version of the API: a rollback asks an old one"
    suppress(role, {f"IAM5[Resource::<{stack.get_logical_id(_child(api))}.Arn>:*]": reason})
    return function
