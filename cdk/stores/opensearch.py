"""An index of vectors in OpenSearch Serverless, which also searches by words and costs the most while idle."""

import json

from aws_cdk import Stack
from aws_cdk import aws_bedrock as bedrock
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_opensearchserverless as opensearch

from cdk.environment import NewEnvironment
from cdk.stores.vector_index import DIMENSIONS, VectorIndex

INDEX = "knowledge"
VECTOR = "vector"
TEXT = "text"
METADATA = "metadata"


def opensearch_index(
    stack: Stack, environment: NewEnvironment, name: str, key: kms.IKey, role: iam.Role
) -> VectorIndex:
    """Create an index in a collection of this name, and let the role of the knowledge base use it."""
    collection = _collection(stack, name, key)
    role.add_to_policy(iam.PolicyStatement(sid="Index", actions=["aoss:APIAccessAll"], resources=[collection.attr_arn]))
    index = _index(stack, collection)
    index.add_resource_dependency(_access(stack, environment, name, role))
    base = bedrock.CfnKnowledgeBase
    return VectorIndex(
        base.StorageConfigurationProperty(
            type="OPENSEARCH_SERVERLESS",
            opensearch_serverless_configuration=base.OpenSearchServerlessConfigurationProperty(
                collection_arn=collection.attr_arn,
                vector_index_name=INDEX,
                field_mapping=base.OpenSearchServerlessFieldMappingProperty(
                    vector_field=VECTOR, text_field=TEXT, metadata_field=METADATA
                ),
            ),
        ),
        index,
    )


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
