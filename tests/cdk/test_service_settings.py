"""Every setting of the service can be given by an environment file, or the file's reader says what to do instead."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from cdk import service_settings
from cdk.app import synthesize
from cdk.loader import EnvironmentFileError, load_environment
from cdk.service_settings import FORBIDDEN_SETTINGS, find_faults, setting_names
from tests.cdk.test_environment_file import at, written
from tests.cdk.test_variables import PAGE

ROW = re.compile(r"^\| `([A-Z0-9_]+)` \| .+ \| (.+?) \|$", re.MULTILINE)
BOUNDS = {
    name: found.groups()
    for name, bounds in ROW.findall((service_settings.ROOT / "docs" / "settings.md").read_text())
    if (found := re.fullmatch(r"([\d.]+) to ([\d.]+)", bounds))
}
DEPLOY = (service_settings.ROOT / "docs" / "deploy.md").read_text()
GIVEN = {
    "OIDC_PERMISSIONS_CLAIM": "cognito:groups",
    "OIDC_JWKS_URL": "https://issuer.example/keys",
    "ALERTS_MAPPING": "datasources/files/mappings/alerts.yaml",
    "REDIS_TTL_SECONDS": 30,
    "REDIS_TIMEOUT_SECONDS": 0.5,
    "GRAPH_FALLBACK": False,
    "STACKFLOW_LOG_LEVEL": "DEBUG",
}


def test_every_setting_of_the_page_is_known_and_none_is_refused_that_does_not_exist() -> None:
    assert setting_names() == PAGE
    assert FORBIDDEN_SETTINGS.keys() < PAGE


@pytest.mark.parametrize("name", sorted(BOUNDS.keys() - FORBIDDEN_SETTINGS.keys()))
def test_a_number_is_held_to_the_bounds_of_the_page(name: str) -> None:
    least, most = BOUNDS[name]
    assert list(find_faults({name: float(least)})) == list(find_faults({name: int(most)})) == []
    (fault,) = find_faults({name: float(most) + 1})
    assert (
        fault
        == f"functions.settings.{name}: {name} is {float(most) + 1}; it must lie between "
        + fault.rpartition("between ")[2]
    )


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (
            {"REDIS_TTL_SECOND": 5},
            "no setting of the service (docs/settings.md); remove it, or write REDIS_TTL_SECONDS",
        ),
        ({"DATABASE_POOL_MAX": 5}, "the template sets it from functions.connections; remove it"),
        ({"OIDC_ISSUER": "https://issuer.example"}, "write access.issuer; remove it"),
        ({"AWS_REGION": "us-east-1"}, "Lambda sets it; remove it"),
        ({"STACKFLOW_LOG_LEVEL": "loud"}, "STACKFLOW_LOG_LEVEL is 'loud'; write one of DEBUG, INFO, WARNING, ERROR"),
        ({"OIDC_TEAMS_CLAIM": "?"}, "may not be left open; write its value or remove it"),
        ({"ALERTS_MAPPING": "/etc/alerts.yaml"}, "/etc/alerts.yaml is no file of the bundle; put it there"),
        ({"GRAPH_CA_FILE": "docs/settings.md"}, "docs/settings.md is no file of the bundle; put it there"),
        ({"GRAPH_HOPS": "jump"}, "GRAPH_HOPS is 'jump'; write one of traversal, frontier"),
    ],
)
def test_what_cannot_be_given_is_refused_with_the_remedy(tmp_path: Path, given: dict[str, Any], says: str) -> None:
    file = written(tmp_path, "dev", at("functions.settings", given))
    with pytest.raises(EnvironmentFileError) as caught:
        load_environment(file)
    assert f"{file}: functions.settings.{next(iter(given))}: {says}" in str(caught.value)


def test_every_function_gets_what_is_given_and_the_template_wins(tmp_path: Path) -> None:
    file = written(tmp_path, "prod", at("functions.settings", GIVEN))
    synthesize(file, tmp_path / "out", stubbed=True)
    template = json.loads((tmp_path / "out" / "StackFlow-prod-Service.template.json").read_text())
    functions = [
        each["Properties"]["Environment"]["Variables"]
        for each in template["Resources"].values()
        if each["Type"] == "AWS::Lambda::Function" and "Environment" in each["Properties"]
        and "DATABASE_URL" in each["Properties"]["Environment"]["Variables"]
    ]  # fmt: skip
    assert len(functions) == 6
    for found in functions:
        assert {name: found[name] for name in GIVEN} == {
            **{name: str(value) for name, value in GIVEN.items()}, "GRAPH_FALLBACK": "off",
        }  # fmt: skip


@pytest.mark.parametrize("example", re.findall(r"```toml\n(.+?)```", DEPLOY, re.DOTALL))
def test_the_examples_of_the_page_are_taken(example: str) -> None:
    given = tomllib.loads(example).get("functions", {}).get("settings", {})
    assert given
    # A file of the operator's own.
    assert [fault for fault in find_faults(given) if "our-alerts.yaml is no file of the bundle" not in fault] == []
