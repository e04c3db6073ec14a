"""A failed first deploy can be repeated: no name stays taken, and nothing is kept without what it needs."""

from collections.abc import Iterator
from typing import Any

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from tests.cdk.conftest import FILES
from tests.cdk.templates import Synth, loaded
from tests.cdk.test_stateful import protected

# Deletion policies under which a resource outlives its stack.
KEPT = {"Retain", "RetainExceptOnCreate"}
CLUSTERS = {"AWS::RDS::DBCluster", "AWS::Neptune::DBCluster"}
# Resources that need others that are deleted, with the reason.
DELETED_TOGETHER = {"AWS::Lambda::Version": "a version ends with its function, whatever its own policy"}


@pytest.fixture(scope="session")
def first(tmp_path_factory: pytest.TempPathFactory) -> Synth:
    """A fresh environment, as it is deployed for the first time."""
    from cdk.app import synthesize
    from cdk.loader import load_environment

    file = FILES / "dev.toml"
    out = synthesize(file, tmp_path_factory.mktemp("first"), stubbed=True, first=True)
    return loaded(load_environment(file).environment, out)


def resources(synth: Synth) -> Iterator[tuple[dict[str, Any], str, dict[str, Any]]]:
    """Each with its template and logical id."""
    for template in synth.templates.values():
        for id_, resource in template["Resources"].items():
            yield template["Resources"], id_, resource


def fixed_name(resource: dict[str, Any]) -> str | None:
    """The name that the template gives, of which an account, or a region of it, has one: a property that says what the
    resource is and cannot be changed, by AWS's own schema."""
    type_ = resource["Type"]
    if type_.startswith("Custom::"):
        return None
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", type_).schema
    identities = {
        pointer.rpartition("/")[2]
        for pointer in (*schema.get("primaryIdentifier", ()), *schema.get("createOnlyProperties", ()))
    }
    for name, value in resource.get("Properties", {}).items():
        if isinstance(value, str) and name in identities and name.endswith(("Name", "Identifier", "GroupId")):
            return value
    return None


def references(value: object) -> Iterator[str]:
    """The logical ids that a value names."""
    match value:
        case {"Ref": str(id_)}:
            yield id_
        case {"Fn::GetAtt": [str(id_), _]}:
            yield id_
        case dict():
            for each in value.values():
                yield from references(each)
        case list():
            for each in value:
                yield from references(each)


def test_names_are_found_by_the_schemas_of_aws(dev: Synth) -> None:
    """So that the tests below look at something."""
    named = {str(resource["Type"]) for _, _, resource in resources(dev) if fixed_name(resource)}
    assert named >= {
        "AWS::ElastiCache::ReplicationGroup",
        "AWS::KMS::Alias",
        "AWS::Lambda::Function",
        "AWS::Logs::LogGroup",
        "AWS::Neptune::DBCluster",
        "AWS::RDS::DBCluster",
        "AWS::SecretsManager::Secret",
        "AWS::SNS::Topic",
        "AWS::SQS::Queue",
    }


def test_no_name_stays_taken_when_a_first_deploy_is_rolled_back(first: Synth) -> None:
    taken = [id_ for _, id_, each in resources(first) if fixed_name(each) and each.get("DeletionPolicy") == "Retain"]
    assert taken == []


def test_later_only_clusters_keep_their_names_which_their_protection_would(each: Synth) -> None:
    taken = [
        resource
        for _, _, resource in resources(each)
        if fixed_name(resource) and resource.get("DeletionPolicy") == "Retain"
    ]
    assert {resource["Type"] for resource in taken} <= CLUSTERS
    assert all(resource["Properties"]["DeletionProtection"] is True for resource in taken)


def test_what_is_rolled_back_could_be_deleted(first: Synth) -> None:
    """CloudFormation cannot delete a protected cluster, and the command line no protected stack."""
    clusters = [resource["Properties"] for _, _, resource in resources(first) if resource["Type"] in CLUSTERS]
    assert [cluster["DeletionProtection"] for cluster in clusters] == [False] * 3
    assert set(protected(first).values()) == {False}


def test_nothing_is_kept_without_what_it_needs(each: Synth, first: Synth) -> None:
    for synth in (each, first):
        for template, id_, resource in resources(synth):
            policy = resource.get("DeletionPolicy")
            if policy not in KEPT or resource["Type"] in DELETED_TOGETHER:
                continue
            needed = {other for other in references(resource.get("Properties", {})) if other in template}
            # What is kept by a rollback needs what is kept by a rollback.
            kept = {"Retain"} if policy == "Retain" else KEPT
            lost = {other for other in needed if template[other].get("DeletionPolicy") not in kept}
            assert lost == set(), f"{id_} is kept ({policy}) without {sorted(lost)}"


def test_what_is_kept_is_not_lost_by_a_replacement_either(each: Synth, first: Synth) -> None:
    for synth in (each, first):
        for _, id_, resource in resources(synth):
            if resource.get("DeletionPolicy") in KEPT:
                assert resource.get("UpdateReplacePolicy") == "Retain", id_


def test_a_first_deploy_differs_by_its_protection_alone(dev: Synth, first: Synth) -> None:
    """So the deploy after it replaces nothing."""
    changed = set()
    for stack, template in dev.templates.items():
        before = first.templates[stack]
        assert before["Resources"].keys() == template["Resources"].keys()
        for id_, resource in template["Resources"].items():
            now, then = (
                dict(resource["Properties"]) if "Properties" in resource else {},
                before["Resources"][id_].get("Properties", {}),
            )
            changed |= {key for key in now if now[key] != then.get(key)}
    assert changed == {"DeletionProtection"}


def test_log_groups_that_a_destroyed_stack_left_can_be_imported(each: Synth) -> None:
    """By `cdk deploy --import-existing-resources`: those with a name in the template that is their identity, and kept.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/import-resources-automatically.html
    """
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", "AWS::Logs::LogGroup").schema
    assert schema["primaryIdentifier"] == ["/properties/LogGroupName"]
    named = [
        resource["DeletionPolicy"]
        for _, _, resource in resources(each)
        if resource["Type"] == "AWS::Logs::LogGroup" and fixed_name(resource)
    ]
    assert len(named) == (12 if each.environment.name == "dev" else 7)
    assert set(named) == {"RetainExceptOnCreate"}
