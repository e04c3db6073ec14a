"""The knowledge base may fail, or not be wanted, and everything else stands."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.cdk.templates import Synth
from tests.cdk.test_retention import KEPT
from tests.cdk.test_switches import synth


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
    assert not {each for each in made.types() if "OpenSearch" in each or "Bedrock" in each}
    assert "bedrock:Retrieve" not in made.text()


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


def test_it_ends_whole(dev: Synth) -> None:
    """All of it is derived: a part that were kept would keep its name from the next try."""
    for id_, resource in dev.templates["Knowledge"]["Resources"].items():
        assert resource.get("DeletionPolicy") not in KEPT, id_


def test_the_index_is_made_by_the_service_and_not_through_the_network(dev: Synth) -> None:
    """The collection's endpoint admits Bedrock alone, so nobody could make the index there."""
    template = dev.templates["Knowledge"]["Resources"]
    (index,) = [each for each in template.values() if each["Type"] == "AWS::OpenSearchServerless::CollectionIndex"]
    assert index["Properties"]["Id"] == {"Fn::GetAtt": ["IndexCollection", "Id"]}
    assert "CollectionEndpoint" not in json.dumps(template)
    assert index["DependsOn"] == ["IndexAccess"]
    rules = json.loads(template["IndexNetwork"]["Properties"]["Policy"])
    assert [(rule["AllowFromPublic"], rule["SourceServices"]) for rule in rules] == [(False, ["bedrock.amazonaws.com"])]


def test_bedrock_makes_no_index_and_cloudformation_reads_no_document(dev: Synth) -> None:
    parts = dev.templates["Knowledge"]["Resources"]["IndexAccess"]["Properties"]["Policy"]["Fn::Join"][1]
    statements = json.loads("".join(part if isinstance(part, str) else "role" for part in parts))
    granted = {
        str(statement["Principal"]): {verb for rule in statement["Rules"] for verb in rule["Permission"]}
        for statement in statements
    }
    bedrock, deployer = granted.values()
    assert "aoss:CreateIndex" not in bedrock
    assert not {verb for verb in deployer if verb.endswith("Document")}
    assert {"aoss:CreateIndex", "aoss:DeleteIndex"} <= deployer
