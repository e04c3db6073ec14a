"""A wrong or half-filled file is an error that names the key and says what to do."""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cdk import check
from cdk.environment import AdoptedEnvironment, NewEnvironment
from cdk.keys import OPEN_MARK, PLACEHOLDERS, find_open_keys, lookup_hint
from cdk.loader import EnvironmentFileError, load_environment
from tests.cdk.templates import toml

FILES = Path(__file__).parents[2] / "cdk" / "environments"

Edit = Callable[[dict[str, Any]], None]


def written(folder: Path, name: str, edit: Edit) -> Path:
    table = tomllib.loads((FILES / f"{name}.toml").read_text())
    edit(table)
    path = folder / f"{name}.toml"
    path.write_text("\n".join(f"{key} = {toml(value)}" for key, value in table.items()))
    return path


def at(key: str, value: object) -> Edit:
    """An edit that sets a key, or removes it for None."""

    def edit(table: dict[str, Any]) -> None:
        *tables, last = key.split(".")
        for each in tables:
            table = table[each]
        if value is None:
            del table[last]
        else:
            table[last] = value

    return edit


def test_an_unedited_file_is_read(tmp_path: Path) -> None:
    """So that the errors below are those of their edits."""
    assert isinstance(load_environment(written(tmp_path, "prod", lambda table: None)).environment, AdoptedEnvironment)
    (tmp_path / "prod.toml").unlink()
    assert isinstance(load_environment(written(tmp_path, "dev", lambda table: None)).environment, NewEnvironment)


