"""The command line: what it prints, in which form, and with which exit code."""

import json
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from commands.exit_codes import EXIT_CODES_HELP, CommandError, Exit, report_errors
from commands.main import application
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.embedded.process import EmbeddedError
from datasources.errors import SourceRefused, SourceUnavailable
from settings import SettingsError
from workers.migrations import pending_migrations

runner = CliRunner()


@pytest.fixture
def fresh(postgres: EmbeddedPostgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The environment names two databases: an empty one, whose URL this is, and a migrated one."""
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS fresh")
        connection.execute("CREATE DATABASE fresh")
    monkeypatch.setenv("DATABASE_URL", postgres.url("fresh"))
    monkeypatch.setenv("REQUIREMENTS_URL", postgres.url("requirements"))
    monkeypatch.setenv("REDIS_URL", "off")
    monkeypatch.delenv("GRAPH_URL", raising=False)
    monkeypatch.setenv("STACKFLOW_STATE", str(tmp_path / "state"))
    return postgres.url("fresh")


def test_a_plan_names_every_step_and_changes_nothing(fresh: str) -> None:
    waiting = pending_migrations("main", fresh)
    assert len(waiting) >= 2
    answer = runner.invoke(application, ["migrate", "--plan"])
    assert answer.exit_code == Exit.OK
    assert answer.stdout.splitlines() == [
        *(f"would apply {step.database} {step.phase}/{step.name}" for step in waiting),
        f"{len(waiting)} to apply",
    ]
    assert pending_migrations("main", fresh) == waiting


def test_migrate_applies_once_and_says_so_as_json(fresh: str) -> None:
    names = [step.name for step in pending_migrations("main", fresh)]
    first = json.loads(runner.invoke(application, ["migrate", "--json"]).stdout)
    assert [step["name"] for step in first["applied"]] == names
    assert json.loads(runner.invoke(application, ["migrate", "--json"]).stdout) == {"applied": []}
    assert json.loads(runner.invoke(application, ["migrate", "--plan", "--json"]).stdout) == {"planned": []}


def test_a_role_that_is_named_is_let_in_and_none_else(
    fresh: str, postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    def readers() -> list[tuple[str]]:
        with psycopg.connect(fresh) as connection:
            return connection.execute(
                "SELECT grantee FROM information_schema.table_privileges WHERE table_name = 'incidents' "
                "AND privilege_type = 'SELECT' AND grantee <> grantor"
            ).fetchall()

    assert runner.invoke(application, ["migrate"]).exit_code == Exit.OK
    assert readers() == []
    monkeypatch.setenv("DATABASE_ROLE", "let_in_by_command")
    try:
        # A plan changes nothing.
        assert runner.invoke(application, ["migrate", "--plan"]).exit_code == Exit.OK
        assert readers() == []
        assert runner.invoke(application, ["migrate"]).exit_code == Exit.OK
        assert readers() == [("let_in_by_command",)]
    finally:
        for url in (fresh, postgres.url("requirements")):
            with psycopg.connect(url) as connection:
                connection.execute("DROP OWNED BY let_in_by_command")
        with psycopg.connect(fresh) as connection:
            connection.execute("DROP ROLE let_in_by_command")


def test_pre_and_post_are_apart(fresh: str) -> None:
    post = [step.name for step in pending_migrations("main", fresh) if step.phase == "post"]
    assert post
    assert runner.invoke(application, ["migrate", "--pre"]).exit_code == Exit.OK
    assert [step.name for step in pending_migrations("main", fresh)] == post
    applied = json.loads(runner.invoke(application, ["migrate", "--post", "--json"]).stdout)["applied"]
    assert [step["name"] for step in applied if step["database"] == "main"] == post
    assert pending_migrations("main", fresh) == []


def test_doctor_finds_what_is_not_applied_and_then_nothing(fresh: str) -> None:
    waiting = len(pending_migrations("main", fresh))
    answer = runner.invoke(application, ["doctor", "--json"])
    assert answer.exit_code == Exit.FAILED
    report = json.loads(answer.stdout)
    assert report["ok"] is False
    stores = {store["store"]: store for store in report["stores"]}
    assert list(stores) == ["main", "requirements", "cache", "graph"]
    assert (stores["main"]["pending"], stores["main"]["problem"], stores["main"]["remedy"]) == (
        waiting,
        f"{waiting} migrations are not applied",
        "run stackflow migrate",
    )
    assert (stores["requirements"]["ok"], stores["requirements"]["reachable"]) == (True, True)
    assert stores["requirements"]["version"].split(".")[0] in {"16", "17", "18"}
    assert (stores["cache"]["version"], stores["graph"]["version"]) == ("off", "recursive SQL on main")
    runner.invoke(application, ["migrate"])
    answer = runner.invoke(application, ["doctor", "--json"])
    assert (answer.exit_code, json.loads(answer.stdout)["ok"]) == (Exit.OK, True)


def test_doctor_says_which_store_does_not_answer_and_what_to_do(fresh: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUIREMENTS_URL", "postgresql://someone:secret@127.0.0.1:1/requirements")
    monkeypatch.setenv("REDIS_URL", "redis://:secret@127.0.0.1:1/0")
    monkeypatch.setenv("GRAPH_URL", "ws://127.0.0.1:1/gremlin")
    answer = runner.invoke(application, ["doctor", "--json"])
    assert answer.exit_code == Exit.UNREACHABLE
    stores = {store["store"]: store for store in json.loads(answer.stdout)["stores"]}
    assert [name for name, store in stores.items() if not store["reachable"]] == ["requirements", "cache", "graph"]
    assert [stores[name]["remedy"] for name in ("requirements", "cache", "graph")] == [
        "check REQUIREMENTS_URL and that the server runs",
        "check REDIS_URL and that the server runs",
        "check GRAPH_URL and that the server runs",
    ]
    assert all(stores[name]["problem"] for name in ("requirements", "cache", "graph"))
    assert "secret" not in answer.output


def test_doctor_draws_a_table_for_people(fresh: str) -> None:
    runner.invoke(application, ["migrate"])
    lines = runner.invoke(application, ["doctor"]).stdout.splitlines()
    assert lines[0].split() == ["store", "state", "version", "ms", "problem", "what", "to", "do"]
    assert [line.split()[:2] for line in lines[1:]] == [
        ["main", "ok"],
        ["requirements", "ok"],
        ["cache", "ok"],
        ["graph", "ok"],
    ]


def test_doctor_reports_a_state_folder_that_cannot_be_used(
    open_folder: Path, fresh: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (open_folder / "state").write_text("")
    monkeypatch.setenv("STACKFLOW_STATE", str(open_folder / "state"))
    monkeypatch.delenv("REDIS_URL")
    answer = runner.invoke(application, ["doctor", "--json"])
    assert answer.exit_code == Exit.EMBEDDED
    (store,) = json.loads(answer.stdout)["stores"]
    assert (store["store"], store["ok"], store["remedy"]) == (
        "embedded",
        False,
        "set STACKFLOW_STATE to another folder",
    )


def test_help_tells_the_exit_codes() -> None:
    shown = " ".join(runner.invoke(application, ["--help"], terminal_width=200).stdout.split())
    assert EXIT_CODES_HELP in shown
    assert [int(code) for code in Exit] == [0, 1, 2, 3, 4, 5, 6, 7]


def test_unknown_arguments_are_usage_errors() -> None:
    assert runner.invoke(application, ["migrate", "--sideways"]).exit_code == Exit.USAGE
    assert runner.invoke(application, ["fly"]).exit_code == Exit.USAGE


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (CommandError("no\nway", Exit.BUSY), Exit.BUSY, "no way"),
        (SettingsError("X is wrong"), Exit.USAGE, "X is wrong"),
        (EmbeddedError("disk full"), Exit.EMBEDDED, "disk full"),
        (
            SourceUnavailable("cache", "cache cannot be reached"),
            Exit.UNREACHABLE,
            "cache cannot be reached; check REDIS_URL and that the server runs",
        ),
        (SourceRefused("main", "main refused"), Exit.FAILED, "main refused"),
    ],
)
def test_what_a_user_can_mend_is_one_line(
    error: Exception, code: Exit, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left, report_errors():
        raise error
    assert left.value.code == code
    assert capsys.readouterr().err == f"stackflow: {line}\n"


def test_our_own_faults_keep_their_traceback() -> None:
    with pytest.raises(ZeroDivisionError), report_errors():
        raise ZeroDivisionError
