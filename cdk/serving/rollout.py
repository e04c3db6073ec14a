"""Migrations during a deployment: pre migrations before the new code, post migrations after it."""

from collections.abc import Sequence

from aws_cdk import CustomResource, Duration, RemovalPolicy, Stack, custom_resources
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import IConstruct

from cdk.inputs import StackInputs
from cdk.nag_suppressions import suppress
from cdk.serving.functions import RETENTION


def run_migrations(
    stack: Stack,
    migrations: lambda_.Function,
    facts: StackInputs,
    bundle: str,
    *,
    before: Sequence[IConstruct],
    reached: Sequence[IConstruct],
) -> None:
    """Run pre steps before the constructs in `before` change, but after those in `reached`, which connect to AWS; run
    post steps after everything else in the stack, because old code may not run after them. A failed step stops the
    deployment.

    The function gets CloudFormation's event: `RequestType` (Create, Update, Delete: nothing to do) and
    `ResourceProperties` with `Phase` (pre or post), `Bundle` (its SHA-256) and `Databases` (their addresses), so that
    each new bundle and each other cluster, such as one restored from a backup, triggers the migrations.
    A CodeDeploy hook is not sufficient: it runs when an alias changes, so not in the first deployment.
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
            # The function of Provider waits no longer than this.
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
    suppress(
        provider,
        {
            "L1": "the CDK's own function, on the runtime that the CDK tests it on",
            f"IAM4[{basic}]": "the CDK's own function: it writes its log and calls one function",
            f"IAM5[Resource::<{stack.get_logical_id(child)}.Arn>:*]": "any version of the one function of migrations",
        },
    )
