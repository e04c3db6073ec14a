"""Answers that a language model writes: checked, written again, replaced, paid for, and without a secret."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from datasources.aurora.ai_usage.usage import fetch_totals
from datasources.config import LanguageProvider, LanguageSettings
from datasources.embedded.postgres import EmbeddedPostgres
from resolvers.answers import semantic_cache
from resolvers.answers.use_cases import ask
from tests.fixtures.answers import REDIS, Library, open_library
from tests.fixtures.bedrock import Bedrock, Refusal
from tests.fixtures.bedrock_language import bedrock, model, with_model
from tests.fixtures.bedrock_model import cited, reply, tool_use

__all__ = ["bedrock", "model"]

ASK = """query ($question: String!, $about: [ID!]) { ask(question: $question, about: $about) {
    id status origin cache text sentences { text citations { number } }
    citations { number firstLine lastLine document { key } }
    routerDecision { model reason tier fallbacks refusals { model reasons } usd calls rejected isEscalated } } }"""
FIND = "query ($question: String!) { findOperation(question: $question) { status choices { name } } }"
VERIFY = "query ($id: ID!) { verifyAnswer(id: $id) { text verdict } }"
PROMOTE = "How do I promote a replica of Redis?"
SETTINGS = LanguageSettings(provider=LanguageProvider.BEDROCK, region="eu-central-1")
HAIKU, SONNET = "us.anthropic.claude-haiku-5-5", "us.anthropic.claude-sonnet-5-5"
SUPPORTED = "Promote the replica with the highest offset."
UNSUPPORTED = "Page the database team within fifteen minutes."


@pytest.fixture(scope="module")
async def plain_library(postgres: EmbeddedPostgres) -> AsyncIterator[Library]:
    async with open_library(postgres, "answers_generation") as opened:
        yield opened


@pytest.fixture(autouse=True)
def compare_no_hit(monkeypatch: pytest.MonkeyPatch) -> None:
    """No hit is drawn for a comparison."""
    monkeypatch.setattr(semantic_cache, "SHADOW_SHARE", 0.0)


@pytest.fixture
async def library(plain_library: Library, bedrock: Bedrock) -> AsyncIterator[Library]:
    """The library with a language model, and without calls before."""
    with psycopg.connect(plain_library.urls[0], autocommit=True) as connection:
        connection.execute("TRUNCATE ai_calls, ai_budgets, cached_answers")
    async with with_model(plain_library, SETTINGS) as opened:
        yield opened


async def answer(library: Library, question: str = PROMOTE, *about: str, **caller: str) -> dict[str, Any]:
    answered = await library.ask(ASK, question=question, about=[f"ci_{each}" for each in about], **caller)
    assert answered.errors == []
    found: dict[str, Any] = answered.data["ask"]
    return found


def texts(found: dict[str, Any]) -> list[str]:
    return [each["text"] for each in found["sentences"]]


async def test_a_model_writes_sentences_that_cite_passages(library: Library, bedrock: Bedrock) -> None:
    bedrock.script("Converse", reply([cited(SUPPORTED, 0)]))
    found = await answer(library)
    assert (found["status"], found["origin"], texts(found)) == ("ANSWERED", "GENERATED", [SUPPORTED])
    assert found["text"] == f"{SUPPORTED} [1]"
    [citation] = found["citations"]
    assert citation["document"]["key"] == "RB-REDIS"
    decision = found["routerDecision"]
    assert (decision["model"], decision["calls"], decision["rejected"], decision["isEscalated"]) == (HAIKU, 1, 0, False)
    # 210 input, 30 output, 6 read and 4 written tokens.
    assert decision["usd"] == pytest.approx((210 * 0.11 + 30 * 0.55 + 6 * 0.011 + 4 * 0.1375) / 1e6)
    assert {each["model"] for each in decision["refusals"]} | set(decision["fallbacks"]) | {HAIKU} >= {HAIKU, SONNET}


async def test_a_sentence_is_shown_as_plain_text(library: Library, bedrock: Bedrock) -> None:
    written = (
        "**Promote** the [replica](https://evil.example/x) with the <b>highest</b> offset. ![x](https://evil.example)"
    )
    bedrock.script("Converse", reply([cited(written, 0)]))
    found = await answer(library)
    assert (found["origin"], found["text"], texts(found)) == ("GENERATED", f"{SUPPORTED} [1]", [SUPPORTED])


async def test_a_url_that_the_source_lacks_is_rejected(library: Library, bedrock: Bedrock) -> None:
    bedrock.script("Converse", reply([cited(f"{SUPPORTED[:-1]}, see https://evil.example.", 0)]))
    found = await answer(library)
    assert found["origin"] == "EXTRACTED"
    assert "evil" not in found["text"]


@pytest.mark.parametrize("text", [f"{SUPPORTED}\n" * 25, f"{SUPPORTED} {'a' * 10_000}"], ids=["many", "long"])
async def test_a_draft_beyond_its_bounds_is_replaced(library: Library, bedrock: Bedrock, text: str) -> None:
    bedrock.script("Converse", reply([cited(text, 0)]))
    assert (await answer(library))["origin"] == "EXTRACTED"


async def test_facts_are_never_sent_and_come_first(library: Library, bedrock: Bedrock) -> None:
    bedrock.script("Converse", reply([cited(SUPPORTED, 0)]))
    found = await answer(library, PROMOTE, REDIS)
    assert texts(found)[0] == "redis is of the class Service and owned by the team Platform."
    assert texts(found)[-1] == SUPPORTED
    assert "owned by the team Platform" not in str([each.parameters for each in bedrock.received])


async def test_a_call_is_attributed_to_its_request(library: Library, bedrock: Bedrock) -> None:
    context = library.context("platform", "storage")
    await ask(context, PROMOTE)
    [received] = bedrock.received
    assert received.parameters["requestMetadata"] == {
        "requestId": context.request.request_id,
        "operation": "ANSWER",
        "team": "platform",
    }
    assert received.parameters["inferenceConfig"]["maxTokens"] == 400


async def test_an_unsupported_draft_is_written_by_a_better_model(library: Library, bedrock: Bedrock) -> None:
    bedrock.script("Converse", reply([cited(UNSUPPORTED, 0)]), reply([cited(SUPPORTED, 0)]))
    found = await answer(library)
    assert (found["origin"], texts(found)) == ("GENERATED", [SUPPORTED])
    decision = found["routerDecision"]
    assert (decision["model"], decision["calls"], decision["rejected"], decision["isEscalated"]) == (SONNET, 2, 1, True)


async def test_a_draft_that_stays_unsupported_is_replaced(library: Library, bedrock: Bedrock) -> None:
    bedrock.script("Converse", reply([cited(UNSUPPORTED, 0)]))
    found = await answer(library)
    assert found["origin"] == "EXTRACTED"
    assert UNSUPPORTED not in found["text"]
    assert found["sentences"] != []
    decision = found["routerDecision"]
    assert (decision["model"], decision["calls"], decision["reason"]) == (
        None,
        2,
        "The draft was not supported by its sources.",
    )


async def test_no_better_model_is_asked_without_time(plain_library: Library, bedrock: Bedrock) -> None:
    bedrock.script("Converse", reply([cited(UNSUPPORTED, 0)]))
    # Enough for 400 tokens of the smallest models alone.
    async with with_model(plain_library, replace(SETTINGS, latency_seconds=9)) as library:
        found = await answer(library)
    decision = found["routerDecision"]
    assert (found["origin"], decision["calls"], decision["isEscalated"]) == ("EXTRACTED", 1, False)
    assert decision["reason"].startswith("The draft was not supported by its sources. No model meets all constraints.")


async def test_one_unsupported_sentence_of_four_is_left_out(library: Library, bedrock: Bedrock) -> None:
    lines = [SUPPORTED, "Two of three nodes must answer.", "Ask each node for its role.", UNSUPPORTED]
    blocks = [block for line in lines for block in (cited(line, 0, 1, 2), {"text": "\n"})]
    bedrock.script("Converse", reply(blocks))
    found = await answer(library)
    assert (found["origin"], texts(found), found["routerDecision"]["rejected"]) == ("GENERATED", lines[:3], 1)


async def test_a_throttled_model_is_replaced_by_the_next(library: Library, bedrock: Bedrock) -> None:
    throttled = Refusal(429, "ThrottlingException")
    # The SDK sends each call twice.
    bedrock.script("Converse", throttled, throttled, reply([cited(SUPPORTED, 0)]))
    found = await answer(library)
    assert found["origin"] == "GENERATED"
    assert found["routerDecision"]["model"] == found["routerDecision"]["fallbacks"][0]


async def test_lost_models_cost_no_answer(library: Library, bedrock: Bedrock) -> None:
    bedrock.script("Converse", Refusal(403, "AccessDeniedException"))
    found = await answer(library)
    assert found["origin"] == "EXTRACTED"
    assert found["routerDecision"]["model"] is None
    assert "REFUSED" in found["routerDecision"]["reason"]


async def test_a_model_that_finds_nothing_is_believed(library: Library, bedrock: Bedrock) -> None:
    bedrock.script("Converse", reply([{"text": "The documents do not answer this."}]))
    found = await answer(library, "How do I promote a colleague?")
    # Text without a citation is no sentence of an answer.
    assert found["status"] == "UNKNOWN"
    assert "colleague" not in found["text"]


async def test_a_budget_of_nothing_sends_nothing(plain_library: Library, bedrock: Bedrock) -> None:
    async with with_model(plain_library, replace(SETTINGS, usd_a_request=0.0)) as library:
        found = await answer(library)
    assert bedrock.received == []
    assert found["origin"] == "EXTRACTED"
    assert all(
        "USD exceed the request's 0.0000" in str(each["reasons"]) for each in found["routerDecision"]["refusals"]
    )


async def test_fifty_askers_stay_in_the_budget_of_their_team(plain_library: Library, bedrock: Bedrock) -> None:
    limit = 0.002
    with psycopg.connect(plain_library.urls[0], autocommit=True) as connection:
        connection.execute("TRUNCATE ai_calls, ai_budgets, cached_answers")
    async with with_model(plain_library, replace(SETTINGS, usd_a_day=limit)) as library:
        found = await asyncio.gather(*(answer(library) for _ in range(50)))
    origins = [each["origin"] for each in found]
    assert {"GENERATED", "EXTRACTED"} == set(origins)
    with psycopg.connect(plain_library.urls[0]) as connection:
        [(usd, calls)] = connection.execute("SELECT sum(usd), count(*) FROM ai_calls WHERE model <> ''").fetchall()
    assert float(usd) <= limit
    assert calls == len(bedrock.received) < 50


async def test_no_restricted_text_is_sent_for_other_teams(library: Library, bedrock: Bedrock) -> None:
    await answer(library, "How do I rotate the secretpassphrase of Redis?")
    assert bedrock.received != []
    assert "Rotate the secretpassphrase" not in str([each.parameters for each in bedrock.received])


async def test_no_text_is_logged(library: Library, bedrock: Bedrock, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="stackflow"):
        bedrock.script("Converse", reply([cited(UNSUPPORTED, 0)]))
        await answer(library, "How do I promote a zebra of Redis?")
    logged = "\n".join(str(record.__dict__) for record in caplog.records)
    assert "zebra" not in logged
    assert "highest offset" not in logged
    assert "fifteen" not in logged


async def test_an_equal_question_costs_nothing_until_a_source_changes(library: Library, bedrock: Bedrock) -> None:
    bedrock.script("Converse", reply([cited(SUPPORTED, 0)]))
    first, second = await answer(library), await answer(library, "how do i promote a replica of redis")
    assert (first["cache"], first["origin"]) == ("MISS", "GENERATED")
    assert (second["cache"], second["origin"], second["routerDecision"]) == ("HIT", "CACHED", None)
    assert (texts(second), second["citations"]) == (texts(first), first["citations"])
    assert len(bedrock.received) == 1
    with psycopg.connect(library.urls[0], autocommit=True) as connection:
        changed = "UPDATE document_chunks SET content_hash = content_hash || %s WHERE heading LIKE '%%Promote'"
        connection.execute(changed, ("!",))
        third = await answer(library)
        assert (third["cache"], third["origin"], len(bedrock.received)) == ("STALE", "GENERATED", 2)
        connection.execute("UPDATE document_chunks SET content_hash = rtrim(content_hash, '!')")


@pytest.mark.parametrize(
    ("second", "check", "given", "entries", "answers"),
    [
        (reply([cited(SUPPORTED, 0)]), "AGREES", "GENERATED", 1, 2),
        # The model finds no answer.
        (reply([]), "DIFFERS", "GENERATED", 0, 1),
        # No model answers: the hit is given, and compared with nothing.
        (Refusal(400, "ValidationException"), "", "CACHED", 1, 2),
    ],
    ids=["agrees", "differs", "no model"],
)
async def test_a_hit_that_is_compared_with_a_new_answer(
    library: Library,
    bedrock: Bedrock,
    monkeypatch: pytest.MonkeyPatch,
    second: Any,
    check: str,
    given: str,
    entries: int,
    answers: int,
) -> None:
    monkeypatch.setattr(semantic_cache, "SHADOW_SHARE", 1.0)
    bedrock.script("Converse", reply([cited(SUPPORTED, 0)]), second)
    await answer(library)
    found = await answer(library)
    assert (found["cache"], found["origin"]) == ("HIT", given)
    with psycopg.connect(library.urls[0], autocommit=True) as connection:
        looked_up = connection.execute(
            "SELECT cache, cache_check FROM ai_calls WHERE cache <> '' ORDER BY id"
        ).fetchall()
        assert looked_up == [("MISS", ""), ("HIT", check)]
        assert connection.execute("SELECT count(*) FROM cached_answers").fetchall() == [(entries,)]
    [totals, *_] = await fetch_totals(
        library.sources.main, "OPERATION", datetime(2026, 1, 1, tzinfo=UTC), datetime(2126, 1, 1, tzinfo=UTC), 10
    )
    assert totals.cache_agreements == (check == "AGREES")
    assert totals.cache_differences == (check == "DIFFERS")
    assert (totals.cache_hits, totals.answers) == (1, answers)


async def test_another_scope_has_no_use_of_it(library: Library, bedrock: Bedrock) -> None:
    bedrock.script("Converse", reply([cited(SUPPORTED, 0)]))
    await answer(library)
    answered = await library.ask(ASK, "security", question=PROMOTE, about=[])
    assert (answered.data["ask"]["cache"], len(bedrock.received)) == ("MISS", 2)


async def test_an_answer_of_a_model_can_be_verified(library: Library, bedrock: Bedrock) -> None:
    bedrock.script("Converse", reply([cited(SUPPORTED, 0)]))
    found = await answer(library, PROMOTE, REDIS)
    verified = await library.ask(VERIFY, id=found["id"])
    assert verified.errors == []
    assert {each["verdict"] for each in verified.data["verifyAnswer"]} == {"HOLDS"}
    assert [each["text"] for each in verified.data["verifyAnswer"]] == texts(found)


async def test_a_model_narrows_near_operations_to_one_that_is_asked_back(library: Library, bedrock: Bedrock) -> None:
    bedrock.script("Converse", reply([tool_use("owner", {"item": "redis"})], "tool_use"))
    answered = await library.ask(FIND, question="in whose hands is redis")
    found = answered.data["findOperation"]
    # It says nothing of 'hands', so a person confirms it.
    assert (found["status"], [each["name"] for each in found["choices"]]) == ("UNSURE", ["owner"])
    [received] = bedrock.received
    assert received.parameters["requestMetadata"]["operation"] == "OPERATION"


async def test_a_malformed_choice_asks_back(library: Library, bedrock: Bedrock) -> None:
    bedrock.script("Converse", reply([], "malformed_tool_use"))
    answered = await library.ask(FIND, question="in whose hands is redis")
    found = answered.data["findOperation"]
    assert (found["status"], 1 < len(found["choices"]) <= 3, len(bedrock.received)) == ("UNSURE", True, 1)


@pytest.mark.parametrize("lost", ["usage", "stopReason", "output"])
async def test_a_malformed_reply_costs_no_answer(library: Library, bedrock: Bedrock, lost: str) -> None:
    bedrock.script("Converse", {key: value for key, value in reply([cited(SUPPORTED, 0)]).items() if key != lost})
    found = await answer(library)
    # Such a reply does not fit botocore's models, which the double notes.
    bedrock.faults.clear()
    assert (found["status"], found["origin"]) == ("ANSWERED", "EXTRACTED")
    assert "UNAVAILABLE" in found["routerDecision"]["reason"]


async def test_controls_in_a_reply_are_left_out(library: Library, bedrock: Bedrock) -> None:
    bedrock.script("Converse", reply([cited("Promote the replica\x00\x1b\u202e with\u00a0the highest offset.", 0)]))
    assert texts(await answer(library)) == [SUPPORTED]


async def test_documents_are_verified_with_their_permission_alone(library: Library, bedrock: Bedrock) -> None:
    bedrock.script("Converse", reply([cited(SUPPORTED, 0)]))
    found = await answer(library, PROMOTE, REDIS)
    for without, kinds in (("documents:read", {"HOLDS", "GONE"}), ("teams:read", {"HOLDS", "GONE"})):
        verified = await library.ask(VERIFY, without=without, id=found["id"])
        assert {each["verdict"] for each in verified.data["verifyAnswer"]} == kinds
