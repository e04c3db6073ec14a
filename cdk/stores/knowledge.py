"""The knowledge base: documents in S3, Titan's embeddings, an index in OpenSearch Serverless."""

import json

from aws_cdk import Stack
from aws_cdk import aws_bedrock as bedrock
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_opensearchserverless as opensearch
from aws_cdk import aws_s3 as s3
from constructs import IDependable

from cdk.environment import Create
from cdk.stores.documents import documents
from cdk.written import accept

EMBEDDINGS = "amazon.titan-embed-text-v2:0"
DIMENSIONS = 1024

INDEX, VECTOR, TEXT, METADATA = "knowledge", "vector", "text", "metadata"


def knowledge(stack: Stack, environment: Create, key: kms.IKey) -> str:
    """The id of a knowledge base over a bucket of documents."""
    name = environment.knowledge.collection
    model = f"arn:aws:bedrock:{environment.region}::foundation-model/{EMBEDDINGS}"
    bucket = documents(stack, key)
    role = _role(stack, environment, bucket, key, model)
    collection = _collection(stack, name, key)
    role.add_to_policy(iam.PolicyStatement(sid="Index", actions=["aoss:APIAccessAll"], resources=[collection.attr_arn]))
    access = _access(stack, environment, name, role)
    index = _index(stack, collection)
    index.add_resource_dependency(access)
    base = _base(stack, environment, role, collection, model)
    base.add_resource_dependency(index)
    waits: IDependable = role
    base.node.add_dependency(waits)
    source = bedrock.CfnDataSource.S3DataSourceConfigurationProperty(bucket_arn=bucket.bucket_arn)
    bedrock.CfnDataSource(
        stack,
        "KnowledgeSource",
        name="documents",
        knowledge_base_id=base.attr_knowledge_base_id,
        data_deletion_policy="RETAIN",
        server_side_encryption_configuration=bedrock.CfnDataSource.ServerSideEncryptionConfigurationProperty(
            kms_key_arn=key.key_arn
        ),
        data_source_configuration=bedrock.CfnDataSource.DataSourceConfigurationProperty(
            type="S3", s3_configuration=source
        ),
    )
    return base.attr_knowledge_base_id


def _role(stack: Stack, environment: Create, bucket: s3.Bucket, key: kms.IKey, model: str) -> iam.Role:
    role = iam.Role(
        stack,
        "KnowledgeRole",
        assumed_by=iam.ServicePrincipal(
            "bedrock.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": environment.account}}
        ),
    )
    for sid, actions, resource in (
        ("Embed", ["bedrock:InvokeModel"], model),
        ("List", ["s3:ListBucket"], bucket.bucket_arn),
        ("Read", ["s3:GetObject"], bucket.arn_for_objects("*")),
        ("Key", ["kms:Decrypt", "kms:GenerateDataKey"], key.key_arn),
    ):
        role.add_to_policy(iam.PolicyStatement(sid=sid, actions=actions, resources=[resource]))
    child = bucket.node.default_child
    assert isinstance(child, s3.CfnBucket)
    reason = "all documents of the one bucket of documents"
    accept(role, {f"IAM5[Resource::<{stack.get_logical_id(child)}.Arn>/*]": reason})
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
        # Bedrock alone comes in; nothing from the internet.
        policy=json.dumps([{"Rules": rules, "AllowFromPublic": False, "SourceServices": ["bedrock.amazonaws.com"]}]),
    )
    collection = opensearch.CfnCollection(
        stack, "IndexCollection", name=name, type="VECTORSEARCH", standby_replicas="ENABLED"
    )
    collection.add_resource_dependency(encryption)
    collection.add_resource_dependency(network)
    return collection


def _access(stack: Stack, environment: Create, name: str, role: iam.Role) -> opensearch.CfnAccessPolicy:
    """Bedrock reads and writes the index; CloudFormation makes it."""
    here = f"{environment.account}-{environment.region}"
    deployer = f"arn:aws:iam::{environment.account}:role/cdk-hnb659fds-cfn-exec-role-{here}"
    index = [
        f"aoss:{verb}" for verb in ("CreateIndex", "DescribeIndex", "ReadDocument", "UpdateIndex", "WriteDocument")
    ]
    rules = [
        {"ResourceType": "index", "Resource": [f"index/{name}/*"], "Permission": index},
        {
            "ResourceType": "collection",
            "Resource": [f"collection/{name}"],
            "Permission": ["aoss:DescribeCollectionItems"],
        },
    ]
    return opensearch.CfnAccessPolicy(
        stack,
        "IndexAccess",
        name=f"{name}-acc",
        type="data",
        policy=stack.to_json_string([{"Rules": rules, "Principal": [role.role_arn, deployer]}]),
    )


def _index(stack: Stack, collection: opensearch.CfnCollection) -> opensearch.CfnIndex:
    index = opensearch.CfnIndex
    field = index.PropertyMappingProperty
    return index(
        stack,
        "Index",
        collection_endpoint=collection.attr_collection_endpoint,
        index_name=INDEX,
        settings=index.IndexSettingsProperty(index=index.IndexProperty(knn=True)),
        mappings=index.MappingsProperty(
            properties={
                VECTOR: field(
                    type="knn_vector",
                    dimension=DIMENSIONS,
                    method=index.MethodProperty(name="hnsw", engine="faiss", space_type="l2"),
                ),
                TEXT: field(type="text"),
                METADATA: field(type="text", index=False),
            }
        ),
    )


def _base(
    stack: Stack, environment: Create, role: iam.Role, collection: opensearch.CfnCollection, model: str
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
