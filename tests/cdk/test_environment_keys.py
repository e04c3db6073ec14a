"""A half-filled file is told all that it lacks, at once and in words."""

from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from cdk.environment import AdoptedEnvironment, NewEnvironment
from cdk.keys import OPEN_MARK, describe_format, keys
from cdk.loader import EnvironmentFileError, load_environment
from tests.cdk.test_environment_file import at, written


def test_a_half_filled_file_is_told_all_that_it_lacks(tmp_path: Path) -> None:
    def edit(table: dict[str, Any]) -> None:
        del table["neptune"]["host"], table["redis"]["secret_arn"]
        table["knowledge"] = {"collection": "knowledge"}
        table["network"]["cidr"] = "10.0.0.0/16"
        table["functions"]["connections"] = 6

    with pytest.raises(EnvironmentFileError) as told:
        load_environment(written(tmp_path, "prod", edit))
    assert [line.partition("prod.toml: ")[2].partition(";")[0] for line in str(told.value).splitlines()] == [
        "functions.connections: expected `int` <= 5",
        "network.cidr: unknown key",
        "neptune.host: missing required key",
        "redis.secret_arn: missing required key",
        "knowledge.collection: unknown key",
        "knowledge.id: missing required key",
    ]


def test_a_secret_that_stands_where_its_arn_belongs_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFileError) as told:
        load_environment(written(tmp_path, "prod", at("redis.secret_arn", "the token itself")))
    assert "the token itself" not in str(told.value)


def test_what_is_left_open_may_lie_anywhere(tmp_path: Path) -> None:
    """The stand-ins of secrets lie in us-east-1, and another region's file may leave them open all the same."""

    def edit(table: dict[str, Any]) -> None:
        table["region"] = "eu-west-1"
        table["network"]["private_subnets"] = {
            "eu-west-1a": "subnet-05eae5f255dec054f",
            "eu-west-1b": "subnet-03ab773ce8",
        }
        table["neptune"]["host"] = table["aurora"]["main"]["host"] = table["aurora"]["requirements"]["host"] = (
            "db.example.org"
        )
        # Profiles of models belong to regions.
        del table["knowledge"]
        table["models"]["allowed"] = {"amazon.titan-embed-text-v2:0": {"input": 0.02, "output": 0}}

    assert "redis.secret_arn" in load_environment(written(tmp_path, "prod", edit)).open_keys


def test_no_secret_is_of_another_account_than_one_that_is_open(tmp_path: Path) -> None:
    def edit(table: dict[str, Any]) -> None:
        table["account"] = OPEN_MARK
        table["redis"]["secret_arn"] = "arn:aws:secretsmanager:us-east-1:444455556666:secret:redis-AbCdEf"

    assert "account" in load_environment(written(tmp_path, "prod", edit)).open_keys


@pytest.mark.parametrize("mode", [AdoptedEnvironment, NewEnvironment])
def test_no_pattern_is_shown_to_an_operator(mode: type[Struct]) -> None:
    """Every key whose type is a pattern has words for it."""
    wordless = [key for key, type_ in keys(mode) if "pattern=" in repr(type_) and describe_format(type_) is None]
    assert wordless == []
