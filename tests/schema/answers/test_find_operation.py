"""`findOperation`: choices with variables, permissions, restricted incidents, hostile questions, and what it costs."""

import logging
from collections.abc import AsyncIterator, Sequence
from typing import Any

import psycopg
import pytest

from datasources.embedded.postgres import EmbeddedPostgres
from datasources.language.port import (
    Completion,
    LanguageError,
    LanguageFailure,
    StopReason,
    TokenUsage,
    Tool,
    ToolChoice,
)
from datasources.records.changes import ChangeState
from resolvers.operations.matching import MatchStatus
from resolvers.operations.use_cases import find_operation
from schema.operations import trusted_documents
from schema.operations.catalog import operation_catalog
from tests.fixtures.answers import RACK, REDIS, REDIS_01, SHOP, Library, open_library
from tests.fixtures.operations import INCIDENT, ITEM, uuid

FIND = """query ($question: String!, $about: [ID!]) { findOperation(question: $question, about: $about) {
    status reason choices { name title documentId variables question score } } }"""
TWINS = uuid(ITEM, 21), uuid(ITEM, 22)


@pytest.fixture(scope="module")
async def library(postgres: EmbeddedPostgres) -> AsyncIterator[Library]:
    async with open_library(postgres, "find_operation") as opened:
        with psycopg.connect(opened.urls[0], autocommit=True) as connection:
            connection.execute(
                "INSERT INTO configuration_items (id, name, class_key) VALUES (%s, 'mail', 'service'), "
                "(%s, 'mail', 'cache')",
                TWINS,
            )
            connection.execute(
                "INSERT INTO configuration_item_keys (configuration_item_id, source, key) VALUES (%s, 'demo', 'mail')",
                TWINS[:1],
            )
            connection.execute(
                "INSERT INTO changes (id, number, title, state) "
                "SELECT gen_random_uuid(), 'CHG9' || row_number() OVER (), 'a', state FROM unnest(%s::text[]) AS state",
                ([*ChangeState],),
            )
            connection.execute(
                "INSERT INTO change_configuration_items (change_id, configuration_item_id) SELECT id, %s FROM changes "
                "WHERE title = 'a'",
                (SHOP,),
            )
        yield opened


async def find(library: Library, question: str, *about: str, **caller: str) -> dict[str, Any]:
    answered = await library.ask(FIND, question=question, about=[f"ci_{item}" for item in about], **caller)
    assert answered.errors == []
    found: dict[str, Any] = answered.data["findOperation"]
    return found


def shown(found: dict[str, Any]) -> tuple[str, list[str]]:
    return found["status"], [choice["question"] for choice in found["choices"]]


async def test_a_choice_has_a_document_and_its_variables(library: Library) -> None:
    found = await find(library, "What depends on redis?")
    [choice] = found["choices"]
    assert (found["status"], found["reason"]) == ("CHOSEN", "")
    assert choice["score"] > 0.9
    assert choice | {"score": 1} == {
        "name": "dependents", "title": "Dependents of an item", "variables": {"item": f"ci_{REDIS}"},
        "documentId": next(each.id for each in trusted_documents().values() if each.name == "dependents"),
        "question": "Items that depend on redis", "score": 1,
    }  # fmt: skip


async def test_the_document_runs_with_the_permissions_of_its_fields(library: Library) -> None:
    [choice] = (await find(library, "What depends on redis?"))["choices"]
    text = trusted_documents()[choice["documentId"]].text
    answered = await library.ask(text, **choice["variables"])
    assert [each["node"]["name"] for each in answered.data["configurationItem"]["dependents"]["edges"]] == ["shop"]
    refused = await library.ask(text, without="relationships:read", **choice["variables"])
    assert [each["extensions"]["permission"] for each in refused.errors] == ["relationships:read"]


@pytest.mark.parametrize(
    ("question", "about", "reads"),
    [
        ("who owns this?", [RACK], "The owner of rack"),
        ("what does it depend on", [REDIS_01], "Items that redis-01 depends on"),
        ("its open incidents", [SHOP], "Open incidents of shop"),
        ("what depends on that service", [SHOP], "Items that depend on shop"),
        ("open incidents", [SHOP], "Open incidents of shop"),
        ("who owns redis", [RACK], "The owner of redis"),
        (f"who owns ci_{SHOP}", [], "The owner of shop"),
        ("who owns demo/rooms/rack", [], "The owner of rack"),
    ],
)
async def test_items_are_named_or_given(library: Library, question: str, about: list[str], reads: str) -> None:
    assert shown(await find(library, question, *about)) == ("CHOSEN", [reads])


async def test_two_given_items_are_asked_back(library: Library) -> None:
    assert shown(await find(library, "who owns this", RACK, SHOP)) == (
        "UNSURE",
        ["The owner of rack", "The owner of shop"],
    )


