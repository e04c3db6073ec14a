"""A copied environment that would take the names of the one it was copied from is refused, name by name."""

from pathlib import Path
from typing import Any

import pytest

from cdk.loader import EnvironmentFileError, load_environment
from tests.cdk.test_environment_file import at, written

CERTIFICATE = "arn:aws:acm:us-east-1:111122223333:certificate/a"


def filled(table: dict[str, Any]) -> None:
    """As somebody fills it in, with an account and domains."""
    table |= {"account": "111122223333", "access": {"issuer": "https://id.example.org", "audience": "api"}}
    for name in ("docs", "app", "api"):
        table["edge"]["distributions"][name] = {"domain": f"{name}.example.org", "certificate_arn": CERTIFICATE}
    table["knowledge"] = {"store": "opensearch-serverless", "collection": "stackflow-knowledge-dev"}


def told(folder: Path, **changes: object) -> list[str]:
    """The faults of a copy of dev beside it, by their keys, after these changes of the copy."""
    written(folder, "dev", filled)
    text = (folder / "dev.toml").read_text()

    def edit(table: dict[str, Any]) -> None:
        filled(table)
        table["name"] = "staging"
        for key, value in changes.items():
            at(key.replace("__", "."), value)(table)

    copy = written(folder, "dev", edit).rename(folder / "staging.toml")
    (folder / "dev.toml").write_text(text)
    try:
        load_environment(copy)
    except EnvironmentFileError as error:
        return [line.partition(": ")[2] for line in str(error).splitlines()]
    return []


def test_a_copy_under_another_name_is_told_every_name_that_collides(tmp_path: Path) -> None:
    assert [fault.partition(":")[0] for fault in told(tmp_path)] == [
        "functions.name",
        "aurora.main.identifier",
        "aurora.requirements.identifier",
        "neptune.identifier",
        "queues.events",
        "queues.events",
        "queues.remediation_p1",
        "queues.remediation_p1",
        "queues.remediation_standard",
        "queues.remediation_standard",
        "queues.notifications",
        "queues.notifications",
        "redis.identifier",
        "knowledge.collection",
        "findings_topic",
        "edge.firewall",
        "edge.distributions.docs.domain",
        "edge.distributions.app.domain",
        "edge.distributions.api.domain",
    ]


def test_in_another_account_only_domains_collide_of_which_aws_has_one(tmp_path: Path) -> None:
    faults = told(tmp_path, account="444455556666")
    assert faults == [
        f"edge.distributions.{name}.domain: dev.toml takes the domain {name}.example.org too; name another"
        for name in ("docs", "app", "api")
    ]


def test_in_another_region_the_firewall_of_cloudfront_collides_too(tmp_path: Path) -> None:
    faults = told(tmp_path, region="us-west-2", network__zones=["us-west-2a", "us-west-2b"])
    assert faults[0] == (
        "edge.firewall: dev.toml takes the firewall stackflow-cloudfront-waf-dev too in one account; name another"
    )
    assert len(faults) == 4


def test_what_two_files_leave_open_does_not_collide(tmp_path: Path) -> None:
    """But the names that both give do, as both may be of one account."""

    def renamed(table: dict[str, Any]) -> None:
        table["name"] = "staging"

    written(tmp_path, "dev", renamed).rename(tmp_path / "staging.toml")
    written(tmp_path, "dev", lambda table: None)
    with pytest.raises(EnvironmentFileError) as error:
        load_environment(tmp_path / "staging.toml")
    assert "functions.name: dev.toml takes the function StackFlowAPI-dev too" in str(error.value)
    assert "domain" not in str(error.value)


def test_what_is_adopted_may_be_shared(tmp_path: Path) -> None:
    """The next function beside the one that runs, over the same stores."""

    def beside(table: dict[str, Any]) -> None:
        table["name"] = "next"
        table["functions"]["name"] = "StackFlowAPI-next"

    written(tmp_path, "prod", beside).rename(tmp_path / "next.toml")
    written(tmp_path, "prod", lambda table: None)
    assert load_environment(tmp_path / "next.toml").environment.name == "next"


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        (
            "edge.distributions.app.domain",
            "docs.example.org",
            "edge.distributions.app.domain: edge.distributions.docs.domain takes the domain docs.example.org too",
        ),
        (
            "neptune.identifier",
            "StackFlow-Main-dev",
            "neptune.identifier: aurora.main.identifier takes the cluster stackflow-main-dev too; name another",
        ),
        (
            "queues.notifications",
            "StackFlow-Remediation-P1-dev-DLQ",
            "queues.notifications: queues.remediation_p1 takes the queue StackFlow-Remediation-P1-dev-DLQ too",
        ),
    ],
)
def test_a_file_may_not_take_a_name_twice(tmp_path: Path, key: str, value: str, message: str) -> None:
    def edit(table: dict[str, Any]) -> None:
        filled(table)
        at(key, value)(table)

    with pytest.raises(EnvironmentFileError, match=f"dev.toml: {message}"):
        load_environment(written(tmp_path, "dev", edit))
