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

# The owner of both databases. Only migrations come as it, by its secret.
OWNER = "stackflow_admin"

MONITORING = Duration.minutes(1)

PARAMETERS = {
    # A connection without TLS is refused.
    "rds.force_ssl": "1",
    # Milliseconds. A statement that took longer is logged; a transaction that a frozen function left open ends.
    "log_min_duration_statement": "1000",
    "idle_in_transaction_session_timeout": "60000",
    # Milliseconds. Frozen instances keep sockets; theirs are given back after a quarter of an hour.
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
    """A serverless cluster with a writer and a reader in another zone, its owner's password kept and turned by RDS."""
    version = rds.AuroraPostgresEngineVersion.of(cluster.engine_version, cluster.engine_version.partition(".")[0])
    made = rds.DatabaseCluster(
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
        # What the operating system sees: processes, memory, waits for disks.
        monitoring_interval=MONITORING,
        parameters=PARAMETERS,
    )
    export_logs(stack, construct, made, f"rds/cluster/{cluster.identifier}", "postgresql")
    # Instances, parameters and subnets too.
    apply_policy(made, cluster_policy(protected))
    if not protected:
        suppress(
            made, {"RDS10": "the first deploy alone, so that its rollback can delete the cluster; the next protects it"}
        )
    managed = "Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"
    suppress(made, {f"IAM4[{managed}]": "RDS asks for this policy by name; it writes one log group"})
    assert made.secret is not None
    return Database(
        cluster.identifier,
        cluster.database,
        made.cluster_endpoint.hostname,
        stack.export_value(made.cluster_resource_identifier),
        made.secret,
        serverless_max_connections(cluster),
    )


def _instance(name: str, key: kms.IKey) -> rds.IClusterInstance:
    return rds.ClusterInstance.serverless_v2(
        name,
        # A reader that is to take over must be as large as the writer.
        scale_with_writer=True if name == "reader" else None,
        publicly_accessible=False,
        enable_performance_insights=True,
        performance_insight_encryption_key=key,
        auto_minor_version_upgrade=True,
    )
