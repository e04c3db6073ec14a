"""The knowledge base may fail, or not be wanted, and everything else stands."""

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import settings
from cdk.loader import EnvironmentFileError, load_environment
from cdk.stores.documents import CHUNKS_PREFIX
from datasources.config import LanguageProvider
from datasources.language.bedrock import data_source
from tests.cdk.calls import variables
from tests.cdk.permissions import Request, is_allowed, statements
from tests.cdk.resolving import Resolver
from tests.cdk.templates import Synth, listed
from tests.cdk.test_environment_file import at, written
from tests.cdk.test_permissions import logical
from tests.cdk.test_retention import KEPT, fixed_name
from tests.cdk.test_switches import synth


@pytest.fixture(scope="module")
def opensearch(tmp_path_factory: pytest.TempPathFactory) -> Synth:
    """A fresh environment whose vectors are in OpenSearch Serverless."""

    def edit(table: dict[str, Any]) -> None:
        table["knowledge"] = {"store": "opensearch-serverless", "collection": "stackflow-knowledge-dev"}

    return synth(tmp_path_factory.mktemp("opensearch"), "dev", edit)


@pytest.fixture(scope="module")
def without(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Synth]:
    """Each mode without a knowledge base."""

    def edit(table: dict[str, Any]) -> None:
        del table["knowledge"]

    return lambda like: synth(tmp_path_factory.mktemp(like), like, edit)


@pytest.mark.parametrize("mode", ["dev", "prod"])
def test_there_is_none_where_the_file_says_nothing_of_it(without: Callable[[str], Synth], mode: str) -> None:
    made = without(mode)
    assert "Knowledge" not in made.templates
    assert not {each for each in made.types() if re.search("OpenSearch|S3Vectors|KnowledgeBase|DataSource", each)}
    assert "bedrock:Retrieve" not in made.text()
    assert "bedrock:StartIngestionJob" not in made.text()
    assert "KNOWLEDGE_BASE_ID" not in made.function()["Environment"]["Variables"]


def test_no_store_waits_for_it_and_documents_stand_with_the_stores(dev: Synth) -> None:
    stacks = json.loads((dev.folder / "manifest.json").read_text())["artifacts"]
    before = {
        name.rpartition("-")[2]: {each.rpartition("-")[2] for each in artifact.get("dependencies", [])}
        for name, artifact in stacks.items()
        if artifact["type"] == "aws:cloudformation:stack"
    }
    assert "Knowledge" not in before["Stores"] | before["Network"]
    assert before["Knowledge"] >= {"Stores"}
    assert [id_ for id_ in dev.resources("AWS::S3::Bucket", "Stores") if id_.startswith("Documents")] != []


def test_it_ends_whole(dev: Synth, opensearch: Synth) -> None:
    """All of it is derived: a part that were kept would keep its name from the next try."""
    for made in (dev, opensearch):
        for id_, resource in made.templates["Knowledge"]["Resources"].items():
            assert resource.get("DeletionPolicy") not in KEPT, id_
    # The one with a name of the file's.
    assert fixed_name(opensearch.templates["Knowledge"]["Resources"]["IndexCollection"]) == "stackflow-knowledge-dev"


def test_vectors_in_s3_cost_nothing_while_idle(dev: Synth) -> None:
    """No type of theirs is billed by the hour, and none has a name that is taken by another attempt."""
    types = Counter(each["Type"] for each in dev.templates["Knowledge"]["Resources"].values())
    types.pop("AWS::CDK::Metadata", None)
    assert types == {
        "AWS::S3Vectors::VectorBucket": 1, "AWS::S3Vectors::Index": 1, "AWS::Bedrock::KnowledgeBase": 1,
        "AWS::Bedrock::DataSource": 1, "AWS::Scheduler::Schedule": 1, "AWS::IAM::Role": 2, "AWS::IAM::Policy": 2,
    }  # fmt: skip
    (bucket,) = dev.resources("AWS::S3Vectors::VectorBucket").values()
    (index,) = dev.resources("AWS::S3Vectors::Index").values()
    assert bucket["EncryptionConfiguration"]["SseType"] == "aws:kms"
    assert not {"VectorBucketName", "IndexName"} & (bucket.keys() | index.keys())
    # What a filter may use is limited to 2 kB a vector.
    unfiltered = index["MetadataConfiguration"]["NonFilterableMetadataKeys"]
    assert unfiltered == ["AMAZON_BEDROCK_TEXT", "AMAZON_BEDROCK_METADATA"]


