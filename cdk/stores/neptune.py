"""The graph: a serverless Neptune cluster with a reader in another zone."""

from aws_cdk import Stack
from aws_cdk import aws_neptune as neptune

from cdk.inputs import Graph
from cdk.retention import apply_policy, cluster_policy
from cdk.stores.aurora import BACKUP_DAYS
from cdk.stores.logs import export_logs
from cdk.tables import NewNeptune

PORT = 8182
INSTANCES = 2
LOGS = ("audit", "slowquery")

PARAMETERS = {
    "neptune_enable_audit_log": "1",
    # Required for exports of the slow query log. The threshold is in milliseconds; one second, as in Aurora.
    # https://docs.aws.amazon.com/neptune/latest/userguide/slow-query-logs.html
    "neptune_enable_slow_query_log": "info",
    "neptune_slow_query_log_threshold": "1000",
    # Milliseconds; the deadline of a function ends earlier.
    "neptune_query_timeout": "30000",
}


def graph(stack: Stack, cluster: NewNeptune, *, subnets: list[str], group: str, key: str, protected: bool) -> Graph:
    """Create the cluster by L1 constructs, because L2 is alpha. The resource id is exported for other stacks."""
    subnet_group = neptune.CfnDBSubnetGroup(
        stack, "GraphSubnets", db_subnet_group_description="StackFlow's graph", subnet_ids=subnets
    )
    parameters = neptune.CfnDBClusterParameterGroup(
        stack, "GraphParameters", family="neptune1.4", description="StackFlow's graph", parameters=PARAMETERS
    )
    created = neptune.CfnDBCluster(
        stack,
        "Graph",
        db_cluster_identifier=cluster.identifier,
        engine_version=cluster.engine_version,
        db_subnet_group_name=subnet_group.ref,
        db_cluster_parameter_group_name=parameters.ref,
        vpc_security_group_ids=[group],
        db_port=PORT,
        storage_encrypted=True,
        kms_key_id=key,
        iam_auth_enabled=True,
        deletion_protection=protected,
        backup_retention_period=BACKUP_DAYS,
        copy_tags_to_snapshot=True,
        enable_cloudwatch_logs_exports=list(LOGS),
        serverless_scaling_configuration=neptune.CfnDBCluster.ServerlessScalingConfigurationProperty(
            min_capacity=cluster.min_capacity, max_capacity=cluster.max_capacity
        ),
    )
    export_logs(stack, "Graph", created, f"neptune/{cluster.identifier}", *LOGS)
    instances = []
    for number in range(INSTANCES):
        instances.append(
            neptune.CfnDBInstance(
                stack,
                f"GraphInstance{number}",
                db_cluster_identifier=created.ref,
                db_instance_class="db.serverless",
                auto_minor_version_upgrade=True,
            )
        )
    for each in (subnet_group, parameters, created, *instances):
        apply_policy(each, cluster_policy(protected))
    return Graph(
        cluster.identifier,
        created.attr_endpoint,
        created.attr_read_endpoint,
        stack.export_value(created.attr_cluster_resource_id),
    )
