"""The Knowledge stack: documents in S3, embeddings by Titan, an index of vectors, and regular ingestions."""

from dataclasses import dataclass

from aws_cdk import Environment as Place
from aws_cdk import Stack
from aws_cdk import aws_bedrock as bedrock
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct, IDependable

from cdk.environment import NewEnvironment
from cdk.inputs import Publication
from cdk.nag_suppressions import finding_arn, suppress
from cdk.stores.documents import CHUNKS_PREFIX
from cdk.stores.opensearch import opensearch_index
from cdk.stores.s3_vectors import s3_vectors_index
from cdk.stores.vector_index import DIMENSIONS
from cdk.tables import NewKnowledge

EMBEDDINGS = "amazon.titan-embed-text-v2:0"
INGESTION_MINUTES = 15


@dataclass(frozen=True, slots=True)
class Sources:
    """The bucket of documents, and the key that encrypts them."""

    bucket_arn: str
    bucket_name: str
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
        knowledge: NewKnowledge,
        sources: Sources,
        place: Place,
    ) -> None:
        super().__init__(scope, construct, env=place)
        model = f"arn:aws:bedrock:{environment_file.region}::foundation-model/{EMBEDDINGS}"
        role = _role(self, environment_file, sources, model)
        index = (
            s3_vectors_index(self, sources.key, role)
            if knowledge.collection is None
            else opensearch_index(self, environment_file, knowledge.collection, sources.key, role)
        )
        base = _base(self, environment_file, role, index.storage, model)
        base.add_resource_dependency(index.required)
        waits: IDependable = role
        base.node.add_dependency(waits)
        source = _source(self, base, sources)
        _ingest(self, environment_file, base, source)
        self.id: str = base.attr_knowledge_base_id
        self.publication: Publication = Publication(sources.bucket_name, source.attr_data_source_id)


def _source(stack: Stack, base: bedrock.CfnKnowledgeBase, sources: Sources) -> bedrock.CfnDataSource:
    source = bedrock.CfnDataSource.S3DataSourceConfigurationProperty(
        bucket_arn=sources.bucket_arn, inclusion_prefixes=[CHUNKS_PREFIX]
    )
    # An object is one chunk already: see docs/answers.md.
    whole = bedrock.CfnDataSource.ChunkingConfigurationProperty(chunking_strategy="NONE")
    return bedrock.CfnDataSource(
        stack,
        "KnowledgeSource",
        name="documents",
        knowledge_base_id=base.attr_knowledge_base_id,
        # Its vectors are deleted with the index.
        data_deletion_policy="RETAIN",
        server_side_encryption_configuration=bedrock.CfnDataSource.ServerSideEncryptionConfigurationProperty(
            kms_key_arn=sources.key.key_arn
        ),
        data_source_configuration=bedrock.CfnDataSource.DataSourceConfigurationProperty(
            type="S3", s3_configuration=source
        ),
        vector_ingestion_configuration=bedrock.CfnDataSource.VectorIngestionConfigurationProperty(
            chunking_configuration=whole
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


def _base(
    stack: Stack,
    environment: NewEnvironment,
    role: iam.Role,
    storage: bedrock.CfnKnowledgeBase.StorageConfigurationProperty,
    model: str,
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
        storage_configuration=storage,
    )


def _ingest(
    stack: Stack, environment: NewEnvironment, base: bedrock.CfnKnowledgeBase, source: bedrock.CfnDataSource
) -> None:
    """Start an ingestion every 15 minutes, which reads only documents that were added, changed or deleted.

    The projector starts one after each change; this one repeats what failed in it. A start while the last ingestion
    still runs is refused by Bedrock, and dropped here: the next one reads what it missed.
    https://docs.aws.amazon.com/bedrock/latest/userguide/kb-data-source-sync-ingest.html
    """
    role = iam.Role(
        stack,
        "IngestionRole",
        assumed_by=iam.ServicePrincipal(
            "scheduler.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": environment.account}}
        ),
    )
    role.add_to_policy(
        iam.PolicyStatement(
            sid="Ingest", actions=["bedrock:StartIngestionJob"], resources=[base.attr_knowledge_base_arn]
        )
    )
    target = scheduler.CfnSchedule
    schedule = target(
        stack,
        "Ingestion",
        schedule_expression=f"rate({INGESTION_MINUTES} minutes)",
        flexible_time_window=target.FlexibleTimeWindowProperty(mode="OFF"),
        target=target.TargetProperty(
            # https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html
            arn="arn:aws:scheduler:::aws-sdk:bedrockagent:startIngestionJob",
            role_arn=role.role_arn,
            input=stack.to_json_string(
                {"KnowledgeBaseId": base.attr_knowledge_base_id, "DataSourceId": source.attr_data_source_id}
            ),
            retry_policy=target.RetryPolicyProperty(maximum_retry_attempts=0),
        ),
    )
    waits: IDependable = role
    schedule.node.add_dependency(waits)