@pytest.mark.parametrize(
    ("name", "key", "value", "message"),
    [
        ("prod", "mode", "lend", "mode: invalid value 'lend'; write adopt or create"),
        ("prod", "mode", None, "mode: missing required key; add it: write adopt or create"),
        ("prod", "key_id", None, "key_id: missing required key; add it"),
        ("prod", "typo", 1, "typo: unknown key; this mode has no such key; remove it"),
        ("prod", "network.cidr", "10.0.0.0/16", "network.cidr: unknown key; .*, it belongs to create; remove it"),
        (
            "prod",
            "aurora.main.engine_version",
            "16.13",
            "aurora.main.engine_version: unknown key; .* belongs to create",
        ),
        (
            "dev",
            "network.vpc_id",
            "vpc-0c4e3c18734dee8f7",
            "network.vpc_id: unknown key; this .*, it belongs to adopt; remove it",
        ),
        ("dev", "redis.node_type", None, "redis.node_type: .*missing required key; add it"),
        ("prod", "aurora.mian", {}, "aurora.mian: unknown key; .*; remove it, or write aurora.main if that is meant"),
        ("prod", "redis", "stackflow-redis-prod", r"redis: must be a table; write \[redis\] above its keys"),
        ("prod", "network.vpc_id", "vpc-EXAMPLE", "network.vpc_id: 'vpc-EXAMPLE' is not the id of a VPC: vpc- and hex"),
        ("prod", "key_id", "mrk-?", "key_id: 'mrk-.' is not the id of a multi-region key: mrk- and 32 hexadecimal"),
        (
            "prod",
            "name",
            OPEN_MARK,
            "name: may not be left open; write 2 to 12 small letters and digits, a letter first",
        ),
        (
            "dev",
            "account",
            373544523367,
            "account: 373544523367 is not the 12 digits of an account, in quotes; to find it: aws sts get-call",
        ),
        # A missing secret.
        (
            "prod",
            "aurora.main.secret_arn",
            None,
            r"aurora.main.secret_arn: missing required key; add it, or \"\?\" until it is found: aws rds describe",
        ),
        (
            "prod",
            "redis.secret_arn",
            "",
            "redis.secret_arn: its value is not the ARN of a secret: arn:aws:secretsmanager:.*; to find it: aws sec",
        ),
        (
            "prod",
            "redis.secret_arn",
            "arn:aws:secretsmanager:eu-west-1:373544523367:secret:redis-AbCdEf",
            "redis.secret_arn: lies in eu-west-1, the functions in us-east-1; replicate the secret there and name th",
        ),
        (
            "prod",
            "aurora.requirements.secret_arn",
            "arn:aws:secretsmanager:us-east-1:111122223333:secret:req-AbCdEf",
            "aurora.requirements.secret_arn: belongs to account 111122223333, not 373544523367; functions read those",
        ),
        # Hosts, ranges.
        (
            "prod",
            "neptune.host",
            "graph.cluster-c6pq0smgmlri.eu-west-1.neptune.amazonaws.com",
            "neptune.host: graph.cluster-c6pq0smgmlri.eu-west-1.neptune.amazonaws.com lies in another region than us",
        ),
        ("dev", "network.cidr", "10.60.0.0/24", "network.cidr: '10.60.0.0/24' is not a range as in 10.60.0.0/16"),
        ("dev", "network.cidr", "10.300.0.0/16", "network.cidr: 10.300.0.0/16 is no range; each of its numbers is 255"),
        (
            "dev",
            "aurora.main.min_capacity",
            8,
            "aurora.main.min_capacity: 8 is over aurora.main.max_capacity, 4; lower the one or raise the other",
        ),
        # Zones.
        (
            "prod",
            "network.private_subnets",
            {"us-east-1a": "subnet-05eae5f255dec054f", "us-west-2b": "subnet-03ab773ce82d704d1"},
            "network.private_subnets: us-west-2b is no zone of us-east-1; name the zone that",
        ),
        (
            "prod",
            "network.private_subnets",
            {"us-east-1a": "subnet-05eae5f255dec054f", "us-east-1b": "subnet-05eae5f255dec054f"},
            "network.private_subnets: subnet-05eae5f255dec054f stands in two zones; a subnet lies in one",
        ),
        (
            "prod",
            "network.private_subnets",
            {"us-east-1a": "subnet-05eae5f255dec054f"},
            "network.private_subnets: two zones are needed for Multi-AZ; there is 1",
        ),
        ("dev", "network.zones", ["us-east-1a", "eu-west-1b"], "network.zones: eu-west-1b is no zone of us-east-1"),
        ("prod", "network.endpoints", ["s4"], "network.endpoints: 's4' is none that the functions need; write some of"),
        (
            "prod",
            "network.endpoints",
            ["sqs"],
            "network.ranges: missing; endpoints answer for the names of AWS in the whole VPC, so write its ranges: aws",
        ),
        ("prod", "network.ranges", ["10.0.0.1/16"], "network.ranges: 10.0.0.1/16 has host bits set; write the ranges"),
        ("prod", "network.ranges", ["all"], r"network.ranges: \['all'\] is not ranges of addresses, as in"),
        # The edge.
        ("prod", "edge.region", "eu-west-1", "edge.region: eu-west-1; CloudFront takes .* us-east-1 alone: write that"),
        (
            "dev",
            "edge.distributions.api",
            {"domain": "api.example.org"},
            "edge.distributions.api.certificate_arn: missing; give the certificate of the domain",
        ),
        (
            "dev",
            "edge.distributions.api",
            {"domain": "api.example.org", "certificate_arn": "arn:aws:acm:eu-west-1:111111111111:certificate/a"},
            "edge.distributions.api.certificate_arn: 'arn:aws:acm:eu-west-1:.*' is not the ARN of a certificate in us",
        ),
        (
            "prod",
            "edge.distributions.api",
            {"id": "E1UTZ9SVSR2WGV", "domain": "api.example.org", "certificate_arn": OPEN_MARK},
            "edge.distributions.api.certificate_arn: an adopted distribution keeps its own; remove it",
        ),
        # Instances.
        ("prod", "functions.provisioned", 201, "functions.provisioned: more than functions.concurrency, 200; lower it"),
        ("prod", "functions.connections", 6, "functions.connections: expected `int` <= 5"),
        (
            "dev",
            "functions.concurrency",
            90,
            "functions.concurrency: up to 776 connections to aurora.main, which serves 740 of its 823 to functions;"
            " lower functions.concurrency or functions.connections, or give the cluster more capacity",
        ),
    ],
)
def test_a_fault_is_told_with_its_key(tmp_path: Path, name: str, key: str, value: object, message: str) -> None:
    path = written(tmp_path, name, at(key, value))
    with pytest.raises(EnvironmentFileError, match=rf"{name}\.toml: {message}"):
        load_environment(path)


def test_both_ways_to_start_exclude_each_other(tmp_path: Path) -> None:
    def edit(table: dict[str, Any]) -> None:
        table["functions"]["provisioned"] = 2

    with pytest.raises(EnvironmentFileError, match=r"functions\.snap_start: not with functions.provisioned"):
        load_environment(written(tmp_path, "prod", edit))


@pytest.mark.parametrize(
    ("region", "there"), [("ap-southeast-6", False), ("us-gov-west-1", False), ("ap-southeast-2", True)]
)
def test_snapshots_are_refused_where_lambda_has_none(tmp_path: Path, region: str, there: bool) -> None:
    with pytest.raises(EnvironmentFileError) as caught:
        load_environment(written(tmp_path, "prod", at("region", region)))
    fault = f"functions.snap_start: there is none in {region}; write false"
    assert (fault not in str(caught.value)) == there


