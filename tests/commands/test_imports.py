"""`stackflow import`: readable, JSON, errors with exit code 1, and rejects only where they may go."""

from pathlib import Path

import msgspec
import pytest
import typer
import yaml
from typer.testing import CliRunner

from commands.exit_codes import CommandError
from commands.main import application
from datasources.embedded.postgres import EmbeddedPostgres
from resolvers.imports.report import ImportReport
from tests.fixtures.imports import names, small

__all__ = ["names"]


@pytest.fixture
def app(
    postgres: EmbeddedPostgres, names: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> typer.Typer:
    """The command line against fresh databases, with a mapping in the current folder."""
    monkeypatch.setenv("DATABASE_URL", postgres.url(names["main"]))
    monkeypatch.setenv("REQUIREMENTS_URL", postgres.url(names["requirements"]))
    monkeypatch.setenv("REDIS_URL", "off")
    monkeypatch.setenv("STACKFLOW_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("GRAPH_URL", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mapping.yaml").write_text(yaml.safe_dump(small()))
    (tmp_path / "items.csv").write_text("key,name,rack\na,Alpha,secret-rack\nb,Beta\n")
    (tmp_path / "links.csv").write_text("from,to\na,z\n")
    return application


def run(app: typer.Typer, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["import", *arguments], env={"COLUMNS": "160"})
    return result.exit_code, result.output


def test_a_dry_run_then_a_run_then_nothing(app: typer.Typer, tmp_path: Path) -> None:
    code, output = run(app, "mapping.yaml", "--dry-run")
    assert code == 0
    assert "(dry run: nothing was written)" in output
    assert not (tmp_path / "mapping.rejects.jsonl").exists()
    code, output = run(app, "mapping.yaml")
    assert code == 0
    assert "configuration items: rejected: line 3: 2 columns where the header has 3" in output
    assert "relationships: pending: a depends_on z" in output
    assert "1 relationships wait for an item that is unknown" in output
    assert "rejected and unresolved rows: mapping.rejects.jsonl" in output
    assert "secret-rack" not in output
    code, output = run(app, "mapping.yaml", "--rejects", "mine.jsonl")
    assert "changed nothing" in output
    assert (tmp_path / "mine.jsonl").exists()


def test_a_report_that_goes_to_a_pipe_is_whole_however_narrow_the_terminal(app: typer.Typer) -> None:
    result = CliRunner().invoke(app, ["import", "mapping.yaml", "--dry-run"], env={"COLUMNS": "20"})
    assert result.exit_code == 0
    assert "configuration items: rejected: line 3: 2 columns where the header has 3" in result.output.splitlines()
    assert "…" not in result.output
    # The progress is for terminals.
    assert "reading" not in result.output


def test_the_report_as_json(app: typer.Typer) -> None:
    code, output = run(app, "mapping.yaml", "--json", "--dry-run")
    report = msgspec.json.decode(output, type=ImportReport)
    assert (code, report.total("created"), report.total("rejected"), report.pending) == (0, 3, 1, 1)


def test_a_wrong_mapping_is_an_error_before_anything_is_written(app: typer.Typer, tmp_path: Path) -> None:
    (tmp_path / "links.csv").write_text("from,towards\n")
    result = CliRunner().invoke(app, ["import", "mapping.yaml"])
    assert isinstance(result.exception, CommandError)
    assert str(result.exception) == (
        "mapping.yaml: sections[3].to reads column 'to', which links.csv does not have; there are from, towards"
    )
