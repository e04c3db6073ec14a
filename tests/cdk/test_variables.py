"""Settings and the template cannot disagree: what functions get is what settings read."""

import ast
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import settings
from cdk.service_settings import FORBIDDEN_SETTINGS, LAMBDA, REBUILD, SERVE
from cdk.watch.metrics import NAMESPACE, SERVICE_METRICS
from tests.cdk.templates import Synth

ROOT = Path(__file__).parents[2]
PAGE = set(re.findall(r"^\| `([A-Z0-9_]+)` \|", (ROOT / "docs" / "settings.md").read_text(), re.MULTILINE))
SUFFIXES = ("", "-events", "-projector", "-requirements", "-workflows", "-migrations")


def given(synth: Synth, suffix: str) -> dict[str, str]:
    found = synth.function(suffix)["Environment"]["Variables"]
    return {
        name: value if isinstance(value, str) else "https://reference.invalid/queue.fifo"
        for name, value in found.items()
    }


class Read(Mapping[str, str]):
    """An environment that notes which variables are asked for, and has every other one as a URL does."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self.variables, self.asked = variables, set[str]()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return self.variables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.variables)

    def __len__(self) -> int:
        return len(self.variables)


def test_functions_get_nothing_that_nobody_reads(each: Synth) -> None:
    names = {name for suffix in SUFFIXES for name in given(each, suffix)}
    assert names - PAGE == set()


def test_functions_get_every_setting_that_no_file_may_give(each: Synth) -> None:
    names = {name for suffix in SUFFIXES for name in given(each, suffix)}
    by_template = {name for name, reason in FORBIDDEN_SETTINGS.items() if reason not in {LAMBDA, SERVE, REBUILD}} - {
        "GRAPH"
    }
    # An adopted account has its own profiles, and its owner fills its knowledge base.
    own = (
        {"BEDROCK_PROFILES", "KNOWLEDGE_BUCKET", "KNOWLEDGE_DATA_SOURCE_ID"}
        if each.environment.name == "prod"
        else set[str]()
    )
    assert names == by_template - own


def test_settings_take_what_each_function_gets(prod: Synth) -> None:
    """With the region, as Lambda sets it. Every value lies within its bounds."""
    for suffix in SUFFIXES:
        environment = Read(given(prod, suffix) | {"AWS_REGION": "us-east-1"})
        read = settings.load_settings(environment)
        read.require_stores()
        assert set(environment.variables) - environment.asked <= {"AWS_REGION"}
    assert read.cache is not None
    assert read.cache.url is None


def test_the_role_that_migrations_make_is_the_one_that_functions_sign_in_as(each: Synth) -> None:
    variables = {suffix: each.function(suffix)["Environment"]["Variables"] for suffix in SUFFIXES}
    made = variables.pop("-migrations")["DATABASE_ROLE"]
    assert settings.load_settings({"DATABASE_ROLE": made}).database_role == "stackflow_api"
    for found in variables.values():
        assert "DATABASE_ROLE" not in found
        for name in ("DATABASE_URL", "REQUIREMENTS_URL"):
            assert f"postgresql://{made}@" in json.dumps(found[name])
    users = [users for _, each in each.statements() if each.get("Sid") == "Databases" for users in each["Resource"]]
    assert len(users) == 10
    assert [user for user in users if not json.dumps(user).rstrip('"]}').endswith(f"/{made}")] == []


def test_the_api_gets_its_bounds(prod: Synth) -> None:
    read = settings.load_settings(given(prod, "") | {"AWS_REGION": "us-east-1"})
    assert read.main is not None
    assert (read.limits.timeout, read.main.statement_timeout, read.main.pool_max) == (25, 20, 4)
    assert read.access.issuer == "https://issuer.placeholder.invalid"
    assert read.graph.signing is not None


# Written, and in no alarm nor on the dashboard, with the reason; docs/aws.md says so too.
NOT_WATCHED = {
    "DeadEvents": "of queues in tables; AWS has SQS",
    "OldestEventSeconds": "of queues in tables; AWS has SQS",
    "OpenEvents": "of queues in tables; AWS has SQS",
    "OpenStreams": "a function keeps no connection open",
    "StreamEvents": "a function keeps no connection open",
    "WorkersDown": "of servers; a worker on AWS is a function, whose errors AWS counts",
}


def written() -> set[str]:
    """Metric names, read as text: the environment of the CDK imports nothing of the service."""
    tree = ast.parse((ROOT / "datasources" / "observability" / "metrics.py").read_text())
    (table,) = [
        node.value for node in tree.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == "UNITS"
    ]  # fmt: skip
    assert isinstance(table, ast.Dict)
    return {key.value for key in table.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)}


def read_by(value: Any) -> set[str]:
    """The names of our metrics that an alarm, or a widget of a dashboard, reads: found in whatever form it has."""
    if isinstance(value, dict):
        own = {value["MetricName"]} if value.get("Namespace") == NAMESPACE else set()
        return own.union(*map(read_by, value.values()))
    if isinstance(value, list):
        own = {value[1]} if value[:1] == [NAMESPACE] else set()
        return own.union(*map(read_by, value))
    return set()


def board(synth: Synth) -> Any:
    """The dashboard's body. References are no names of metrics."""
    (found,) = synth.resources("AWS::CloudWatch::Dashboard").values()
    parts = found["DashboardBody"]["Fn::Join"][1]
    return json.loads("".join(part if isinstance(part, str) else "reference" for part in parts))


def test_every_metric_that_is_watched_is_written_and_every_one_written_is_watched(each: Synth) -> None:
    alarms = read_by(list(each.resources("AWS::CloudWatch::Alarm").values()))
    shown = read_by(board(each))
    assert alarms == {
        "AiAnswers", "AiCacheHits", "AiCacheMisses", "AiCostUsd", "AiFailures", "EventsDead", "OperationErrors",
        "ProjectionLagSeconds", "ProjectionRefused", "StoreDown", "WorkerFailures",
    }  # fmt: skip
    assert alarms <= shown
    assert shown == set(SERVICE_METRICS) == written() - NOT_WATCHED.keys()
    assert f'NAMESPACE = "{NAMESPACE}"' in (ROOT / "datasources" / "observability" / "metrics.py").read_text()


def test_the_page_says_why_the_rest_is_not_watched() -> None:
    untold = (ROOT / "docs" / "aws.md").read_text().partition("Not watched:")[2].partition("\n\n")[0]
    assert set(re.findall(r"`(\w+)`", untold)) == NOT_WATCHED.keys()
