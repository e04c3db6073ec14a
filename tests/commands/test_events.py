"""`stackflow events replay`: dead letters listed with reasons, replayed by id or all, and dropped."""

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from commands.exit_codes import CommandError, Exit
from commands.main import application
from datasources.aurora.driver.database import Database
from datasources.queues.factory import open_queues
from datasources.queues.port import Disposition, Message, MessageFailure
from tests.fixtures.event_stores import url

__all__ = ["url"]

IDS = [f"00000000-0000-4000-8000-00000000000{number}" for number in range(3)]


@pytest.fixture(autouse=True)
def _dead(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("REQUIREMENTS_URL", url)
    monkeypatch.setenv("REDIS_URL", "off")
    monkeypatch.setenv("STACKFLOW_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("COLUMNS", "200")

    async def bury() -> None:
        main = Database("main", url)
        await open_queues(main).events.add_dead_letters(
            [MessageFailure(Message(id, "/cmdb", "{}", 1), f"reason {id[-1]}", Disposition.DEAD_LETTER) for id in IDS]
        )
        await main.close()

    asyncio.run(bury())


def run(*arguments: str) -> Result:
    return CliRunner().invoke(application, ["events", "replay", *arguments])


def told() -> tuple[int, list[str]]:
    listed = json.loads(run("--json").stdout)
    return listed["waiting"]["waiting"], [each["id"] for each in listed["dead"]]


def test_dead_letters_are_listed_with_reasons() -> None:
    shown = run().stdout
    assert shown.splitlines()[0] == "0 events wait, the oldest for 0 s"
    for id in IDS:
        [line] = [line for line in shown.splitlines() if id in line]
        assert f"reason {id[-1]}" in line
        assert "/cmdb" in line
    listed = json.loads(run("--json", "--most", "2").stdout)["dead"]
    assert [(each["id"], each["reason"]) for each in listed] == [(IDS[0], "reason 0"), (IDS[1], "reason 1")]


def test_one_is_replayed_and_one_dropped_and_then_all() -> None:
    assert run(IDS[0]).stdout == "replayed 1\n"
    assert told() == (1, IDS[1:])
    assert run(IDS[1], "--drop").stdout == "dropped 1\n"
    assert told() == (1, IDS[2:])
    assert run("--all").stdout == "replayed 1\n"
    assert told() == (2, [])
    assert run().stdout.splitlines()[1] == "no dead letters"


def test_all_are_dropped() -> None:
    assert run("--all", "--drop").stdout == "dropped 3\n"
    assert told() == (0, [])


def test_an_unknown_one_is_told_and_the_others_are_done() -> None:
    done = run(IDS[0], "11111111-0000-4000-8000-000000000000")
    assert isinstance(done.exception, CommandError)
    assert str(done.exception) == "there is no dead letter 11111111-0000-4000-8000-000000000000"
    assert told() == (1, IDS[1:])


@pytest.mark.parametrize("arguments", [["--drop"], ["--all", IDS[0]]])
def test_what_is_not_clear_does_nothing(arguments: list[str]) -> None:
    done = run(*arguments)
    assert isinstance(done.exception, CommandError)
    assert done.exception.exit_code == Exit.USAGE
    assert told() == (0, IDS)
