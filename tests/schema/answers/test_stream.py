"""Answers over a real server as they are written: facts, supported sentences, and then the answer or its error."""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import httpx
import psycopg
import pytest

from datasources.config import LanguageProvider, LanguageSettings
from datasources.embedded.postgres import EmbeddedPostgres
from tests.fixtures.answers import READS, REDIS, Library, open_library
from tests.fixtures.bedrock import Bedrock, Refusal
from tests.fixtures.bedrock import Stream as ScriptedStream
from tests.fixtures.bedrock_language import bedrock, model, with_model
from tests.fixtures.bedrock_model import cited
from tests.fixtures.bedrock_model import stream as reply
from tests.fixtures.databases import person
from tests.fixtures.stream_stores import clients
from tests.fixtures.streaming import People, application, stream

__all__ = ["bedrock", "model"]

ASK = """subscription ($question: String!, $about: [ID!]) { ask(question: $question, about: $about) {
    draft sentence { text citations { number firstLine } }
    answer { id status origin cache text sentences { text citations { number firstLine } }
      citations { number item { name } document { key } } routerDecision { calls rejected isEscalated } } } }"""
SAME = """query ($question: String!, $about: [ID!]) {
    ask(question: $question, about: $about) { text sentences { text } } }"""
PROMOTE = "How do I promote a replica of Redis?"
PICK = "Pick the replica with the highest offset."
SUPPORTED = "Promote the replica with the highest offset."
UNSUPPORTED = "Page the database team within fifteen minutes."
SETTINGS = LanguageSettings(provider=LanguageProvider.BEDROCK, region="eu-central-1")


@dataclass
class Server:
    """A server of the library, and who may ask it."""

    client: httpx.AsyncClient
    library: Library

    async def ask(self, who: str = "reader", **variables: Any) -> list[dict[str, Any]]:
        """The bodies of all events, in order."""
        bodies = []
        async with stream(self.client, ASK, who, **({"question": PROMOTE} | variables)) as events:
            while (event := await events.next()) != ("complete", None):
                bodies.append(event[1])
        return bodies


@pytest.fixture(scope="module")
async def plain_library(postgres: EmbeddedPostgres) -> AsyncIterator[Library]:
    async with open_library(postgres, "answers_stream") as opened:
        yield opened


@pytest.fixture
def people() -> People:
    return People(
        reader=person(*READS),
        nobody=person("teams:read"),
        asker=person("answers:ask", "documents:free-form"),
    )


@pytest.fixture
async def plain(plain_library: Library, people: People) -> AsyncIterator[Server]:
    async with clients(application(plain_library.sources, people)) as client:
        yield Server(client, plain_library)


@pytest.fixture
async def server(plain_library: Library, people: People, bedrock: Bedrock) -> AsyncIterator[Server]:
    """The server with a language model, and without calls before."""
    with psycopg.connect(plain_library.urls[0], autocommit=True) as connection:
        connection.execute("TRUNCATE ai_calls, ai_budgets, cached_answers")
    async with (
        with_model(plain_library, SETTINGS) as library,
        clients(application(library.sources, people)) as client,
    ):
        yield Server(client, library)


def lines(*texts: str) -> ScriptedStream:
    """A reply with each text on a line of its own, which cites the first two sources."""
    return reply([block for text in texts for block in (cited(text, 0, 1), {"text": "\n"})])


def events_of(bodies: list[dict[str, Any]]) -> tuple[list[tuple[int, str]], dict[str, Any]]:
    """Draft and text of each sentence, and the last event."""
    assert [each.get("errors") for each in bodies] == [None] * len(bodies)
    *sentences, last = (each["data"]["ask"] for each in bodies)
    assert all(each["answer"] is None for each in sentences)
    assert last["sentence"] is None
    return [(each["draft"], each["sentence"]["text"]) for each in sentences], last


async def test_sentences_come_before_the_answer_that_has_them(plain: Server) -> None:
    bodies = await plain.ask(about=[f"ci_{REDIS}"])
    sentences, last = events_of(bodies)
    assert sentences[0] == (1, "redis is of the class Service and owned by the team Platform.")
    assert (1, PICK) in sentences
    answer = last["answer"]
    assert [each["data"]["ask"]["sentence"] for each in bodies[:-1]] == answer["sentences"]
    assert (last["draft"], answer["status"], answer["origin"]) == (1, "ANSWERED", "EXTRACTED")
    assert answer["citations"][0] == {"number": 1, "item": {"name": "redis"}, "document": None}


async def test_the_answer_is_that_of_the_query(plain: Server) -> None:
    sentences, last = events_of(await plain.ask())
    asked = (await plain.library.ask(SAME, question=PROMOTE)).data["ask"]
    assert asked == {
        "text": last["answer"]["text"],
        "sentences": [{"text": text} for _, text in sentences],
    }


async def test_a_sentence_is_shown_while_the_model_still_writes(server: Server, bedrock: Bedrock) -> None:
    bedrock.script("ConverseStream", replace(lines(SUPPORTED, PICK), pause=0.05))
    async with stream(server.client, ASK, "reader", question=PROMOTE) as events:
        _, first = await events.next()
        begin = time.monotonic()
        _, second = await events.next()
        _, last = await events.next()
        seconds = time.monotonic() - begin
        assert await events.next() == ("complete", None)
    sentences, answer = events_of([first, second, last])
    assert sentences == [(1, SUPPORTED), (1, PICK)]
    assert (answer["answer"]["origin"], answer["answer"]["cache"]) == ("GENERATED", "MISS")
    # The events between the end of the first sentence and the end of the reply came later, each after a pause.
    assert seconds > 2 * 0.05
    assert [each.operation for each in bedrock.received] == ["ConverseStream"]


