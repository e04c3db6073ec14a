"""`verifyAnswer`: verdicts for the asker, nothing for others, and the relationships that facts name."""

from collections.abc import AsyncIterator

import pytest

from datasources.embedded.postgres import EmbeddedPostgres
from datasources.request import use_request
from resolvers.answers.proofs import store_answer
from resolvers.answers.use_cases import ask
from tests.fixtures.answers import REDIS, Library, open_library
from tests.fixtures.operations import uuid

VERIFY = """query ($id: ID!) {
  verifyAnswer(id: $id) { number text verdict reason fact firstLine lastLine }
}"""
CITE = """query ($about: [ID!]) {
  ask(question: "who depends on redis", about: $about) { citations { number relationshipIds } }
}"""


@pytest.fixture(scope="module")
async def library(postgres: EmbeddedPostgres) -> AsyncIterator[Library]:
    async with open_library(postgres, "verification") as opened:
        yield opened


async def stored(library: Library) -> str:
    context = library.context()
    with use_request(context.request):
        return "ans_" + await store_answer(context, await ask(context, "rb-rack"))


async def test_verdicts_of_an_answer(library: Library) -> None:
    answered = await library.ask(VERIFY, id=await stored(library))
    assert answered.data == {
        "verifyAnswer": [
            {
                "number": 1, "text": "Call the data centre when a rack loses power.", "verdict": "HOLDS",
                "reason": "SAME", "fact": None, "firstLine": 1, "lastLine": 1,
            }
        ]
    }  # fmt: skip


@pytest.mark.parametrize("id", ["ans_01890000-0000-7000-8000-000000000000", f"ci_{REDIS}"])
async def test_an_unknown_id_is_null(library: Library, id: str) -> None:
    answered = await library.ask(VERIFY, id=id)
    assert (answered.data, answered.codes) == ({"verifyAnswer": None}, [])


async def test_a_malformed_id_names_the_argument(library: Library) -> None:
    answered = await library.ask(VERIFY, id="x")
    assert answered.data == {"verifyAnswer": None}
    assert answered.codes == ["BAD_USER_INPUT"]


async def test_verification_needs_the_permission_to_ask(library: Library) -> None:
    answered = await library.ask(VERIFY, without="answers:ask", id=await stored(library))
    assert answered.codes == ["FORBIDDEN"]


async def test_a_citation_has_the_relationships_of_its_facts(library: Library) -> None:
    answered = await library.ask(CITE, about=[f"ci_{REDIS}"])
    citations = answered.data["ask"]["citations"]
    assert citations[0]["relationshipIds"] == [f"rel_{uuid('c', number)}" for number in (1, 2)]
    assert all(each["relationshipIds"] == [] for each in citations[1:])


async def test_relationships_need_their_permission(library: Library) -> None:
    answered = await library.ask(CITE, without="relationships:read", about=[f"ci_{REDIS}"])
    assert set(answered.codes) == {"FORBIDDEN"}
    assert {each["relationshipIds"] for each in answered.data["ask"]["citations"]} == {None}
