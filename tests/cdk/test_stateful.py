"""What keeps data outlives its stack, and keeps its place in it."""

import json

import pytest

from tests.cdk.frozen import agree, normal
from tests.cdk.templates import Synth

STATEFUL = {
    "AWS::ElastiCache::ReplicationGroup",
    "AWS::KMS::Key",
    "AWS::Neptune::DBCluster",
    "AWS::Neptune::DBInstance",
    "AWS::RDS::DBCluster",
    "AWS::RDS::DBInstance",
    "AWS::S3::Bucket",
    "AWS::SecretsManager::Secret",
    "AWS::SQS::Queue",
}
# Ticks that nobody asks for, and the secret of the origin, which the next deploy makes anew. An index is not among them
# either: it is made anew from the documents.
PASSING = {"LostTicks", "Origin"}


def stateful(synth: Synth) -> list[tuple[str, str, dict[str, object]]]:
    return [
        (stack, id_, resource)
        for stack, template in synth.templates.items()
        for id_, resource in template["Resources"].items()
        if resource["Type"] in STATEFUL and not any(id_.startswith(each) for each in PASSING)
    ]


def test_what_keeps_data_is_kept(dev: Synth) -> None:
    found = stateful(dev)
    assert len(found) == 25
    for _, id_, resource in found:
        policies = resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy")
        if resource["Type"] == "AWS::ElastiCache::ReplicationGroup":
            assert policies == ("Snapshot", "Snapshot")
        else:
            # tests/cdk/test_retention.py says which.
            assert policies in {("Retain", "Retain"), ("RetainExceptOnCreate", "Retain")}, id_


def test_every_type_that_keeps_data_is_made(dev: Synth) -> None:
    assert {str(resource["Type"]) for _, _, resource in stateful(dev)} == STATEFUL


def test_clusters_refuse_to_be_deleted_and_keep_backups(dev: Synth) -> None:
    clusters = [*dev.resources("AWS::RDS::DBCluster").values(), *dev.resources("AWS::Neptune::DBCluster").values()]
    assert len(clusters) == 3
    for cluster in clusters:
        assert cluster["DeletionProtection"] is True
        assert cluster["BackupRetentionPeriod"] == 14
    (cache,) = dev.resources("AWS::ElastiCache::ReplicationGroup").values()
    assert cache["SnapshotRetentionLimit"] == 7


def protected(synth: Synth) -> dict[str, bool]:
    artifacts = json.loads((synth.folder / "manifest.json").read_text())["artifacts"]
    return {
        name.rpartition("-")[2]: artifact["properties"].get("terminationProtection", False)
        for name, artifact in artifacts.items()
        if artifact["type"] == "aws:cloudformation:stack"
    }


def test_stacks_are_protected(prod: Synth, dev: Synth) -> None:
    assert protected(prod) == {"Service": True, "Edge": True, "Watch": True}
    assert {stack for stack, ended_by_nobody in protected(dev).items() if ended_by_nobody} == {"Network", "Stores"}


def test_logical_ids_of_what_keeps_data_are_frozen(each: Synth) -> None:
    """Another id is another, empty store. Whoever renames a construct moves its data first."""
    ids = sorted(f"{stack} {id_} {resource['Type']}" for stack, id_, resource in stateful(each))
    agree(f"{each.environment.name}.ids", "\n".join(ids) + "\n")


@pytest.mark.parametrize("stack", ["Network", "Stores", "Knowledge", "Service", "Edge", "Watch"])
def test_templates_are_as_reviewed(each: Synth, stack: str) -> None:
    if stack in each.templates:
        agree(f"{each.environment.name}-{stack}.json", normal(each.templates[stack]))
    else:
        assert (each.environment.name, stack) in {("prod", "Network"), ("prod", "Stores"), ("prod", "Knowledge")}
