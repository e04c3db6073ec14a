"""`stackflow queues show`: messages seen in order without being taken; SQS is left to its own tool."""

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from commands.exit_codes import CommandError
from commands.main import application
from datasources.aurora.driver.database import Database
from datasources.queues.factory import open_queues
from datasources.queues.port import NewMessage
from tests.fixtures.event_stores import url

__all__ = ["url"]


@pytest.fixture(autouse=True)
def _sent(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("REQUIREMENTS_URL", url)
    monkeypatch.setenv("REDIS_URL", "off")
    monkeypatch.setenv("STACKFLOW_STATE", str(tmp_path / "state"))

    async def send() -> None:
        main = Database("main", url)
        await open_queues(main).remediation_p1.send(
            [NewMessage("run-1", "a", '{"action":"mend"}', "req-1"), NewMessage("run-2", "b", "no JSON")]
        )
        await main.close()

    asyncio.run(send())


def run(*arguments: str) -> Result:
    return CliRunner().invoke(application, ["queues", "show", *arguments])


def test_messages_are_seen_and_stay() -> None:
    for _ in range(2):
        lines = [json.loads(line) for line in run("remediation-p1", "--json").stdout.splitlines()]
        assert [(each["group"], each["requestId"], each["body"]) for each in lines] == [
            ("run-1", "req-1", {"action": "mend"}), ("run-2", "", "no JSON"),
        ]  # fmt: skip
    assert len(run("remediation-p1", "--json", "--most", "1").stdout.splitlines()) == 1
    first, second = (text.splitlines() for text in run("remediation-p1").stdout.strip().split("\n\n"))
    assert first[0].endswith("  group run-1  received 0 times  request req-1")
    assert json.loads("".join(first[1:])) == {"action": "mend"}
    assert second[0].endswith("  group run-2  received 0 times")
    assert second[1:] == ["no JSON"]


def test_an_empty_queue_says_so() -> None:
    assert run("remediation-standard").stdout == "no messages on remediation-standard\n"
    assert run("remediation-standard", "--json").stdout == ""


def test_a_queue_on_sqs_is_left_to_its_own_tool(monkeypatch: pytest.MonkeyPatch) -> None:
    where = "https://sqs.eu-west-1.amazonaws.com/1/remediation-p1"
    monkeypatch.setenv("REMEDIATION_P1_QUEUE_URL", where)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    told = run("remediation-p1")
    assert isinstance(told.exception, CommandError)
    assert f"--queue-url {where}" in str(told.exception)


def test_an_unknown_queue_is_a_usage_error() -> None:
    assert run("nothing").exit_code == 2
