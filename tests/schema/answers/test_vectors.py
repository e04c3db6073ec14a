"""Texts of similar meaning are found without a common word, and ranks are explained."""

from collections.abc import AsyncIterator

import pytest

from datasources.aurora.documents.chunks import fetch_chunks, rank_chunks_by_texts
from datasources.aurora.documents.vectors import insert_vectors
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.language import embeddings
from datasources.language.embeddings import open_embedder
from datasources.records.queries import Scope
from tests.fixtures.answers import Library, open_library

EVERYTHING = Scope(sees_restricted=True)
# 'electricity' is in no document; what it means is in RB-RACK.
QUESTION = "electricity outage?"
ASK = """query ($question: String!) { ask(question: $question) {
    status passages { rank keywordRank vectorRank document { key } } } }"""


@pytest.fixture(scope="module")
async def library(postgres: EmbeddedPostgres) -> AsyncIterator[Library]:
    embedder = open_embedder()
    assert embedder is not None
    async with open_library(postgres, "answers_vectors") as opened:
        database = opened.sources.main
        [matches] = (await rank_chunks_by_texts(database, ["redis replica node rack drain"], EVERYTHING, 100)).values()
        chunks = await fetch_chunks(database, [match.chunk_id for match in matches], EVERYTHING)
        assert len(chunks) == 7
        given = {}
        for chunk in chunks.values():
            embedding = embedder.embed(f"{chunk.heading}\n{chunk.body}")
            assert embedding is not None
            given[chunk.id] = embedding
        async with database.transaction() as transaction:
            await insert_vectors(transaction, embedder.model, given)
        yield opened


async def passages(library: Library, *teams: str) -> list[tuple[str, int | None, int | None]]:
    answered = await library.ask(ASK, *teams, question=QUESTION)
    assert answered.errors == []
    return [
        (each["document"]["key"], each["keywordRank"], each["vectorRank"]) for each in answered.data["ask"]["passages"]
    ]


async def test_a_paraphrase_is_found(library: Library) -> None:
    found = await passages(library)
    assert found[0] == ("RB-RACK", None, 1)
    assert [(keyword, vector) for _, keyword, vector in found] == [
        (None, 1),
        (None, 2),
        (None, 3),
        (None, 4),
        (None, 5),
    ]


async def test_restricted_documents_are_for_their_team_alone(library: Library) -> None:
    question = "Contain a breach of Redis"
    for teams, expected in (((), False), (("platform",), False), (("security",), True)):
        answered = await library.ask(ASK, *teams, question=question)
        keys = {each["document"]["key"] for each in answered.data["ask"]["passages"]}
        assert ("RB-BREACH" in keys) is expected


async def test_without_a_model_words_alone_count(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    embeddings.open_embedder.cache_clear()
    monkeypatch.setattr(embeddings, "find_spec", lambda _: None)
    try:
        assert await passages(library) == []
    finally:
        embeddings.open_embedder.cache_clear()
