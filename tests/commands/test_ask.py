"""`stackflow ask`: sentences with their sources, wrapped or as JSON, and exit codes for scripts."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from commands.exit_codes import CommandError, Exit
from commands.main import application
from datasources.embedded.postgres import EmbeddedPostgres
from tests.fixtures.answers import REDIS, Library, open_library, set_stores
from tests.fixtures.operations import DOCUMENT, uuid

runner = CliRunner()
PROMOTE = "How do I promote a replica of Redis?"


@pytest.fixture(scope="module")
async def library(postgres: EmbeddedPostgres) -> AsyncIterator[Library]:
    async with open_library(postgres, "ask_command") as opened:
        yield opened


@pytest.fixture(autouse=True)
def _stores(library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_stores(monkeypatch, library, tmp_path / "state", 60)


def test_an_answer_is_wrapped_and_has_its_sources() -> None:
    done = runner.invoke(application, ["ask", PROMOTE, "--about", "demo/redis"])
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == (
        "redis is of the class Service and owned by the team\nPlatform. [1]\n"
        "1 item depends directly on redis: shop. [1]\n"
        "redis depends directly on 1 item: redis-01. [1]\n"
        "redis has 2 open incidents: INC3 (priority 1) Redis was\n"
        "breached; INC1 (priority 2) Redis lost its primary. [1]\n"
        "Pick the replica with the highest offset. [2]\n"
        "Promote the replica:\nredis-cli replicaof no one [3]\n"
        "Never promote two replicas. [4]\n"
        "Promote no replica before. [5]\n"
        "\n"
        "[1] redis, configuration item, version 7\n"
        "[2] Fail over Redis > Promote, line 5\n"
        "[3] Fail over Redis > Promote, lines 6-9\n"
        "[4] Fail over Redis > Promote, line 10\n"
        "[5] Contain a breach of Redis, line 1\n"
    )


def test_an_answer_as_json() -> None:
    done = runner.invoke(application, ["ask", "rb-rack", "--json"])
    assert done.exit_code == 0
    assert json.loads(done.stdout) == {
        "status": "ANSWERED",
        "sentences": [{"text": "Call the data centre when a rack loses power.", "citations": [1]}],
        "citations": [
            {
                "heading": "Power of a rack", "number": 1, "document_id": uuid(DOCUMENT, 2), "first_line": 1,
                "last_line": 1, "content_hash": "hash 0", "item_id": None, "item_version": None,
            }
        ],
        "documents_searched": 6,
    }  # fmt: skip


def test_nothing_known_has_an_exit_code_of_its_own() -> None:
    done = runner.invoke(application, ["ask", "How to make coffee?"])
    assert (done.exit_code, done.stdout) == (Exit.UNKNOWN, "Nothing in 6 documents answers this question.\n")


def test_control_characters_of_a_document_do_not_reach_the_terminal(library: Library) -> None:
    with psycopg.connect(library.urls[0], autocommit=True) as connection:
        connection.execute(
            "UPDATE document_chunks SET body = %s WHERE document_id = %s",
            ("Call \x1b]0;owned\x07 the\x9b31m data centre.\x08", uuid(DOCUMENT, 2)),
        )
    done = runner.invoke(application, ["ask", "rb-rack"])
    assert done.stdout == "Call ]0;owned the31m data centre. [1]\n\n[1] Power of a rack, line 1\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ask", " "], "question is empty; write what you want to know"),
        (["ask", "a" * 2_001], "question has 2,001 characters; at most 2,000 are allowed"),
        (["ask", "a", "--about", "redis"], "--about 'redis' is not SOURCE/KEY, for example demo/redis"),
        (["ask", "a", "--about", "demo/gone"], "demo has no configuration item with the key 'gone'"),
        (["ask", "a", *["--about", "demo/rooms/rack"] * 21], "about has 21 items; at most 20 are allowed"),
    ],
)
def test_bad_arguments_are_usage_errors(arguments: list[str], message: str) -> None:
    done = runner.invoke(application, arguments)
    assert isinstance(done.exception, CommandError)
    assert (str(done.exception), done.exception.exit_code) == (message, Exit.USAGE)


def test_a_question_for_a_trusted_document_has_its_response_as_a_table() -> None:
    done = runner.invoke(application, ["ask", "open incidents of redis"])
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == (
        "Open incidents of redis\n\n"
        "name: redis\n\n"
        "incidents (total count: 2):\n"
        "  number  title                   state    priority  opened at\n"
        "  INC3    Redis was breached      ON_HOLD  1         2026-03-03T00:00:00+00:00\n"
        "  INC1    Redis lost its primary  NEW      2         2026-03-01T00:00:00+00:00\n"
    )


def test_a_response_as_json() -> None:
    done = runner.invoke(application, ["ask", "what uses this?", "--about", "demo/redis", "--json"])
    assert done.exit_code == 0
    report = json.loads(done.stdout)
    assert report["operation"] | {"score": 1} == {
        "name": "dependents", "question": "Items that depend on redis", "score": 1,
        "variables": {"item": f"ci_{REDIS}"},
    }  # fmt: skip
    assert report["data"]["configurationItem"]["dependents"]["edges"][0]["node"]["name"] == "shop"


def test_what_may_be_meant_is_listed_below_the_sentences() -> None:
    done = runner.invoke(application, ["ask", "who should replicate redis in Prague"])
    assert done.exit_code == Exit.UNKNOWN
    assert "\n\nDid you mean:\n  " in done.stdout


def test_an_incident_that_does_not_exist_is_unknown() -> None:
    done = runner.invoke(application, ["ask", "who works on INC9?"])
    assert (done.exit_code, done.stdout) == (Exit.UNKNOWN, "The incident INC9\n\nincident: -\n")


def test_a_demand_runs_nothing() -> None:
    done = runner.invoke(application, ["ask", "close INC1"])
    assert "Did you mean" not in done.stdout
    assert "INC1\n\nnumber" not in done.stdout
    reason = "it demands a change; words choose only queries, so run the mutation yourself"
    assert f"Nothing was run: {reason}." in " ".join(done.stdout.split())
