"""What the guides of docs/guides/ show is so: documents are valid, their answers are the demo's, commands exist."""

import json
import re
from pathlib import Path

import pytest
from graphql import build_schema, parse, validate

from commands.main import application
from tests.fixtures.demo import answer_to

ROOT = Path(__file__).parents[2]
PAGES = {page.stem: page.read_text() for page in sorted((ROOT / "docs" / "guides").glob("*.md"))}
DOCUMENTS = [document for page in PAGES.values() for document in re.findall(r"```graphql\n(.*?)```", page, re.DOTALL)]
ANSWERS = [
    pair
    for page in PAGES.values()
    for pair in re.findall(r"```graphql\n(.*?)```\n\n```json\n(.*?)```", page, re.DOTALL)
]


def test_there_is_a_guide_for_each_kind_of_user() -> None:
    assert set(PAGES) == {"analyst", "frontend-developer", "operator"}
    assert (len(DOCUMENTS), len(ANSWERS)) == (6, 5)


@pytest.mark.parametrize(("document", "answer"), ANSWERS)
async def test_a_document_gives_the_answer_of_the_page(demo: tuple[str, str], document: str, answer: str) -> None:
    assert (await answer_to(demo, document, {}))["data"] == json.loads(answer)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_document_is_valid(document: str) -> None:
    schema = build_schema((ROOT / "schema" / "schema.graphql").read_text())
    assert validate(schema, parse(document)) == []


def test_each_command_exists() -> None:
    known = {command.name for command in application.registered_commands}
    known |= {group.name for group in application.registered_groups}
    shown = {command for page in PAGES.values() for command in re.findall(r"\bstackflow ([a-z]+)", page)}
    assert len(shown) > 8
    assert shown <= known
