"""What the README shows is what the service does: its documents give the answers printed below them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.fixtures.demo import answer_to

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
EXAMPLES = re.findall(r"```graphql\n(.*?)```\n\n```json\n(.*?)```", README, re.DOTALL)
MAKEFILE = (ROOT / "Makefile").read_text()


def test_there_are_four_examples() -> None:
    assert len(EXAMPLES) == 4


@pytest.mark.parametrize(("document", "printed"), EXAMPLES, ids=["incident", "impact", "search", "answer"])
async def test_a_document_gives_the_printed_answer(demo: tuple[str, str], document: str, printed: str) -> None:
    body: dict[str, Any] = await answer_to(demo, document, {})
    assert body["data"] == json.loads(printed)


async def test_the_first_example_costs_what_the_text_says(demo: tuple[str, str]) -> None:
    assert "seven statements and one traversal" in README
    stores = (await answer_to(demo, EXAMPLES[0][0], {}))["extensions"]["stores"]
    assert (stores["sql"], stores["graph"]) == (7, 1)


def test_every_make_target_and_command_exists() -> None:
    from commands.main import application

    targets = set(re.findall(r"^make ([a-z-]+)$", README, re.MULTILINE))
    assert targets == {"run", "test-all"}
    assert all(re.search(rf"^{target}:", MAKEFILE, re.MULTILINE) for target in targets)
    shown = set(re.findall(r"^\| `stackflow ([a-z]+)", README, re.MULTILINE))
    known = {command.name for command in application.registered_commands} | {
        group.name for group in application.registered_groups
    }
    assert shown == known


def test_the_commands_of_the_text_run(demo: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from commands.main import application

    for name, value in {
        "DATABASE_URL": demo[0], "REQUIREMENTS_URL": demo[1], "REDIS_URL": "off", "STACKFLOW_STATE": str(tmp_path),
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(ROOT)
    commands = re.findall(r"^\.venv/bin/stackflow (import .+)$", README, re.MULTILINE)
    assert len(commands) == 1
    for command in commands:
        done = CliRunner().invoke(application, command.split())
        assert (done.exit_code, "would change nothing" in done.output) == (0, True)