@pytest.mark.parametrize(
    ("question", "reads"),
    [
        ("which teams are there", ["All teams", "The owner of rack"]),
        ("list teams that exist", ["All teams", "The owner of rack"]),
        ("open incidents of the team platform", ["Open incidents of the team Platform"]),
    ],
)
async def test_a_question_that_means_no_item_does_not_take_a_given_one(
    library: Library, question: str, reads: list[str]
) -> None:
    found = await find(library, question, RACK)
    assert (shown(found), found["reason"]) == (
        ("UNSURE", reads),
        "it does not say that it is about the items of `about`",
    )
    assert (await find(library, question))["status"] == "CHOSEN"


async def test_this_team_is_no_item(library: Library) -> None:
    assert (await find(library, "who is in this team", RACK))["status"] != "CHOSEN"


async def test_two_items_of_one_name_are_asked_back(library: Library) -> None:
    found = await find(library, "who owns mail?")
    assert (found["status"], found["reason"]) == ("UNSURE", "several operations are equally near to the question")
    assert [choice["variables"]["item"] for choice in found["choices"]] == [f"ci_{twin}" for twin in TWINS]
    # Names do not tell them apart: a key does, or the id.
    assert shown(found)[1] == ["The owner of mail (demo/mail)", f"The owner of mail ({TWINS[1]})"]


async def test_planned_changes_have_not_begun(library: Library) -> None:
    [choice] = (await find(library, "upcoming changes of shop"))["choices"]
    text = trusted_documents()[choice["documentId"]].text
    answered = await library.ask(text, also="changes:read", **choice["variables"])
    changes = answered.data["configurationItem"]["changes"]
    assert {each["state"] for each in changes["nodes"]} == {"PROPOSED", "APPROVED", "SCHEDULED"}
    assert changes["totalCount"] == 3


@pytest.mark.parametrize("number", ["INC3", "INC9"])
@pytest.mark.parametrize("teams", [(), ("security",)])
async def test_a_hidden_incident_is_like_one_that_does_not_exist(
    library: Library, number: str, teams: tuple[str, ...]
) -> None:
    answered = await library.ask(FIND, *teams, question=f"who works on {number}?")
    found = answered.data["findOperation"]
    assert shown(found) == ("CHOSEN", [f"The incident {number}"])
    [choice] = found["choices"]
    text = trusted_documents()[choice["documentId"]].text
    read = await library.ask(text, *teams, also="changes:read", **choice["variables"])
    is_visible = number == "INC3" and "security" in teams
    assert (read.data["incident"] is not None) is is_visible


async def test_words_of_a_hidden_incident_find_nothing(library: Library) -> None:
    found = await find(library, "which items does the breach of redis affect")
    assert "INC3" not in str(found)


@pytest.mark.parametrize(
    ("permission", "question", "expected"),
    [
        ("configuration-items:read", "who owns redis", "without configuration-items:read no item is found"),
        ("teams:read", "open incidents of the team platform", "nothing that you may read has the name 'platform'"),
    ],
)
async def test_names_need_their_permission(library: Library, permission: str, question: str, expected: str) -> None:
    found = await find(library, question, without=permission)
    assert found["status"] != "CHOSEN"
    assert expected in found["reason"]
    assert "ci_" not in str(found["choices"])


async def test_a_model_chooses_where_every_word_is_understood(library: Library) -> None:
    async def choose(question: str, tools: Sequence[Tool]) -> ToolChoice | None:
        return ToolChoice("owner", {"item": f"ci_{TWINS[0]}"}, Completion(StopReason.END, TokenUsage(), 0.1))

    match = await find_operation(library.context(), "who owns mail?", [], operation_catalog(), choose)
    assert (match.status, [choice.variables["item"] for choice in match.choices]) == (
        MatchStatus.CHOSEN,
        [f"ci_{TWINS[0]}"],
    )


async def test_it_needs_a_permission(library: Library) -> None:
    answered = await library.ask(FIND, question="who owns redis", without="answers:ask")
    assert answered.data == {"findOperation": None}
    assert [each["extensions"] for each in answered.errors] == [{"code": "FORBIDDEN", "permission": "answers:ask"}]


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("restart redis", "it demands a change; words choose only queries, so run the mutation yourself"),
        ("how do I restart redis?", "it is about steps to follow; `ask` finds them in documents"),
        ("redis " * 41, "it has more than 40 words; ask for one thing"),
        ("What depends on switch z9?", "nothing that you may read has the name 'switch z9'"),
        ("What is the weather in Paris?", "nothing that you may read has the name 'Paris'"),
        ("Why is the sky blue?", "no trusted operation answers this question"),
    ],
)
async def test_no_choice_says_why(library: Library, question: str, reason: str) -> None:
    assert await find(library, question) == {"status": "NONE", "reason": reason, "choices": []}


