"""An index of vectors in S3 Vectors or OpenSearch Serverless, as a knowledge base uses it."""

from dataclasses import dataclass

from aws_cdk import CfnResource
from aws_cdk import aws_bedrock as bedrock

# The embeddings of Titan v2 that both indexes hold.
DIMENSIONS = 1024


@dataclass(frozen=True, slots=True)
class VectorIndex:
    """An index: how a knowledge base finds it, and the resource that must exist first."""

    storage: bedrock.CfnKnowledgeBase.StorageConfigurationProperty
    required: CfnResource
