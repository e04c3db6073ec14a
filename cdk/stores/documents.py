"""The bucket of runbooks and knowledge documents, and the bucket of its access logs."""

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from cdk.retention import RETAIN_AFTER_CREATION

LOG_DAYS = 365
# Objects that the service writes (datasources/language/bedrock/data_source.py) and the knowledge base reads.
CHUNKS_PREFIX = "chunks/"


def documents(stack: Stack, key: kms.IKey) -> s3.Bucket:
    """Create the bucket of documents, versioned and encrypted with the data key."""
    readings = s3.Bucket(
        stack,
        "DocumentReadings",
        # S3 cannot deliver access logs to a bucket that is encrypted with our own KMS key.
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
        encryption=s3.BucketEncryption.S3_MANAGED,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        enforce_ssl=True,
        versioned=True,
        lifecycle_rules=[
            s3.LifecycleRule(expiration=Duration.days(LOG_DAYS), noncurrent_version_expiration=Duration.days(1))
        ],
        # Its generated name blocks no later stack, and a bucket that is not empty could not be deleted.
        removal_policy=RemovalPolicy.RETAIN,
    )
    return s3.Bucket(
        stack,
        "Documents",
        encryption=s3.BucketEncryption.KMS,
        encryption_key=key,
        bucket_key_enabled=True,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        enforce_ssl=True,
        versioned=True,
        server_access_logs_bucket=readings,
        server_access_logs_prefix="documents/",
        lifecycle_rules=[
            # Chunks are derived from the main database, and a deleted one may have been restricted.
            s3.LifecycleRule(
                prefix=CHUNKS_PREFIX,
                noncurrent_version_expiration=Duration.days(1),
                expired_object_delete_marker=True,
            )
        ],
        removal_policy=RETAIN_AFTER_CREATION,
    )