@pytest.mark.parametrize(
    ("question", "ignored"),
    [
        ("oldest open incident", "'oldest'"),
        ("incidents opened by me", "'by', 'me'"),
        ("previous owner of redis", "'previous'"),
        ("open incidents > P2", "'>'"),
        ("what depends on what depends on redis", "'depends'"),
        ("who owns the services on redis", "'services'"),
    ],
)
async def test_words_that_would_be_ignored_are_named(library: Library, question: str, ignored: str) -> None:
    found = await find(library, question)
    assert (found["status"], found["reason"]) == ("UNSURE", f"the nearest operation would ignore {ignored}")


async def test_an_answer_is_given_by_its_id(library: Library) -> None:
    answer = f"ans_{uuid('a', 1)}"
    found = await find(library, f"is answer {answer} still true?")
    assert shown(found) == ("CHOSEN", [f"Whether the answer {answer} still holds"])
    assert found["choices"][0]["variables"] == {"answer": answer}


@pytest.mark.parametrize(
    "question",
    [
        "'; DROP TABLE teams; --", "who owns ' OR 1=1 --", "%_\\", "owner of %", "{item}", "who owns {item} {0} %(x)s",
        "query { teams { nodes { id } } }", "a" * 2_000, "é" * 2_000, "A_1 " * 40, "🦆" * 9, "<b>", "/", "x/", "ci_",
        "INC" + "9" * 300, "who owns \\x00", "..", "P1", "this", "team", "?", "redis\u202e",
    ],
)  # fmt: skip
async def test_odd_questions_choose_nothing(library: Library, question: str) -> None:
    found = await find(library, question)
    assert found["status"] != "CHOSEN" or question in {"P1", "team", "INC" + "9" * 300, "redis\u202e"}
    assert len(found["choices"]) <= 3


@pytest.mark.parametrize(
    ("variables", "code", "argument"),
    [
        ({"question": ""}, "BAD_USER_INPUT", "question"),
        ({"question": "redis\0"}, "BAD_USER_INPUT", "question"),
        ({"question": "a" * 2_001}, "LIMIT_EXCEEDED", "question"),
        ({"question": "a", "about": [f"ci_{uuid(ITEM, 77)}"]}, "BAD_USER_INPUT", "about"),
        ({"question": "a", "about": [f"inc_{uuid(INCIDENT, 1)}"]}, "BAD_USER_INPUT", "about"),
        ({"question": "a", "about": [f"ci_{REDIS}"] * 21}, "LIMIT_EXCEEDED", "about"),
    ],
)
async def test_bad_input_is_refused_with_its_argument(
    library: Library, variables: dict[str, Any], code: str, argument: str
) -> None:
    answered = await library.ask(FIND, **variables)
    assert answered.data == {"findOperation": None}
    assert [(each["extensions"]["code"], each["extensions"]["argument"]) for each in answered.errors] == [
        (code, argument)
    ]


async def test_a_question_costs_two_statements(library: Library) -> None:
    short = await library.ask(FIND, question="who owns redis")
    long = await library.ask(FIND, question=" ".join(f"shop{number}" for number in range(40)))
    given = await library.ask(FIND, question=f"who owns ci_{SHOP}")
    demand = await library.ask(FIND, question="restart redis")
    assert [each.sql for each in (short, long, given, demand)] == [2, 2, 3, 0]


async def test_no_question_is_in_a_log(library: Library, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        await find(library, "who owns canaryx7f3e of redis")
        await library.ask(FIND, question="canaryx7f3e" * 200)
    assert "canaryx7f3e" not in caplog.text


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ({"tool": "owner", "variables": {"item": "redis"}}, ["The owner of redis"]),
        ({"tool": "owner", "variables": {"item": "rack"}}, None),
        ({"tool": "deleteTeam", "variables": {}}, None),
        (None, None),
        (LanguageError(LanguageFailure.TIMEOUT, "timeout"), None),
    ],
)
async def test_a_model_decides_what_is_unclear_and_nothing_else(
    library: Library, reply: dict[str, Any] | LanguageError | None, expected: list[str] | None
) -> None:
    calls: list[list[str]] = []

    async def choose(question: str, tools: Sequence[Tool]) -> ToolChoice | None:
        calls.append([tool.name for tool in tools])
        if isinstance(reply, LanguageError):
            raise reply
        return None if reply is None else ToolChoice(**reply, completion=Completion(StopReason.END, TokenUsage(), 0.1))

    unclear = "in whose hands is redis"
    local = await find_operation(library.context(), unclear, [], operation_catalog())
    assert local.status is MatchStatus.UNSURE
    match = await find_operation(library.context(), unclear, [], operation_catalog(), choose)
    assert [choice.question for choice in match.choices] == (expected or [each.question for each in local.choices])
    # Its words are not all understood, so a person confirms what the model says.
    assert match.status is MatchStatus.UNSURE
    assert not expected or match.reason == "the nearest operation would ignore 'hands'"
    assert len(calls) == 1
    assert "owner" in calls[0]
    for text in ("restart redis", "who owns redis", "who does not own redis", "owner of redis at payments"):
        await find_operation(library.context(), text, [], operation_catalog(), choose)
    assert len(calls) == 1
