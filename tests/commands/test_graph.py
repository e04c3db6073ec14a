"""`stackflow graph` and what follows an import: what is said, asked and refused, and with which exit code."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
import typer
import yaml
from typer.testing import CliRunner, Result

import commands.graph
import commands.imports
import settings
from commands.exit_codes import CommandError, Exit
from commands.main import application
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.errors import SourceUnavailable
from datasources.graph.projection import Changes, EdgeVersion, Projection
from datasources.sources import Sources, open_sources
from resolvers.imports.report import ImportReport
from resolvers.projection.reports import CheckReport, RebuildReport
from tests.fixtures.following import outbox, rows
from tests.fixtures.graph import MOMENT, day, edge, edge_id, node
from tests.fixtures.imports import names, small
from tests.fixtures.projection import Failing, fill, projected_url, should_hold
from tests.oracles.projection import OracleProjection

__all__ = ["names", "projected_url"]

ITEMS = range(1, 8)
TABLES = [EdgeVersion(edge(number, number, number % 7 + 1), MOMENT) for number in range(1, 6)]
Attach = Callable[[Projection], None]


@pytest.fixture
def attach(monkeypatch: pytest.MonkeyPatch) -> Attach:
    """Make the commands find this projection beside the sources of the settings."""

    def attached(projection: Projection) -> None:
        def opened(*stores: Any) -> Sources:
            return replace(open_sources(*stores), projection=projection)

        monkeypatch.setattr(commands.graph, "open_sources", opened)
        monkeypatch.setattr(commands.imports, "open_sources", opened)

    return attached


@pytest.fixture
def graph(
    postgres: EmbeddedPostgres, projected_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, attach: Attach
) -> OracleProjection:
    """An empty graph beside tables that hold 7 items and 5 relationships."""
    monkeypatch.setenv("DATABASE_URL", projected_url)
    monkeypatch.setenv("REQUIREMENTS_URL", postgres.url("requirements"))
    monkeypatch.setenv("REDIS_URL", "off")
    monkeypatch.setenv("STACKFLOW_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("GRAPH_URL", raising=False)
    fill(projected_url, ITEMS, TABLES)
    projection = OracleProjection()
    attach(projection)
    return projection


def run(*arguments: str) -> Result:
    return CliRunner().invoke(application, ["graph", *arguments], env={"COLUMNS": "80"})


def refusal(result: Result) -> tuple[str, Exit]:
    """The line and the exit code of a command that was refused."""
    assert isinstance(result.exception, CommandError)
    return str(result.exception), result.exception.exit_code


def alike(graph: OracleProjection) -> bool:
    ids, versions = graph.holds()
    return (sorted(ids), versions) == should_hold(ITEMS, TABLES)


@pytest.mark.parametrize("arguments", [["rebuild"], ["rebuild", "--clear", "--yes"], ["rebuild", "--clear"], ["check"]])
def test_without_a_graph_there_is_nothing_to_do(
    graph: OracleProjection, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.setattr(commands.graph, "open_sources", open_sources)
    assert refusal(run(*arguments)) == (
        "walks run in the main database; there is no graph to rebuild; set GRAPH_URL or GRAPH=gremlin",
        Exit.FAILED,
    )


def test_a_rebuild_says_what_it_sent_and_mended(graph: OracleProjection) -> None:
    graph.ids = {node(30)}
    result = run("rebuild")
    assert result.exit_code == Exit.OK
    lines = result.stdout.splitlines()
    assert lines[0] == "graph rebuilt: 7 items, 5 relationships"
    assert [line.split() for line in lines if line.startswith(" items")] == [["items", "·", "1"]]
    assert lines[-2] == "1 difference, 1 repaired"
    assert alike(graph)
    assert run("rebuild").stdout.splitlines()[:-1] == ["graph rebuilt: 7 items, 5 relationships"]


def test_a_rebuild_as_json(graph: OracleProjection) -> None:
    report = msgspec.json.decode(run("rebuild", "--json").stdout, type=RebuildReport)
    assert (report.nodes, report.edges) == (7, 5)
    assert report.compared is not None
    assert report.compared.repaired == 0


def test_emptying_a_graph_asks_first(graph: OracleProjection, monkeypatch: pytest.MonkeyPatch) -> None:
    graph.ids = {node(30)}
    assert refusal(run("rebuild", "--clear")) == (
        "cannot ask for confirmation to empty the graph; pass --yes",
        Exit.USAGE,
    )
    assert graph.holds() == ({node(30)}, [])
    monkeypatch.setattr(commands.graph, "_is_interactive", lambda: True)
    answer = CliRunner().invoke(application, ["graph", "rebuild", "--clear"], input="n\n")
    assert "Empty the graph at sql? Walks find nothing until it is rebuilt [y/N]: " in answer.output
    assert (answer.exit_code, graph.holds()) == (1, ({node(30)}, []))
    answer = CliRunner().invoke(application, ["graph", "rebuild", "--clear"], input="y\n")
    assert (answer.exit_code, alike(graph)) == (0, True)
    graph.ids.add(node(30))
    assert run("rebuild", "--clear", "--yes").stdout.splitlines()[:-1] == ["graph rebuilt: 7 items, 5 relationships"]


def test_a_rebuild_that_broke_off_says_how_to_go_on(graph: OracleProjection, attach: Attach, tmp_path: Path) -> None:
    attach(Failing(graph, 2))
    result = run("rebuild")
    assert isinstance(result.exception, SourceUnavailable)
    assert result.stderr == "resume with: stackflow graph rebuild --resume\n"
    place = tmp_path / "state" / "graph-rebuild.json"
    assert json.loads(place.read_bytes())["store"] == "sql"
    attach(graph)
    assert refusal(run("rebuild", "--resume", "--clear")) == (
        "--resume continues with the options of the interrupted rebuild; omit --clear",
        Exit.USAGE,
    )
    assert run("rebuild", "--resume").exit_code == Exit.OK
    assert (alike(graph), place.exists()) == (True, False)
    assert refusal(run("rebuild", "--resume")) == (
        "there is no interrupted rebuild; run it without --resume",
        Exit.USAGE,
    )


def test_ctrl_c_says_how_to_go_on(graph: OracleProjection, attach: Attach) -> None:
    class Interrupted(OracleProjection):
        async def apply(self, changes: Changes) -> None:
            raise KeyboardInterrupt

    attach(Interrupted())
    assert refusal(run("rebuild")) == ("stopped; resume with: stackflow graph rebuild --resume", Exit.FAILED)


def test_the_place_names_the_host_and_no_more(
    graph: OracleProjection, attach: Attach, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRAPH_URL", "wss://someone:secret@graph.example:8182/gremlin?key=secret")

    def opened(main: Any, requirements: Any, cache: Any, graph_settings: Any) -> Sources:
        lost = Failing(graph, 1)
        return replace(open_sources(main, requirements, cache, replace(graph_settings, url=None)), projection=lost)

    monkeypatch.setattr(commands.graph, "open_sources", opened)
    run("rebuild")
    text = (tmp_path / "state" / "graph-rebuild.json").read_text()
    assert json.loads(text)["store"] == "graph.example"
    assert "secret" not in text


def test_a_check_tells_what_differs_and_mends_it_when_asked(graph: OracleProjection) -> None:
    run("rebuild")
    stale = replace(TABLES[0], valid_from=day(3), edge=edge(1, 1, 2, group=1))
    graph.versions[edge_id(1), None] = stale
    del graph.versions[edge_id(2), None]
    graph.versions[edge_id(9), None] = EdgeVersion(edge(9, 1, 2), MOMENT)
    graph.versions[edge_id(8), MOMENT] = EdgeVersion(edge(8, 1, 2), MOMENT, day(1))
    graph.ids |= {node(30)}
    graph.ids.remove(node(7))
    result = run("check")
    assert result.exit_code == Exit.DIFFERS
    lines = result.stdout.splitlines()
    assert [line.split() for line in lines if line.startswith((" items", " relationships"))] == [
        ["items", "1", "1"],
        ["relationships", "1", "2", "1"],
    ]
    said = [line for line in lines if ": " in line]
    assert said == [
        f"missing item: {node(7)}",
        f"extra item: {node(30)}",
        f"missing relationship: {edge_id(2)}: {node(2)} depends_on {node(3)}",
        f"extra relationship: {edge_id(9)}: {node(1)} depends_on {node(2)}",
        f"extra relationship: {edge_id(8)}: {node(1)} depends_on {node(2)} until 2026-01-02T00:00:00+00:00",
        f"different relationship: {edge_id(1)}: group none in the tables, {stale.edge.group_id} in the graph; "
        "valid from 2026-01-01T00:00:00+00:00 in the tables, 2026-01-04T00:00:00+00:00 in the graph",
    ]
    assert "6 differences; stackflow graph check --repair repairs them" in lines
    report = msgspec.json.decode((as_json := run("check", "--json")).stdout, type=CheckReport)
    assert (as_json.exit_code, report.differences, report.repaired) == (Exit.DIFFERS, 6, None)
    assert report.different_edges.examples[0].held == stale
    mended = run("check", "--repair")
    assert (mended.exit_code, alike(graph)) == (Exit.OK, True)
    assert "6 differences, 6 repaired" in mended.stdout.splitlines()
    last = run("check")
    assert last.exit_code == Exit.OK
    assert last.stdout.splitlines()[0] == "the graph matches the tables"
    assert last.stdout.splitlines()[1].startswith("compared 7 items, 5 relationships in ")


def test_what_cannot_be_mended_is_told(graph: OracleProjection, attach: Attach) -> None:
    class Deaf(OracleProjection):
        async def apply(self, changes: Changes) -> None: ...

    deaf = Deaf()
    deaf.ids = {node(number) for number in ITEMS}
    attach(deaf)
    for command in (["check", "--repair"], ["rebuild"]):
        result = run(*command)
        assert result.exit_code == Exit.DIFFERS
        assert "5 differences, 0 repaired, 5 left" in result.stdout.splitlines()


def test_an_empty_graph_is_filled_with_one_line(
    graph: OracleProjection, postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    commands.graph.fill_graph(settings.load_settings(), told.append)
    assert told == ["graph filled: 7 items, 5 relationships"]
    assert alike(graph)
    monkeypatch.setattr(commands.graph, "open_sources", open_sources)
    commands.graph.fill_graph(settings.load_settings(), told.append)
    assert len(told) == 1


def test_a_check_is_remembered_and_a_repair_settles_what_was_set_aside(
    graph: OracleProjection, projected_url: str
) -> None:
    def found() -> list[object]:
        return rows(projected_url, "SELECT nodes, edges, divergent FROM graph_checks ORDER BY id")

    with psycopg.connect(projected_url) as connection:
        connection.execute("TRUNCATE graph_checks, outbox RESTART IDENTITY")
        connection.execute("UPDATE configuration_items SET name = 'again' WHERE id = %s", (node(1),))
        connection.execute("UPDATE outbox SET refused = 'no', attempts = 5")
    run("check")
    assert found() == [(7, 5, 12)]
    assert outbox(projected_url) == [(False, 5, "no")]
    run("check", "--repair")
    assert found() == [(7, 5, 12), (7, 5, 0)]
    assert outbox(projected_url) == [(True, 5, "")]
    run("rebuild")
    assert found()[2:] == [(7, 5, 0)]


@pytest.fixture
def importing(
    graph: OracleProjection, postgres: EmbeddedPostgres, names: dict[str, str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> typer.Typer:  # fmt: skip
    """The command line against fresh databases, with a mapping in the current folder."""
    monkeypatch.setenv("DATABASE_URL", postgres.url(names["main"]))
    monkeypatch.setenv("REQUIREMENTS_URL", postgres.url(names["requirements"]))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mapping.yaml").write_text(yaml.safe_dump(small()))
    (tmp_path / "items.csv").write_text("key,name,rack\na,Alpha,1\nb,Beta,2\n")
    (tmp_path / "links.csv").write_text("from,to\na,b\n")
    return application


def imported(*arguments: str) -> Result:
    return CliRunner().invoke(application, ["import", "mapping.yaml", *arguments], env={"COLUMNS": "160"})


def test_the_graph_follows_an_import(importing: typer.Typer, graph: OracleProjection, tmp_path: Path) -> None:
    dry = imported("--dry-run")
    assert (dry.exit_code, "graph:" in dry.output, graph.applied) == (0, False, [])
    assert "graph: 3 changes" in imported().output.splitlines()
    assert (len(graph.ids), len(graph.versions)) == (2, 1)
    assert "graph: 0 changes" in imported().output.splitlines()
    (tmp_path / "links.csv").write_text("from,to\na,b\nb,a\n")
    report = msgspec.json.decode(imported("--json").stdout, type=ImportReport)
    assert (report.graph, len(graph.versions)) == (1, 2)


def test_an_import_without_a_graph_says_nothing_of_it(importing: typer.Typer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands.imports, "open_sources", open_sources)
    done = imported()
    assert (done.exit_code, "graph" in done.output) == (0, False)
    # A server may have one: what it has to be told is left to it.
    assert {projected for projected, _, _ in outbox(settings.load_settings().require_stores()[0].url)} == {False}


def test_an_import_that_the_graph_did_not_follow_is_done_and_says_so(
    importing: typer.Typer, graph: OracleProjection, attach: Attach
) -> None:
    attach(Failing(graph, 1))
    done = imported()
    assert "configuration items" in done.output
    assert refusal(done) == (
        "the import is complete, but the graph was not updated (graph cannot be reached); "
        "run stackflow graph check --repair",
        Exit.UNREACHABLE,
    )
    attach(graph)
    assert "graph: 3 changes" in imported().output.splitlines()
