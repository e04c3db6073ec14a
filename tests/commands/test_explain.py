"""`stackflow explain`: the plan, the statements and their rows; nothing is written and no data is printed."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from commands.exit_codes import CommandError, Exit
from commands.main import application
from datasources.embedded.postgres import EmbeddedPostgres
from tests.fixtures.answers import Library, open_library, set_stores

runner = CliRunner()
ITEMS = "query Items($first: Int) { configurationItems(first: $first) { nodes { name owner { key } } } }"


@pytest.fixture(scope="module")
async def library(postgres: EmbeddedPostgres) -> AsyncIterator[Library]:
    async with open_library(postgres, "explain_command") as opened:
        yield opened


@pytest.fixture(autouse=True)
def _stores(library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_stores(monkeypatch, library, tmp_path / "state", 100)


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "items.graphql"
    path.write_text(ITEMS)
    return str(path)


def test_the_tree_and_the_statements(file: str) -> None:
    done = runner.invoke(application, ["explain", file, "--variables", '{"first": 3}'])
    assert (done.exit_code, done.stderr) == (0, "")
    lines = [line.rstrip() for line in done.stdout.splitlines()]
    assert lines[:9] == [
        "executed by: plan",
        "query: Query (level 0)",
        "├── load: configurationItems by ConfigurationItems, without attributes",
        "└── configurationItems: ConfigurationItemConnection (level 1)",
        "    ├── load: nodes",
        "    └── nodes: ConfigurationItem (level 2)",
        "        ├── columns: name",
        "        ├── load: owner by TeamById",
        "        └── owner: Team (level 3)",
    ]
    assert [line.split()[:2] for line in lines if "_by_ids" in line or "_page" in line] == [
        ["configuration_items_page", "4"],
        ["teams_by_ids", "1"],
    ]
    assert lines[-1].startswith("cache: 0 hits, 0 misses, 0 round trips; cost: ")


def test_json_and_plans_of_postgresql_from_standard_input() -> None:
    done = runner.invoke(application, ["explain", "-", "--json", "--statements"], input=ITEMS)
    assert done.exit_code == 0
    plan = json.loads(done.stdout)
    assert [each["name"] for each in plan["statements"]] == ["configuration_items_page", "teams_by_ids"]
    assert all(each["plan"] for each in plan["statements"])
    shown = runner.invoke(application, ["explain", "-", "--statements"], input=ITEMS)
    assert "on teams" in shown.stdout


@pytest.mark.parametrize(
    "document",
    [
        'mutation { createTeam(input: {key: "k", name: "K"}) { team { id } } }',
        'subscription { ask(question: "What is redis?") { __typename } }',
    ],
)
def test_what_changes_or_streams_is_refused(document: str) -> None:
    done = runner.invoke(application, ["explain", "-"], input=document)
    assert isinstance(done.exception, CommandError)
    kind = document.partition(" ")[0]
    assert str(done.exception) == f"a {kind} is not explained, since it would be executed; send a query"


def test_bad_input_is_named(file: str, tmp_path: Path) -> None:
    for arguments, message in (
        ([str(tmp_path / "none.graphql")], "none.graphql cannot be read"),
        ([file, "--variables", "[1]"], "--variables is not a JSON object"),
    ):
        done = runner.invoke(application, ["explain", *arguments])
        assert isinstance(done.exception, CommandError)
        assert message in str(done.exception)
    done = runner.invoke(application, ["explain", "-"], input="{ noSuchField }")
    assert done.exit_code == int(Exit.USAGE)
    assert "noSuchField" in done.stderr


def test_stores_without_tables_are_an_error_with_its_remedy(
    postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", postgres.url("postgres"))
    done = runner.invoke(application, ["explain", "-"], input=ITEMS)
    assert isinstance(done.exception, CommandError)
    assert str(done.exception).endswith("if its tables are missing, run stackflow migrate")
