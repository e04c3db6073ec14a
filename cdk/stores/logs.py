"""The log groups of clusters. RDS would create them without an expiry."""

from aws_cdk import Stack
from aws_cdk import aws_logs as logs
from constructs import IConstruct

from cdk.retention import RETAIN_AFTER_CREATION

RETENTION = logs.RetentionDays.THREE_MONTHS


def export_logs(stack: Stack, construct: str, cluster: IConstruct, identifier: str, *kinds: str) -> None:
    """Create the log groups before the cluster that exports to them. `identifier` includes the service's prefix.
    https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/AuroraPostgreSQL.CloudWatch.html
    """
    for kind in kinds:
        log_group = logs.LogGroup(
            stack,
            f"{construct}{kind.title()}Logs",
            log_group_name=f"/aws/{identifier}/{kind}",
            retention=RETENTION,
            removal_policy=RETAIN_AFTER_CREATION,
        )
        cluster.node.add_dependency(log_group)