def test_the_knowledge_base_finds_the_index_in_s3(dev: Synth) -> None:
    resources = dev.templates["Knowledge"]["Resources"]
    base = resources["Knowledge"]
    assert base["Properties"]["StorageConfiguration"] == {
        "S3VectorsConfiguration": {"IndexArn": {"Fn::GetAtt": ["VectorsIndex", "IndexArn"]}}, "Type": "S3_VECTORS",
    }  # fmt: skip
    assert {"VectorsIndex", "KnowledgeRoleDefaultPolicy"} <= {
        re.sub("[0-9A-F]{8}$", "", each) for each in base["DependsOn"]
    }
    (used,) = [
        statement
        for _, statement in dev.statements()
        if any(action.startswith("s3vectors:") for action in listed(statement["Action"]))
    ]
    assert used["Resource"] == {"Fn::GetAtt": ["VectorsIndex", "IndexArn"]}
    assert set(used["Action"]) == {
        "s3vectors:DeleteVectors", "s3vectors:GetIndex", "s3vectors:GetVectors", "s3vectors:PutVectors",
        "s3vectors:QueryVectors",
    }  # fmt: skip


def test_the_key_serves_the_index_of_s3_alone_where_there_is_one(dev: Synth, opensearch: Synth) -> None:
    def principals(made: Synth) -> set[str]:
        (key,) = made.resources("AWS::KMS::Key", "Stores").values()
        return {
            str(service)
            for statement in key["KeyPolicy"]["Statement"]
            for service in listed(statement["Principal"].get("Service", []))
        }

    assert principals(dev) - principals(opensearch) == {"indexing.s3vectors.amazonaws.com"}


def test_an_object_is_a_chunk_and_is_not_divided_again(dev: Synth) -> None:
    (source,) = dev.resources("AWS::Bedrock::DataSource").values()
    assert source["VectorIngestionConfiguration"] == {"ChunkingConfiguration": {"ChunkingStrategy": "NONE"}}
    assert source["DataSourceConfiguration"]["S3Configuration"]["InclusionPrefixes"] == ["chunks/"]


def test_documents_are_read_anew_every_quarter_of_an_hour(dev: Synth, opensearch: Synth) -> None:
    for made in (dev, opensearch):
        (schedule,) = made.resources("AWS::Scheduler::Schedule", "Knowledge").values()
        assert schedule["ScheduleExpression"] == "rate(15 minutes)"
        target = schedule["Target"]
        assert target["Arn"] == "arn:aws:scheduler:::aws-sdk:bedrockagent:startIngestionJob"
        told = json.loads("".join(part if isinstance(part, str) else "id" for part in target["Input"]["Fn::Join"][1]))
        assert told == {"KnowledgeBaseId": "id", "DataSourceId": "id"}
        # Bedrock refuses it while the last one runs, which is no fault: nothing tries again, and nobody is told.
        assert target["RetryPolicy"] == {"MaximumRetryAttempts": 0}
        assert "DeadLetterConfig" not in target
        by_role = {
            id_[:9]: statement["Resource"]
            for id_, statement in made.statements()
            if "bedrock:StartIngestionJob" in listed(statement["Action"])
        }
        assert by_role.keys() == {"Ingestion", "Projector"}
        assert by_role["Ingestion"] == {"Fn::GetAtt": ["Knowledge", "KnowledgeBaseArn"]}


def test_the_projector_alone_publishes_to_the_bucket_that_is_read(dev: Synth) -> None:
    (source,) = dev.resources("AWS::Bedrock::DataSource").values()
    resolver = Resolver(dev)
    read = source["DataSourceConfiguration"]["S3Configuration"]
    told = variables(dev, "-projector")
    assert f"arn:aws:s3:::{told['KNOWLEDGE_BUCKET']}" == resolver.text(read["BucketArn"], "Knowledge")
    assert told["KNOWLEDGE_BASE_ID"] == variables(dev, "")["KNOWLEDGE_BASE_ID"]
    language = settings.load_settings(told).language
    assert language.knowledge_data_source is not None
    # No question and no model is the worker's.
    assert language.provider is LanguageProvider.LOCAL
    for suffix in ("", "-events", "-requirements", "-workflows", "-migrations"):
        assert "KNOWLEDGE_BUCKET" not in variables(dev, suffix)


def test_the_prefix_is_the_one_of_the_service(dev: Synth) -> None:
    assert data_source.PREFIX == CHUNKS_PREFIX
    (bucket,) = [each for id_, each in dev.resources("AWS::S3::Bucket", "Stores").items() if id_.startswith("Documents")
                 and "LoggingConfiguration" in each]  # fmt: skip
    # A former version of a chunk, which may have been restricted since, is kept for a day.
    [rule] = bucket["LifecycleConfiguration"]["Rules"]
    assert rule == {
        "Prefix": "chunks/", "NoncurrentVersionExpiration": {"NoncurrentDays": 1}, "ExpiredObjectDeleteMarker": True,
        "Status": "Enabled",
    }  # fmt: skip


