"""How tables follow new code: pre migrations before it, post migrations after it."""

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
    suppress(
        provider,
        {
            "L1": "the CDK's own function, on the runtime that the CDK tests it on",
            f"IAM4[{basic}]": "the CDK's own function: it writes its log and calls one function",
            f"IAM5[Resource::<{stack.get_logical_id(child)}.Arn>:*]": "any version of the one function of migrations",
        },
    )
