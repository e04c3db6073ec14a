"""What both files leave at its default: another region, other starts, endpoints, a longer gateway."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cdk.app import synthesize
from cdk.loader import load_environment
from tests.cdk.templates import Synth, loaded, toml
from tests.cdk.test_stateful import protected

FILES = Path(__file__).parents[2] / "cdk" / "environments"


def synth(folder: Path, like: str, edit: Callable[[dict[str, Any]], None]) -> Synth:
    table = tomllib.loads((FILES / f"{like}.toml").read_text())
    edit(table)
    file = folder / f"{table['name']}.toml"
    file.write_text("\n".join(f"{key} = {toml(value)}" for key, value in table.items()))
    return loaded(load_environment(file).environment, synthesize(file, folder / "out", stubbed=True))


@pytest.fixture(scope="module")
def west(tmp_path_factory: pytest.TempPathFactory) -> Synth:
    """A fresh environment in another region than its edge, with instances that wait."""

    def edit(table: dict[str, Any]) -> None:
        table |= {"name": "west", "region": "us-west-2"}
        table["network"]["zones"] = ["us-west-2a", "us-west-2b"]
        table["functions"] |= {"snap_start": False, "provisioned": 2}
        table["edge"]["origin_secret"] = 3

    return synth(tmp_path_factory.mktemp("west"), "dev", edit)


@pytest.fixture(scope="module")
def next_one(tmp_path_factory: pytest.TempPathFactory) -> Synth:
    """The documented system beside the function that runs there, with endpoints, plain starts and a raised quota."""

    def edit(table: dict[str, Any]) -> None:
        table["name"] = "next"
        table["network"] |= {"endpoints": ["secretsmanager", "sqs"], "ranges": ["10.0.0.0/16", "100.64.0.0/16"]}
        table["functions"] |= {"name": "StackFlowAPI-next", "snap_start": False, "gateway_seconds": 60}

    return synth(tmp_path_factory.mktemp("next"), "prod", edit)


def test_the_edge_stays_in_us_east_1(west: Synth) -> None:
    artifacts = json.loads((west.folder / "manifest.json").read_text())["artifacts"]
    regions = {
        name.rpartition("-")[2]: each["environment"].rpartition("/")[2]
        for name, each in artifacts.items()
        if each["type"] == "aws:cloudformation:stack"
    }
    assert regions.pop("Edge") == "us-east-1"
    assert regions == dict.fromkeys(("Network", "Stores", "Knowledge", "Service", "Watch"), "us-west-2")
    assert ".execute-api.us-west-2.amazonaws.com" in json.dumps(west.templates["Edge"])


def test_every_environment_but_dev_is_protected(west: Synth, dev: Synth) -> None:
    service = {"Service", "Edge", "Watch"}
    assert {stack for stack, is_protected in protected(west).items() if is_protected} == service | {"Network", "Stores"}
    assert {protected(dev)[stack] for stack in service} == {False}


def test_nothing_of_another_region_names_us_east_1(west: Synth) -> None:
    for stack in ("Network", "Stores", "Knowledge", "Service", "Watch"):
        for id_, resource in west.templates[stack]["Resources"].items():
            # The CDK's own, by which the edge learns the gateway's address, and what is replicated to the edge.
            if "Export" not in id_ and not id_.startswith("Origin"):
                # A profile of models passes calls on to any of its regions.
                text = json.dumps(resource).replace("arn:aws:bedrock:us-east-1::foundation-model/anthropic.", "")
                assert "us-east-1" not in text, id_


def test_the_alarm_of_cloudfronts_firewall_stands_with_its_metrics(west: Synth) -> None:
    names = {each["AlarmName"] for each in west.resources("AWS::CloudWatch::Alarm").values()}
    assert "stackflow-west-gateway-firewall" in names
    assert "stackflow-west-edge-firewall" not in names


def test_a_raised_number_turns_the_origins_secret(west: Synth) -> None:
    """The gateway takes the one before too, until the edge's stack, which is deployed after it, sends the new one."""
    secrets = west.resources("AWS::SecretsManager::Secret", "Service").values()
    assert {each["Name"] for each in secrets} == {"stackflow/west/origin-2", "stackflow/west/origin-3"}
    for each in secrets:
        assert each["ReplicaRegions"] == [{"Region": "us-east-1"}]
    (acl,) = west.resources("AWS::WAFv2::WebACL", "Service").values()
    assert json.dumps(acl).count("resolve:secretsmanager") == 2
    edge = json.dumps(west.templates["Edge"])
    assert edge.count("resolve:secretsmanager:stackflow/west/origin-3:SecretString") == 2
    assert "origin-2" not in edge


def test_instances_wait_if_the_file_says_so(west: Synth) -> None:
    (alias,) = west.resources("AWS::Lambda::Alias").values()
    assert alias["ProvisionedConcurrencyConfig"] == {"ProvisionedConcurrentExecutions": 2}


def test_the_api_starts_plainly_if_the_file_says_so(next_one: Synth, west: Synth) -> None:
    for each in (next_one, west):
        assert "SnapStart" not in each.function()


def test_a_raised_quota_lengthens_gateway_and_request(next_one: Synth) -> None:
    methods = next_one.resources("AWS::ApiGateway::Method").values()
    assert {method["Integration"]["TimeoutInMillis"] for method in methods} == {60_000}
    variables = next_one.function()["Environment"]["Variables"]
    assert variables["REQUEST_TIMEOUT_SECONDS"] == "56"
    assert variables["DATABASE_STATEMENT_TIMEOUT_SECONDS"] == "20"


def test_missing_endpoints_are_made_in_the_adopted_subnets(next_one: Synth) -> None:
    made = next_one.resources("AWS::EC2::VPCEndpoint").values()
    assert {each["ServiceName"] for each in made} == {
        "com.amazonaws.us-east-1.secretsmanager",
        "com.amazonaws.us-east-1.sqs",
    }
    for each in made:
        assert each["SubnetIds"] == ["subnet-05eae5f255dec054f", "subnet-03ab773ce82d704d1"]
        assert each["PrivateDnsEnabled"] is True


def test_endpoints_admit_the_whole_vpc_whose_names_they_answer_for(next_one: Synth) -> None:
    """Every other workload of the VPC asks them too as soon as they stand."""
    ((id_, group),) = next_one.resources("AWS::EC2::SecurityGroup").items()
    admitted = [(rule["CidrIp"], rule["FromPort"], rule["ToPort"]) for rule in group["SecurityGroupIngress"]]
    assert admitted == [("10.0.0.0/16", 443, 443), ("100.64.0.0/16", 443, 443)]
    for endpoint in next_one.resources("AWS::EC2::VPCEndpoint").values():
        assert endpoint["SecurityGroupIds"] == [{"Fn::GetAtt": [id_, "GroupId"]}]
    # The adopted group is its owner's.
    assert not {each for each in next_one.types() if "SecurityGroupIngress" in each or "SecurityGroupEgress" in each}


def test_migrations_wait_for_the_endpoints_by_which_they_read_secrets(next_one: Synth) -> None:
    resources = next_one.templates["Service"]["Resources"]
    made = {id_ for id_, each in resources.items() if each["Type"] == "AWS::EC2::VPCEndpoint"}
    assert len(made) == 2
    assert made <= set(resources["MigrationsPre"]["DependsOn"])
