"""The Knowledge stack: documents in S3, embeddings by Titan, an index in OpenSearch Serverless."""

import json
from dataclasses import dataclass

from aws_cdk import Environment as Place
from aws_cdk import Stack
from aws_cdk import aws_bedrock as bedrock
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_opensearchserverless as opensearch
from constructs import Construct, IDependable

from cdk.environment import NewEnvironment
from cdk.nag_suppressions import finding_arn, suppress

EMBEDDINGS = "amazon.titan-embed-text-v2:0"
DIMENSIONS = 1024

INDEX = "knowledge"
VECTOR = "vector"
TEXT = "text"
METADATA = "metadata"


@dataclass(frozen=True, slots=True)
class Sources:
    """The bucket of documents, and the key that encrypts them."""

    bucket_arn: str
    key: kms.IKey


class Knowledge(Stack):
    """A separate stack that no store depends on: if it fails, remove `[knowledge]` from the file and continue. It is
    derived from the documents, which the Stores stack retains, so it can be deleted and created again."""

    def __init__(
        self,
        scope: Construct,
        construct: str,
        *,
        environment_file: NewEnvironment,
        collection: str,
        sources: Sources,
        place: Place,
    ) -> None:
        super().__init__(scope, construct, env=place)
        model = f"arn:aws:bedrock:{environment_file.region}::foundation-model/{EMBEDDINGS}"
        role = _role(self, environment_file, sources, model)
        index_collection = _collection(self, collection, sources.key)
        role.add_to_policy(
            iam.PolicyStatement(sid="Index", actions=["aoss:APIAccessAll"], resources=[index_collection.attr_arn])
        )
        index = _index(self, index_collection)
        index.add_resource_dependency(_access(self, environment_file, collection, role))
        base = _base(self, environment_file, role, index_collection, model)
        base.add_resource_dependency(index)
        waits: IDependable = role
        base.node.add_dependency(waits)
        _source(self, base, sources)
        self.id: str = base.attr_knowledge_base_id


def _source(stack: Stack, base: bedrock.CfnKnowledgeBase, sources: Sources) -> None:
    source = bedrock.CfnDataSource.S3DataSourceConfigurationProperty(bucket_arn=sources.bucket_arn)
    bedrock.CfnDataSource(
        stack,
        "KnowledgeSource",
        name="documents",
        knowledge_base_id=base.attr_knowledge_base_id,
        # Its vectors are deleted with the collection.
        data_deletion_policy="RETAIN",
        server_side_encryption_configuration=bedrock.CfnDataSource.ServerSideEncryptionConfigurationProperty(
            kms_key_arn=sources.key.key_arn
        ),
        data_source_configuration=bedrock.CfnDataSource.DataSourceConfigurationProperty(
            type="S3", s3_configuration=source
        ),
    )


def _role(stack: Stack, environment: NewEnvironment, sources: Sources, model: str) -> iam.Role:
    role = iam.Role(
        stack,
        "KnowledgeRole",
        assumed_by=iam.ServicePrincipal(
            "bedrock.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": environment.account}}
        ),
    )
    every = f"{sources.bucket_arn}/*"
    for sid, actions, resource in (
        ("Embed", ["bedrock:InvokeModel"], model),
        ("List", ["s3:ListBucket"], sources.bucket_arn),
        ("Read", ["s3:GetObject"], every),
        ("Key", ["kms:Decrypt", "kms:GenerateDataKey"], sources.key.key_arn),
    ):
        role.add_to_policy(iam.PolicyStatement(sid=sid, actions=actions, resources=[resource]))
    suppress(role, {f"IAM5[Resource::{finding_arn(stack, every)}]": "all documents of the one bucket of documents"})
    return role


