"""An index of vectors in S3 Vectors, which costs what it stores and what is asked, and nothing while idle."""

from aws_cdk import Stack
from aws_cdk import aws_bedrock as bedrock
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3vectors as s3vectors

from cdk.stores.vector_index import DIMENSIONS, VectorIndex

# What Bedrock does with an index. A query that returns text needs GetVectors too.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-vectors-access-management.html
ACTIONS = ("DeleteVectors", "GetIndex", "GetVectors", "PutVectors", "QueryVectors")
# The text of a chunk and Bedrock's notes on it: metadata that filters may use is limited to 2 kB a vector.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-vectors-limitations.html
UNFILTERED_KEYS = ("AMAZON_BEDROCK_TEXT", "AMAZON_BEDROCK_METADATA")


def s3_vectors_index(stack: Stack, key: kms.IKey, role: iam.Role) -> VectorIndex:
    """Create an index in a bucket of vectors, under the data key, and let the role of the knowledge base use it.

    Their names are generated, so that no name blocks the next attempt.
    """
    bucket = s3vectors.CfnVectorBucket(
        stack,
        "Vectors",
        encryption_configuration=s3vectors.CfnVectorBucket.EncryptionConfigurationProperty(
            sse_type="aws:kms", kms_key_arn=key.key_arn
        ),
    )
    index = s3vectors.CfnIndex(
        stack,
        "VectorsIndex",
        vector_bucket_arn=bucket.attr_vector_bucket_arn,
        data_type="float32",
        dimension=DIMENSIONS,
        distance_metric="cosine",
        metadata_configuration=s3vectors.CfnIndex.MetadataConfigurationProperty(
            non_filterable_metadata_keys=list(UNFILTERED_KEYS)
        ),
    )
    role.add_to_policy(
        iam.PolicyStatement(
            sid="Index", actions=[f"s3vectors:{each}" for each in ACTIONS], resources=[index.attr_index_arn]
        )
    )
    base = bedrock.CfnKnowledgeBase
    return VectorIndex(
        base.StorageConfigurationProperty(
            type="S3_VECTORS",
            s3_vectors_configuration=base.S3VectorsConfigurationProperty(index_arn=index.attr_index_arn),
        ),
        index,
    )
