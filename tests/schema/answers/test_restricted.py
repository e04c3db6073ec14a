"""The law of restricted documents and incidents: outside their team they are in no answer, citation or suggestion."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from datasources.embedded.postgres import EmbeddedPostgres
from tests.fixtures.answers import REDIS, Library, open_library
from tests.fixtures.databases import Answered

ANSWER = """{ status text documentsSearched sentences { text }
    citations { heading firstLine contentHash document { key } }
    passages { heading text keywordRank document { key title } } }"""
# Ways to the restricted runbook RB-BREACH: by its words, its key, its title, the item it is about, and an incident.
WAYS = {
    "by words": f'ask(question: "secretpassphrase") {ANSWER}',
    "by words of others": f'ask(question: "Promote a replica of Redis") {ANSWER}',
    "by key": f'ask(question: "RB-BREACH") {ANSWER}',
    "by key among words": f'ask(question: "what does rb-breach say") {ANSWER}',
    "by title": f'ask(question: "Contain a breach of Redis") {ANSWER}',
    "by item": f'ask(question: "rotate", about: ["ci_{REDIS}"]) {ANSWER}',
    "by an incident": 'incident(number: "INC1") { suggestedRunbooks { heading text document { key } } }',
    "by incidents": "incidents { nodes { suggestedRunbooks(first: 10) { heading text document { key } } } }",
}
# Texts that only the restricted document or incident has.
SECRETS = ("breach", "secretpassphrase", "RB-BREACH", "INC3")


@pytest.fixture(scope="module")
async def library(postgres: EmbeddedPostgres) -> AsyncIterator[Library]:
    async with open_library(postgres, "restricted_answers") as opened:
        yield opened


async def run(library: Library, way: str, *teams: str, also: str = "") -> Answered:
    answered = await library.ask(f"{{ {WAYS[way]} }}", *teams, also=also)
    assert answered.errors == []
    return answered


def first(answered: Answered) -> Any:
    (value,) = answered.data.values()
    return value


@pytest.mark.parametrize("way", WAYS)
async def test_outside_their_team_they_are_nowhere(library: Library, way: str) -> None:
    for teams in ((), ("platform",), ("Security", "secur", "security ")):
        answered = await run(library, way, *teams)
        assert [secret for secret in SECRETS if secret.lower() in repr(answered.data).lower()] == []
        assert first(answered).get("documentsSearched", 5) == 5


@pytest.mark.parametrize("way", WAYS)
async def test_their_team_sees_them_everywhere(library: Library, way: str) -> None:
    for answered in (
        await run(library, way, "security"),
        await run(library, way, "platform", "security"),
        await run(library, way, also="incidents:read-restricted"),
    ):
        assert "Rotate the secretpassphrase of Redis" in repr(answered.data)
        assert first(answered).get("documentsSearched", 6) == 6


async def test_facts_count_only_visible_incidents(library: Library) -> None:
    question = f'{{ ask(question: "incidents", about: ["ci_{REDIS}"]) {{ text }} }}'
    assert "redis has 1 open incident: INC1 (priority 2)" in repr((await library.ask(question)).data)
    both = "redis has 2 open incidents: INC3 (priority 1) Redis was breached; INC1 (priority 2) Redis lost its primary."
    assert both in (await library.ask(question, "security")).data["ask"]["text"]


@pytest.mark.parametrize("pair", [("RB-BREACH", "RB-NOTHING"), ("secretpassphrase", "otherpassphrase")])
async def test_hidden_and_unknown_documents_look_the_same(library: Library, pair: tuple[str, str]) -> None:
    """Neither the data nor the statements tell them apart."""
    answers = [await library.ask(f'{{ ask(question: "{text}") {ANSWER} }}') for text in pair]
    assert answers[0] == answers[1]
    assert answers[0].data["ask"]["status"] == "UNKNOWN"