def test_an_adopted_knowledge_base_is_published_to_if_the_file_names_its_bucket(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    def edit(table: dict[str, Any]) -> None:
        table["knowledge"] |= {"data_source_id": "DATASOURCE", "bucket": "runbooks"}

    made = synth(tmp_path_factory.mktemp("published"), "prod", edit)
    told = variables(made, "-projector")
    assert (told["KNOWLEDGE_BASE_ID"], told["KNOWLEDGE_DATA_SOURCE_ID"], told["KNOWLEDGE_BUCKET"]) == (
        "BXJGG7PIPS", "DATASOURCE", "runbooks",
    )  # fmt: skip
    policies = statements(made, logical(made, "-projector"))
    assert is_allowed(policies, Request("s3:PutObject", "arn:aws:s3:::runbooks/chunks/d/c.md"))
    assert not is_allowed(policies, Request("s3:PutObject", "arn:aws:s3:::runbooks/other.md"))
    assert not is_allowed(policies, Request("s3:GetObject", "arn:aws:s3:::runbooks/chunks/d/c.md"))


@pytest.mark.parametrize(("given", "missing"), [("bucket", "data_source_id"), ("data_source_id", "bucket")])
def test_half_of_a_publication_is_refused(tmp_path: Path, given: str, missing: str) -> None:
    value = {"bucket": "runbooks", "data_source_id": "DATASOURCE"}[given]
    with pytest.raises(EnvironmentFileError, match=f"knowledge.{missing}: missing; documents are published with both"):
        load_environment(written(tmp_path, "prod", at("knowledge", {"id": "BXJGG7PIPS", given: value})))


@pytest.mark.parametrize(
    ("knowledge", "says"),
    [
        ({"store": "opensearch-serverless"}, "knowledge.collection: missing; name the collection of OpenSearch"),
        ({"store": "s3-vectors", "collection": "knowledge"}, "knowledge.collection: S3 Vectors has none; remove it"),
        ({"store": "pinecone"}, "knowledge.store: 'pinecone' is not s3-vectors, which costs nothing while idle, or"),
        ({}, "knowledge.store: missing required key"),
    ],
)  # fmt: skip
def test_a_store_that_cannot_be_is_refused(tmp_path: Path, knowledge: dict[str, str], says: str) -> None:
    with pytest.raises(EnvironmentFileError) as told:
        load_environment(written(tmp_path, "dev", at("knowledge", knowledge)))
    assert says in str(told.value)


def test_the_index_is_made_by_the_service_and_not_through_the_network(opensearch: Synth) -> None:
    """The collection's endpoint admits Bedrock alone, so nobody could make the index there."""
    template = opensearch.templates["Knowledge"]["Resources"]
    (index,) = [each for each in template.values() if each["Type"] == "AWS::OpenSearchServerless::CollectionIndex"]
    assert index["Properties"]["Id"] == {"Fn::GetAtt": ["IndexCollection", "Id"]}
    assert "CollectionEndpoint" not in json.dumps(template)
    assert index["DependsOn"] == ["IndexAccess"]
    storage = template["Knowledge"]["Properties"]["StorageConfiguration"]
    assert storage["Type"] == "OPENSEARCH_SERVERLESS"
    assert index["Properties"]["IndexName"] == storage["OpensearchServerlessConfiguration"]["VectorIndexName"]
    schema = json.loads(index["Properties"]["IndexSchema"])
    assert schema["mappings"]["properties"]["vector"]["dimension"] == 1024
    encryption = json.dumps(template["IndexEncryption"]["Properties"])
    assert '"Type": "encryption"' in encryption
    assert "ExportsOutputFnGetAttKey" in encryption
    rules = json.loads(template["IndexNetwork"]["Properties"]["Policy"])
    assert [(rule["AllowFromPublic"], rule["SourceServices"]) for rule in rules] == [(False, ["bedrock.amazonaws.com"])]


def test_bedrock_makes_no_index_and_cloudformation_reads_no_document(opensearch: Synth) -> None:
    parts = opensearch.templates["Knowledge"]["Resources"]["IndexAccess"]["Properties"]["Policy"]["Fn::Join"][1]
    statements = json.loads("".join(part if isinstance(part, str) else "role" for part in parts))
    granted = {
        str(statement["Principal"]): {verb for rule in statement["Rules"] for verb in rule["Permission"]}
        for statement in statements
    }
    bedrock, deployer = granted.values()
    assert "aoss:CreateIndex" not in bedrock
    assert not {verb for verb in deployer if verb.endswith("Document")}
    assert {"aoss:CreateIndex", "aoss:DeleteIndex"} <= deployer
