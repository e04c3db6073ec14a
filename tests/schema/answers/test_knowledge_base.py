"""Passages that a knowledge base ranks: its order, the graph, permissions of the tables, and its failures."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import orjson
import psycopg
import pytest

from datasources.embedded.postgres import EmbeddedPostgres
from datasources.language.bedrock.client import BedrockClients
from datasources.language.bedrock.knowledge_base import BedrockKnowledgeBase, encode_metadata
from resolvers.answers.use_cases import ask
from tests.fixtures.answers import RACK, Library, open_library
from tests.fixtures.bedrock import Bedrock, Refusal
from tests.fixtures.bedrock_language import bedrock, model
from tests.fixtures.bedrock_model import Model

__all__ = ["bedrock", "model"]

ASK = """query ($question: String!, $about: [ID!]) { ask(question: $question, about: $about) {
    passages { rank knowledgeBaseRank keywordRank vectorRank relation document { key } } } }"""


@pytest.fixture(scope="module")
async def plain_library(postgres: EmbeddedPostgres) -> AsyncIterator[Library]:
    async with open_library(postgres, "answers_knowledge_base") as opened:
        yield opened


@pytest.fixture
async def library(plain_library: Library, bedrock: Bedrock) -> AsyncIterator[Library]:
    knowledge_base = BedrockKnowledgeBase(BedrockClients("eu-central-1"), "KB12345678")
    yield replace(plain_library, sources=replace(plain_library.sources, knowledge_base=knowledge_base))
    await knowledge_base.close()


def chunk_id(library: Library, key: str, position: int = 0) -> str:
    statement = """SELECT c.id::text FROM document_chunks c JOIN documents d ON d.id = c.document_id
        WHERE d.key = %s AND c.position = %s"""
    with psycopg.connect(library.urls[0]) as connection:
        [(found,)] = connection.execute(statement, (key, position)).fetchall()
    return str(found)


def stored(chunk: str, *, restricted_team: str | None = None) -> dict[str, Any]:
    """A chunk as Retrieve returns it; only its id is used."""
    metadata = encode_metadata(
        document_id="-", chunk_id=chunk, content_hash="-", restricted_team=restricted_team, item_ids=[]
    )
    return {
        "content": {"text": "an older text", "type": "TEXT"},
        "location": {"type": "S3", "s3Location": {"uri": f"s3://documents/{chunk}"}},
        "score": 0.5,
        "metadata": orjson.loads(metadata)["metadataAttributes"],
    }


async def found(library: Library, *about: str, **caller: str) -> list[tuple[str, int | None]]:
    answered = await library.ask(ASK, question="Something else?", about=[f"ci_{each}" for each in about], **caller)
    assert answered.errors == []
    passages = answered.data["ask"]["passages"]
    assert {(each["keywordRank"], each["vectorRank"]) for each in passages} <= {(None, None)}
    return [(each["document"]["key"], each["knowledgeBaseRank"]) for each in passages]


async def test_passages_have_the_order_of_the_knowledge_base(library: Library, model: Model) -> None:
    model.objects += [stored(chunk_id(library, key)) for key in ("RB-NODE", "RB-RACK")]
    assert await found(library) == [("RB-NODE", 1), ("RB-RACK", 2)]


async def test_the_graph_raises_them(library: Library, model: Model) -> None:
    model.objects += [stored(chunk_id(library, key)) for key in ("RB-NODE", "RB-RACK")]
    assert await found(library, RACK) == [("RB-RACK", 2), ("RB-NODE", 1)]


async def test_the_tables_decide_who_reads_a_chunk(library: Library, model: Model) -> None:
    """The knowledge base still has the document without its restriction."""
    model.objects += [stored(chunk_id(library, "RB-BREACH")), stored(chunk_id(library, "RB-RACK"))]
    assert await found(library) == [("RB-RACK", 1)]


async def test_chunks_that_are_gone_are_left_out(library: Library, model: Model) -> None:
    gone = "01900000-0000-7000-8000-000000000000"
    model.objects += [stored(gone), stored("no id"), stored(chunk_id(library, "RB-RACK"))]
    assert await found(library) == [("RB-RACK", 1)]


async def test_the_filter_names_the_teams_of_the_caller(library: Library, bedrock: Bedrock, model: Model) -> None:
    model.objects += [stored(chunk_id(library, "RB-BREACH"), restricted_team="security")]
    answered = await library.ask(ASK, "security", question="Something else?")
    assert [each["document"]["key"] for each in answered.data["ask"]["passages"]] == ["RB-BREACH"]
    [request] = bedrock.received
    search = request.parameters["retrievalConfiguration"]["vectorSearchConfiguration"]
    assert search["filter"] == {
        "orAll": [
            {"equals": {"key": "restricted", "value": False}},
            {"in": {"key": "restricted_team", "value": ["security"]}},
        ]
    }


async def test_an_empty_one_leaves_it_to_the_main_database(library: Library) -> None:
    context = library.context()
    answer = await ask(context, "rack power")
    assert (answer.passages[0].chunk.heading, answer.passages[0].keyword_rank) == ("Power of a rack", 1)
    assert context.request.degraded == set()


async def test_without_it_the_main_database_ranks(library: Library, bedrock: Bedrock) -> None:
    bedrock.script("Retrieve", Refusal(403, "AccessDeniedException"))
    context = library.context()
    answer = await ask(context, "rack power")
    first = answer.passages[0]
    assert (first.chunk.heading, first.keyword_rank, first.knowledge_base_rank) == ("Power of a rack", 1, None)
    assert context.request.degraded == {"knowledge base"}
