"""Runbooks for incidents: for all of a list by the same statements, and none that the caller may not read."""

from collections.abc import AsyncIterator

import pytest

from datasources.embedded.postgres import EmbeddedPostgres
from tests.fixtures.answers import Library, open_library

SUGGEST = """query ($first: Int! = 3) { incidents(orderBy: {field: NUMBER}) { nodes { number
    suggestedRunbooks(first: $first) { heading keywordRank relation document { key } } } } }"""
RANKS = "query ($n: String!, $first: Int!) { incident(number: $n) { suggestedRunbooks(first: $first) { rank } } }"


@pytest.fixture(scope="module")
async def library(postgres: EmbeddedPostgres) -> AsyncIterator[Library]:
    async with open_library(postgres, "suggested_runbooks") as opened:
        yield opened


async def test_runbooks_fit_the_text_and_the_items(library: Library) -> None:
    answered = await library.ask(SUGGEST)
    assert answered.errors == []
    # KB-LATENCY fits the second incident, but is no runbook.
    assert answered.data["incidents"]["nodes"] == [
        {
            "number": "INC1",
            "suggestedRunbooks": [
                {
                    "heading": heading, "keywordRank": rank, "relation": "OWN", "document": {"key": "RB-REDIS"},
                }
                for rank, heading in enumerate(["Fail over Redis > Promote", "Fail over Redis"], 1)
            ],
        },
        {"number": "INC2", "suggestedRunbooks": []},
    ]  # fmt: skip


async def test_incidents_of_a_list_share_their_statements(library: Library) -> None:
    one = await library.ask(RANKS, n="INC1", first=3)
    assert one.data == {"incident": {"suggestedRunbooks": [{"rank": 1}, {"rank": 2}]}}
    # The incident and its items, then words, vectors, names and documents of items, then chunks.
    assert one.sql == 7
    many = await library.ask("{ incidents { nodes { suggestedRunbooks { rank } } } }", also="incidents:read-restricted")
    assert (len(many.data["incidents"]["nodes"]), many.sql) == (3, 7)


async def test_without_permission_for_items_only_words_count(library: Library) -> None:
    answered = await library.ask(SUGGEST, without="configuration-items:read")
    assert answered.errors == []
    assert {each["relation"] for each in answered.data["incidents"]["nodes"][0]["suggestedRunbooks"]} == {"NONE"}


async def test_runbooks_need_permission_to_read_documents(library: Library) -> None:
    answered = await library.ask(RANKS, n="INC1", first=3, without="documents:read")
    assert (answered.data, answered.codes) == ({"incident": {"suggestedRunbooks": None}}, ["FORBIDDEN"])


@pytest.mark.parametrize(("first", "code"), [(0, "BAD_USER_INPUT"), (-1, "BAD_USER_INPUT"), (11, "LIMIT_EXCEEDED")])
async def test_the_number_of_runbooks_is_bounded(library: Library, first: int, code: str) -> None:
    answered = await library.ask(RANKS, n="INC1", first=first)
    assert (answered.data, answered.codes) == ({"incident": {"suggestedRunbooks": None}}, [code])
    assert len((await library.ask(RANKS, n="INC1", first=1)).data["incident"]["suggestedRunbooks"]) == 1