def test_the_size_of_a_production_can_be_read() -> None:
    assert load_environment(FILES.parent / "sizes" / "production.toml").environment.functions.snap_start


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    def edit(table: dict[str, Any]) -> None:
        table["edge"]["region"] = "eu-west-1"
        table["network"] |= {"endpoints": ["s4"], "ranges": ["10.0.0.0/16"]}

    with pytest.raises(EnvironmentFileError) as told:
        load_environment(written(tmp_path, "prod", edit))
    assert len(str(told.value).splitlines()) == 2


def test_two_environments_may_not_share_a_name(tmp_path: Path) -> None:
    written(tmp_path, "dev", at("name", "prod"))
    path = written(tmp_path, "prod", lambda table: None)
    with pytest.raises(EnvironmentFileError, match=r"name: dev\.toml is called prod too; each needs a name of its own"):
        load_environment(path)


def test_a_file_is_called_as_its_environment(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFileError, match=r"name: 'live' in prod\.toml; a file is called as its environment"):
        load_environment(written(tmp_path, "prod", at("name", "live")))


def test_what_is_no_file_or_no_toml_is_told(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFileError, match="no such file; name one of cdk/environments"):
        load_environment(tmp_path / "prod.toml")
    (tmp_path / "prod.toml").write_text("mode = ")
    with pytest.raises(EnvironmentFileError, match=r"prod\.toml: not TOML: "):
        load_environment(tmp_path / "prod.toml")


def test_what_the_page_does_not_give_is_left_open() -> None:
    assert load_environment(FILES / "prod.toml").open_keys == (
        "network.endpoints",
        "aurora.main.resource_id",
        "aurora.main.secret_arn",
        "aurora.main.max_connections",
        "aurora.requirements.database",
        "aurora.requirements.resource_id",
        "aurora.requirements.secret_arn",
        "aurora.requirements.max_connections",
        "neptune.reader_host",
        "neptune.resource_id",
        "redis.secret_arn",
        "queues.remediation_p1",
        "queues.remediation_standard",
        "queues.notifications",
        "queues.events_dead",
        "queues.remediation_p1_dead",
        "queues.remediation_standard_dead",
        "queues.notifications_dead",
        "access.issuer",
        "access.audience",
        "edge.firewall_arn",
        "edge.distributions.app.id",
        "edge.distributions.app.domain",
        "edge.distributions.api.id",
        "edge.distributions.api.domain",
    )


def test_every_placeholder_is_open_in_some_file() -> None:
    used = {key for path in FILES.glob("*.toml") for key in find_open_keys(tomllib.loads(path.read_text()))}
    # A documented distribution and the documented database have theirs; another account's may not.
    assert set(PLACEHOLDERS) - used == {"aurora.main.database", "edge.distributions.docs.id"}


def test_a_deploy_is_refused_and_told_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    file = FILES / "prod.toml"
    assert check.main([str(file)]) == 0
    told = capsys.readouterr().out
    seen = load_environment(file)
    for key in seen.open_keys:
        assert f"  {key}\n    {lookup_hint(key, seen.table)}\n" in told
    assert "--db-cluster-identifier stackflow-req-prod --query 'DBClusters[0].DbClusterResourceId'" in told
    assert "# subnet-05eae5f255dec054f in us-east-1a, subnet-03ab773ce82d704d1 in us-east-1b, all in vpc-0c4e3" in told
    assert "# VisibilityTimeout 720, 120 at the very least; maxReceiveCount 500 and dead letters in" in told
    # The way out: whatever the endpoints, the issuer's keys are on the internet.
    assert "out, 443 to 0.0.0.0/0: the keys of the issuer" in told
    routes = next(line for line in told.splitlines() if "describe-route-tables" in line)
    assert "Values=subnet-05eae5f255dec054f,subnet-03ab773ce82d704d1" in routes
    assert "each with a default route to a NAT gateway" in routes
    assert "--query cloudwatchRoleArn    # a role, or the gateway's stage is not made" in told
    assert "  aurora.main: 1656 of 4500, which are nine tenths of 5000\n" in told
    assert check.main([str(file), "--deploy"]) == 1
    # And of the bundle, unless somebody has built one.
    refused = [line for line in capsys.readouterr().err.splitlines() if "functions.bundle" not in line]
    assert refused == [f"{file}: {key} is left open" for key in load_environment(file).open_keys]
    assert len(refused) == 25


def test_whose_names_endpoints_will_answer_for_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def edit(table: dict[str, Any]) -> None:
        table["network"] |= {"endpoints": ["sqs"], "ranges": ["10.0.0.0/16"]}

    assert check.main([str(written(tmp_path, "prod", edit))]) == 0
    told = capsys.readouterr().out
    assert "none yet for sqs: those to be made answer for these names in the whole VPC, and admit 10.0.0.0/16" in told


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check.main([str(tmp_path / "none.toml")]) == 1
    assert "no such file" in capsys.readouterr().err