def _collection(stack: Stack, name: str, key: kms.IKey) -> opensearch.CfnCollection:
    rules = [{"ResourceType": "collection", "Resource": [f"collection/{name}"]}]
    encryption = opensearch.CfnSecurityPolicy(
        stack,
        "IndexEncryption",
        name=f"{name}-enc",
        type="encryption",
        policy=stack.to_json_string({"Rules": rules, "AWSOwnedKey": False, "KmsARN": key.key_arn}),
    )
    network = opensearch.CfnSecurityPolicy(
        stack,
        "IndexNetwork",
        name=f"{name}-net",
        type="network",
        # Only Bedrock has access; the internet has none.
        policy=json.dumps([{"Rules": rules, "AllowFromPublic": False, "SourceServices": ["bedrock.amazonaws.com"]}]),
    )
    collection = opensearch.CfnCollection(
        stack, "IndexCollection", name=name, type="VECTORSEARCH", standby_replicas="ENABLED"
    )
    collection.add_resource_dependency(encryption)
    collection.add_resource_dependency(network)
    return collection


def _access(stack: Stack, environment: NewEnvironment, name: str, role: iam.Role) -> opensearch.CfnAccessPolicy:
    """Allow Bedrock to read and write documents of the index, and CloudFormation to create and delete it."""
    here = f"{environment.account}-{environment.region}"
    deployer = f"arn:aws:iam::{environment.account}:role/cdk-hnb659fds-cfn-exec-role-{here}"
    index = {"ResourceType": "index", "Resource": [f"index/{name}/*"]}
    items = {
        "ResourceType": "collection",
        "Resource": [f"collection/{name}"],
        "Permission": ["aoss:DescribeCollectionItems"],
    }
    reading = {**index, "Permission": [f"aoss:{verb}" for verb in ("DescribeIndex", "ReadDocument", "WriteDocument")]}
    making = {
        **index,
        "Permission": [f"aoss:{verb}" for verb in ("CreateIndex", "DeleteIndex", "DescribeIndex", "UpdateIndex")],
    }
    return opensearch.CfnAccessPolicy(
        stack,
        "IndexAccess",
        name=f"{name}-acc",
        type="data",
        policy=stack.to_json_string(
            [
                {"Rules": [reading, items], "Principal": [role.role_arn]},
                {"Rules": [making, items], "Principal": [deployer]},
            ]
        ),
    )


def _index(stack: Stack, collection: opensearch.CfnCollection) -> opensearch.CfnCollectionIndex:
    """Create the index through the API of the service: the collection's own endpoint admits only Bedrock.
    https://docs.aws.amazon.com/opensearch-service/latest/ServerlessAPIReference/API_CreateIndex.html
    """
    method = {"name": "hnsw", "engine": "faiss", "space_type": "l2"}
    schema = {
        "settings": {"index": {"knn": True}},
        "mappings": {
            "properties": {
                VECTOR: {"type": "knn_vector", "dimension": DIMENSIONS, "method": method},
                TEXT: {"type": "text"},
                METADATA: {"type": "text", "index": False},
            }
        },
    }
    return opensearch.CfnCollectionIndex(
        stack, "VectorIndex", id=collection.attr_id, index_name=INDEX, index_schema=json.dumps(schema)
    )


def _base(
    stack: Stack, environment: NewEnvironment, role: iam.Role, collection: opensearch.CfnCollection, model: str
) -> bedrock.CfnKnowledgeBase:
    base = bedrock.CfnKnowledgeBase
    embedding = base.BedrockEmbeddingModelConfigurationProperty(dimensions=DIMENSIONS, embedding_data_type="FLOAT32")
    return base(
        stack,
        "Knowledge",
        name=f"stackflow-{environment.name}",
        role_arn=role.role_arn,
        knowledge_base_configuration=base.KnowledgeBaseConfigurationProperty(
            type="VECTOR",
            vector_knowledge_base_configuration=base.VectorKnowledgeBaseConfigurationProperty(
                embedding_model_arn=model,
                embedding_model_configuration=base.EmbeddingModelConfigurationProperty(
                    bedrock_embedding_model_configuration=embedding
                ),
            ),
        ),
        storage_configuration=base.StorageConfigurationProperty(
            type="OPENSEARCH_SERVERLESS",
            opensearch_serverless_configuration=base.OpenSearchServerlessConfigurationProperty(
                collection_arn=collection.attr_arn,
                vector_index_name=INDEX,
                field_mapping=base.OpenSearchServerlessFieldMappingProperty(
                    vector_field=VECTOR, text_field=TEXT, metadata_field=METADATA
                ),
            ),
        ),
    )
