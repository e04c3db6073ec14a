"""A Lambda function with its role, log group and VPC configuration."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import Acknowledgment, Duration, Stack, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs

from cdk.environment import Environment
from cdk.inputs import StackInputs
from cdk.nag_suppressions import finding_arn, suppress
from cdk.retention import RETAIN_AFTER_CREATION
from cdk.serving import policies

RETENTION = logs.RetentionDays.THREE_MONTHS


@dataclass(frozen=True, slots=True)
class FunctionSpec:
    """The settings of a function. `timeout` is in seconds; `reserved` limits instances; memory defaults to workers'."""

    construct: str
    name: str
    handler: str
    timeout: int
    variables: Mapping[str, str]
    statements: Sequence[iam.PolicyStatement]
    reserved: int | None = None
    memory_mb: int | None = None
    snap_start: bool = False


def function(
    stack: Stack, environment: Environment, facts: StackInputs, code: lambda_.Code, plan: FunctionSpec
) -> lambda_.Function:
    """Create a function from its spec, with its own role."""
    log_group = logs.LogGroup(
        stack,
        f"{plan.construct}Logs",
        log_group_name=f"/aws/lambda/{plan.name}",
        retention=RETENTION,
        removal_policy=RETAIN_AFTER_CREATION,
    )
    role = _role(stack, environment, facts, plan)
    log_group.grant_write(role)
    created = lambda_.Function(
        stack,
        plan.construct,
        function_name=plan.name,
        runtime=lambda_.Runtime.PYTHON_3_13,
        architecture=lambda_.Architecture.ARM_64,
        code=code,
        handler=plan.handler,
        memory_size=plan.memory_mb or environment.functions.worker_memory_mb,
        timeout=Duration.seconds(plan.timeout),
        reserved_concurrent_executions=plan.reserved,
        role=role,
        vpc=facts.vpc,
        vpc_subnets=facts.subnets,
        security_groups=[facts.group],
        tracing=lambda_.Tracing.ACTIVE,
        log_group=log_group,
        logging_format=lambda_.LoggingFormat.JSON,
        environment=dict(plan.variables),
        snap_start=lambda_.SnapStartConf.ON_PUBLISHED_VERSIONS if plan.snap_start else None,
        # Retain the previous version, which a deployment would otherwise delete, so that the alias can go back to it.
        # The version of a rolled-back deployment is deleted: Lambda does not publish the same code twice, so the next
        # attempt would fail. https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html
        current_version_options=lambda_.VersionOptions(removal_policy=RETAIN_AFTER_CREATION),
    )
    if plan.snap_start:
        reason = "the alias that the gateway calls names a published version"
        Validations.of(created).acknowledge(
            Acknowledgment(id="Annotation::@aws-cdk/aws-lambda:snapStartRequirePublish", reason=reason)
        )
    suppress(
        created, {"L1": "python3.13 is the runtime that the bundle's wheels are tested on; 3.14 comes with its wheels"}
    )
    return created


def _role(stack: Stack, environment: Environment, facts: StackInputs, plan: FunctionSpec) -> iam.Role:
    role = iam.Role(stack, f"{plan.construct}Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    for statement in (*policies.allow_execution(environment, plan.name), *plan.statements):
        role.add_to_policy(statement)
    without_resource = ["network interfaces", "X-Ray"]
    if any(policies.RETRIEVE_AND_GENERATE in statement.actions for statement in plan.statements):
        without_resource.append("RetrieveAndGenerate")
    reason = f"{', '.join(without_resource)}: these have no resources that a policy could name"
    suppress(role, {"IAM5[Resource::*]": reason})
    if any("neptune-db" in action for statement in plan.statements for action in statement.actions):
        suppress(role, {f"IAM5[Resource::{finding_arn(stack, policies.graph_arn(environment, facts))}]": (
            "Neptune's data actions are granted on a cluster as a whole, by its resource id"
        )})  # fmt: skip
    if facts.publication is not None and any("s3:PutObject" in statement.actions for statement in plan.statements):
        reason = "all chunks of documents in the one bucket: their names are ids"
        suppress(role, {f"IAM5[Resource::{finding_arn(stack, policies.chunks_arn(facts.publication))}]": reason})
    return role