async def test_an_unsupported_sentence_is_never_shown(server: Server, bedrock: Bedrock) -> None:
    bedrock.script("ConverseStream", lines(SUPPORTED, PICK, UNSUPPORTED))
    sentences, last = events_of(await server.ask())
    assert sentences == [(1, SUPPORTED), (1, PICK)]
    assert last["answer"]["routerDecision"] == {"calls": 1, "rejected": 1, "isEscalated": False}


async def test_a_rejected_draft_is_replaced_by_one_with_a_higher_number(server: Server, bedrock: Bedrock) -> None:
    bedrock.script("ConverseStream", lines(UNSUPPORTED, SUPPORTED), lines(PICK))
    sentences, last = events_of(await server.ask(about=[f"ci_{REDIS}"]))
    texts = [each["text"] for each in last["answer"]["sentences"]]
    *facts, written = texts
    assert (len(facts), written) == (4, PICK)
    assert sentences == [*((1, text) for text in (*facts, SUPPORTED)), *((2, text) for text in texts)]
    assert last["answer"]["routerDecision"] == {"calls": 2, "rejected": 1, "isEscalated": True}
    assert last["draft"] == 2


async def test_a_model_that_fails_halfway_is_replaced(server: Server, bedrock: Bedrock) -> None:
    events = lines(SUPPORTED, PICK).events
    bedrock.script("ConverseStream", *[ScriptedStream(events[:-3], refusal="serviceUnavailableException")] * 5)
    sentences, last = events_of(await server.ask())
    assert last["answer"]["origin"] == "EXTRACTED"
    final = [text for draft, text in sentences if draft == last["draft"]]
    assert final == [each["text"] for each in last["answer"]["sentences"]]
    assert (1, SUPPORTED) in sentences
    assert last["draft"] > 1


async def test_an_answer_of_the_cache_is_one_event(server: Server) -> None:
    _, first = events_of(await server.ask())
    sentences, last = events_of(await server.ask())
    assert sentences == []
    assert (last["answer"]["cache"], last["answer"]["origin"]) == ("HIT", "CACHED")
    assert last["answer"]["text"] == first["answer"]["text"]


async def test_a_slow_model_is_waited_for_with_heartbeats(server: Server, bedrock: Bedrock) -> None:
    bedrock.script("ConverseStream", replace(lines(SUPPORTED), pause=0.15))
    received = []
    body = {"query": ASK, "variables": {"question": PROMOTE}}
    headers = {"accept": "text/event-stream", "authorization": "Bearer reader"}
    async with server.client.stream("POST", "/graphql/stream", json=body, headers=headers) as answered:
        async for line in answered.aiter_lines():
            received.append(line)
    # The first is sent when the stream begins.
    assert sum(line.startswith(":") for line in received) > 1
    assert [line for line in received if line.startswith("event")] == ["event: next", "event: next", "event: complete"]
    assert not any(line.startswith("id") for line in received)


async def test_a_client_that_leaves_ends_the_call_of_the_model(server: Server, bedrock: Bedrock) -> None:
    bedrock.script("ConverseStream", replace(lines(SUPPORTED, PICK), pause=0.2))
    async with stream(server.client, ASK, "reader", question=PROMOTE) as events:
        await events.next()
    # The next caller is answered, and what the model may have written is paid for.
    _, last = events_of(await server.ask(question="How do I restart a node?"))
    assert last["answer"]["status"] == "ANSWERED"
    with psycopg.connect(server.library.urls[0]) as connection:
        rows = connection.execute(
            "SELECT failure, estimated, output_tokens FROM ai_calls WHERE model <> '' ORDER BY id LIMIT 1"
        ).fetchall()
    assert rows == [("CANCELLED", True, 400)]


@pytest.mark.parametrize(
    ("who", "variables", "code"),
    [
        ("reader", {"question": " "}, "BAD_USER_INPUT"),
        ("reader", {"question": "x" * 50_000}, "LIMIT_EXCEEDED"),
        ("reader", {"about": ["ci_0198c0de-0000-7000-8000-000000000000"]}, "BAD_USER_INPUT"),
        ("reader", {"about": ["inc_0198c0de-0000-7000-8000-000000000000"]}, "BAD_USER_INPUT"),
        ("reader", {"about": ["no id"]}, "BAD_USER_INPUT"),
        ("reader", {"question": "x\x00"}, "BAD_USER_INPUT"),
        ("nobody", {}, "FORBIDDEN"),
        ("asker", {}, "FORBIDDEN"),
    ],
)
async def test_an_error_is_the_last_event(plain: Server, who: str, variables: dict[str, Any], code: str) -> None:
    (body,) = await plain.ask(who, **variables)
    (error,) = body["errors"]
    assert error["extensions"]["code"] == code
    # As the query has it.
    asked = {"query": SAME, "variables": {"question": PROMOTE} | variables}
    replied = await plain.client.post("/graphql", json=asked, headers={"authorization": f"Bearer {who}"})
    same = replied.json()
    assert body["data"] == same["data"]
    assert [each["path"] for each in same["errors"]] == [error["path"]]
    assert (error["message"], error["extensions"]) == (same["errors"][0]["message"], same["errors"][0]["extensions"])


async def test_bedrock_that_refuses_everything_leaves_copied_sentences(server: Server, bedrock: Bedrock) -> None:
    bedrock.script("ConverseStream", Refusal(400, "ValidationException"))
    sentences, last = events_of(await server.ask())
    assert [text for _, text in sentences] == [each["text"] for each in last["answer"]["sentences"]]
    assert (sentences[0], last["draft"], last["answer"]["origin"]) == ((2, PICK), 2, "EXTRACTED")
