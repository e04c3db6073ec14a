"""Chunks of documents are ranked by BM25, as a plain computation ranks them, and replaced as a whole."""

import math
from collections import Counter
from collections.abc import AsyncIterator

import psycopg
import pytest

from datasources.aurora.documents.chunks import (
    fetch_chunks,
    fetch_stale_documents,
    rank_chunks_by_texts,
    replace_chunks,
)
from datasources.aurora.driver.database import Database
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.records.document_chunks import DocumentChunkMatch, DocumentChunkRecord, IndexRules, StaleDocument
from datasources.records.queries import Scope
from tests.fixtures.databases import create_database

EVERYTHING = Scope(sees_restricted=True)
TEAM = "00000000-0000-7000-8000-00000000000a"
DOCUMENTS = {
    # key: restricted, chunks as (heading, body)
    "redis": (False, [("Redis > Failover", "promote the replica of redis"), ("Redis > Roles", "ask every node")]),
    "disk": (False, [("Volume full", "grow the volume; redis is not involved")]),
    "breach": (True, [("Breach", "redis replica promote promote promote")]),
}


def number(n: int) -> str:
    return f"00000000-0000-7000-8000-{n:012d}"


@pytest.fixture(scope="module")
async def database(postgres: EmbeddedPostgres) -> AsyncIterator[Database]:
    url = create_database(postgres, "document_chunks")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("INSERT INTO teams (id, key, name) VALUES (%s, 'security', 'Security')", (TEAM,))
        for n, (key, (restricted, _)) in enumerate(DOCUMENTS.items()):
            connection.execute(
                "INSERT INTO documents (id, key, title, restricted_team_id) VALUES (%s, %s, %s, %s)",
                (number(n), key, key, TEAM if restricted else None),
            )
    database = Database("main", url)
    next_id = 100
    for document in await fetch_stale_documents(database, IndexRules("test"), 10):
        _, pieces = DOCUMENTS[document.title]
        chunks = []
        for position, (heading, body) in enumerate(pieces):
            next_id += 1
            chunks.append(
                DocumentChunkRecord(
                    id=number(next_id),
                    document_id=document.id,
                    position=position,
                    heading=heading,
                    body=body,
                    first_line=1,
                    last_line=1,
                    content_hash="hash",
                )
            )
        async with database.transaction() as transaction:
            assert await replace_chunks(transaction, document, IndexRules("test"), chunks)
    yield database
    await database.close()


async def rank_chunks(database: Database, text: str, scope: Scope, limit: int) -> list[DocumentChunkMatch]:
    return (await rank_chunks_by_texts(database, [text], scope, limit))[text]


def bm25(question: list[str], *, hidden: bool = True) -> list[tuple[str, float]]:
    """Scores by the textbook: words in headings count twice; stems and stop words are written by hand.

    Without hidden documents, restricted ones count for nothing.
    """
    stems = {
        "replica": "replica",
        "nodes": "node",
        "the": "",
        "of": "",
        "is": "",
        "not": "",
        "promote": "promot",
    }
    found: dict[str, Counter[str]] = {}
    next_id = 100
    for restricted, pieces in DOCUMENTS.values():
        for heading, body in pieces:
            next_id += 1
            if restricted and not hidden:
                continue
            counts: Counter[str] = Counter()
            for text, weight in ((heading, 2), (body, 1)):
                for word in text.lower().replace(">", " ").replace(";", " ").split():
                    stem = stems.get(word, word)
                    if stem:
                        counts[stem] += weight
            found[number(next_id)] = counts
    mean = sum(counts.total() for counts in found.values()) / len(found)
    scores = []
    for chunk, counts in found.items():
        score = 0.0
        for term in question:
            frequency = sum(term in other for other in found.values())
            idf = math.log(1 + (len(found) - frequency + 0.5) / (frequency + 0.5))
            score += idf * counts[term] * 2.2 / (counts[term] + 1.2 * (0.25 + 0.75 * counts.total() / mean))
        if score:
            scores.append((chunk, score))
    return sorted(scores, key=lambda pair: (-pair[1], pair[0]))


async def test_chunks_are_ranked_as_the_textbook_ranks_them(database: Database) -> None:
    found = await rank_chunks(database, "How to promote a redis replica?", EVERYTHING, 10)
    expected = bm25(["promot", "redi", "redis", "replica"])
    assert [match.chunk_id for match in found] == [chunk for chunk, _ in expected]
    assert [match.score for match in found] == pytest.approx([score for _, score in expected], rel=1e-5)
    assert await rank_chunks(database, "How to promote a redis replica?", EVERYTHING, 1) == found[:1]


async def test_hidden_chunks_change_no_score_of_others(database: Database) -> None:
    found = await rank_chunks(database, "How to promote a redis replica?", Scope(False, ()), 10)
    expected = bm25(["promot", "redi", "redis", "replica"], hidden=False)
    assert len(expected) == 3
    assert [match.chunk_id for match in found] == [chunk for chunk, _ in expected]
    assert [match.score for match in found] == pytest.approx([score for _, score in expected], rel=1e-5)


async def test_restricted_documents_are_for_their_team_alone(database: Database) -> None:
    for scope, count in ((EVERYTHING, 4), (Scope(False, ("security",)), 4), (Scope(False, ("payments",)), 3)):
        found = await rank_chunks(database, "redis", scope, 10) + await rank_chunks(database, "breach", scope, 10)
        chunks = {match.chunk_id for match in found}
        assert len(chunks) == count
        assert len(await fetch_chunks(database, [number(n) for n in range(101, 105)], scope)) == count


async def test_a_document_that_changed_meanwhile_is_left_as_it_is(database: Database) -> None:
    assert await fetch_stale_documents(database, IndexRules("test"), 10) == []
    [first, *_] = await fetch_stale_documents(database, IndexRules("other rules"), 10)
    old = StaleDocument(id=first.id, title=first.title, body=first.body, version=first.version + 1)
    async with database.transaction() as transaction:
        assert not await replace_chunks(transaction, old, IndexRules("other rules"), [])
    assert len(await fetch_chunks(database, [number(101), number(102)], EVERYTHING)) == 2


@pytest.mark.parametrize("text", ["", "the of", "?!", "kubernetes"])
async def test_texts_without_known_terms_find_nothing(database: Database, text: str) -> None:
    assert await rank_chunks(database, text, EVERYTHING, 10) == []


async def test_identifiers_are_found_part_by_part(database: Database) -> None:
    found = await rank_chunks(database, "RedisFailover", Scope(False, ()), 1)
    assert [match.chunk_id for match in found] == [number(101)]
