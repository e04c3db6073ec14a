"""The buckets of the edge: pages and access logs."""

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_s3 as s3

from cdk.retention import RETAIN_AFTER_CREATION

LOG_DAYS = 180


def access_logs(stack: Stack) -> s3.Bucket:
    """Create the bucket for logs of distributions and buckets, which cannot be written with our own KMS key."""
    return s3.Bucket(
        stack,
        "AccessLogs",
        encryption=s3.BucketEncryption.S3_MANAGED,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        enforce_ssl=True,
        versioned=True,
        lifecycle_rules=[
            s3.LifecycleRule(expiration=Duration.days(LOG_DAYS), noncurrent_version_expiration=Duration.days(1))
        ],
        # Its generated name blocks no later stack, and a bucket that is not empty could not be deleted.
        removal_policy=RemovalPolicy.RETAIN,
    )


def pages(stack: Stack, name: str, logs: s3.Bucket) -> s3.Bucket:
    """Create a bucket of public pages, which therefore are not encrypted with our own KMS key."""
    return s3.Bucket(
        stack,
        f"{name.title()}Pages",
        encryption=s3.BucketEncryption.S3_MANAGED,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        enforce_ssl=True,
        versioned=True,
        server_access_logs_bucket=logs,
        server_access_logs_prefix=f"pages/{name}/",
        removal_policy=RETAIN_AFTER_CREATION,
    )
