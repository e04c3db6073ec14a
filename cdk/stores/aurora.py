"""The relational clusters: PostgreSQL 16 for the records, 17 for the requirements."""

from aws_cdk import Duration, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_rds as rds

from cdk.connections import serverless_max_connections
from cdk.inputs import Database
from cdk.nag_suppressions import suppress
from cdk.retention import apply_policy, cluster_policy
from cdk.stores.logs import export_logs
from cdk.tables import NewAurora

BACKUP_DAYS = 14

# The owner of both databases. Only migrations use it, by its secret.
OWNER = "stackflow_admin"

MONITORING = Duration.minutes(1)

PARAMETERS = {
    # Reject connections without TLS.
    "rds.force_ssl": "1",
    # Milliseconds. Log slow statements; end transactions that a suspended function left open.
    "log_min_duration_statement": "1000",
    "idle_in_transaction_session_timeout": "60000",
    # Milliseconds. Suspended instances keep their connections; close them after 15 minutes.
    "idle_session_timeout": "900000",
}


def aurora(
    stack: Stack,
    construct: str,
    cluster: NewAurora,
    *,
    vpc: ec2.IVpc,
    subnets: ec2.SubnetSelection,
    group: ec2.ISecurityGroup,
    key: kms.IKey,
    protected: bool,
) -> Database:
    """Create a serverless cluster with a reader in another zone; RDS stores and rotates the password of the owner."""
    version = rds.AuroraPostgresEngineVersion.of(cluster.engine_version, cluster.engine_version.partition(".")[0])
    created = rds.DatabaseCluster(
        stack,
        construct,
        cluster_identifier=cluster.identifier,
        engine=rds.DatabaseClusterEngine.aurora_postgres(version=version),
        default_database_name=cluster.database,
        credentials=rds.Credentials.from_username(OWNER, encryption_key=key),
        manage_master_user_password=True,
        vpc=vpc,
        vpc_subnets=subnets,
        security_groups=[group],
        writer=_instance("writer", key),
        readers=[_instance("reader", key)],
        serverless_v2_min_capacity=cluster.min_capacity,
        serverless_v2_max_capacity=cluster.max_capacity,
        storage_encrypted=True,
        storage_encryption_key=key,
        iam_authentication=True,
        deletion_protection=protected,
        backup=rds.BackupProps(retention=Duration.days(BACKUP_DAYS)),
        copy_tags_to_snapshot=True,
        cloudwatch_logs_exports=["postgresql"],
        # Metrics of the operating system: processes, memory, disk waits.
        monitoring_interval=MONITORING,
        parameters=PARAMETERS,
    )
    export_logs(stack, construct, created, f"rds/cluster/{cluster.identifier}", "postgresql")
    # Includes instances, parameters and subnets.
    apply_policy(created, cluster_policy(protected))
    if not protected:
        suppress(
            created,
            {"RDS10": "the first deploy alone, so that its rollback can delete the cluster; the next protects it"},
        )
    managed = "Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"
    suppress(created, {f"IAM4[{managed}]": "RDS asks for this policy by name; it writes one log group"})
    assert created.secret is not None
    return Database(
        cluster.identifier,
        cluster.database,
        created.cluster_endpoint.hostname,
        stack.export_value(created.cluster_resource_identifier),
        created.secret,
        serverless_max_connections(cluster),
    )


def _instance(name: str, key: kms.IKey) -> rds.IClusterInstance:
    return rds.ClusterInstance.serverless_v2(
        name,
        # A reader must be as large as the writer to take over.
        scale_with_writer=True if name == "reader" else None,
        publicly_accessible=False,
        enable_performance_insights=True,
        performance_insight_encryption_key=key,
        auto_minor_version_upgrade=True,
    )
