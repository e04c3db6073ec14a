"""Cached answers are found by their question and by similar ones, alike with and without pgvector."""

from collections.abc import AsyncIterator

import psycopg
import pytest

from datasources.aurora.answers import cache
from datasources.aurora.driver.database import Database
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.records.answers import CachedAnswerQuery, CachedAnswerRecord
from datasources.records.queries import Scope
from tests.fixtures.databases import create_database

NOTHING = Scope(sees_restricted=False)
EMBEDDINGS = {"a": (1.0, 0.0), "b": (0.8, 0.6), "c": (0.6, 0.8), "d": (0.0, 1.0)}


@pytest.fixture(scope="module", params=["pgvector", "plain"])
async def database(postgres: EmbeddedPostgres, request: pytest.FixtureRequest) -> AsyncIterator[Database]:
    url = create_database(postgres, f"cached_answers_{request.param}")
    with psycopg.connect(url, autocommit=True) as connection:
        there = connection.execute("SELECT to_regtype('vector')::text").fetchone()
        if request.param == "plain":
            connection.execute("DROP EXTENSION IF EXISTS vector")
        elif there == (None,):
            pytest.skip("this PostgreSQL has no pgvector")
    database = Database("main", url)
    for number, (name, embedding) in enumerate(EMBEDDINGS.items()):
        await put(database, number, CachedAnswerQuery("one", name, "model", embedding))
    await put(database, 10, CachedAnswerQuery("two", "a", "model", EMBEDDINGS["a"]))
    await put(database, 11, CachedAnswerQuery("one", "e", "other", EMBEDDINGS["a"]))
    await put(database, 12, CachedAnswerQuery("one", "f"))
    yield database
    await database.close()


async def put(database: Database, number: int, query: CachedAnswerQuery) -> None:
    record = CachedAnswerRecord(f"00000000-0000-7000-8000-{number:012d}", query.canonical, [], [], [], [])
    await cache.store(database, query, record, 1)


async def found(database: Database, query: CachedAnswerQuery, least: float = 0.6, limit: int = 5) -> list[str]:
    return [each.value for each in await cache.fetch_candidates(database, query, NOTHING, least, limit)]


async def test_the_same_question_comes_first_then_the_most_similar(database: Database) -> None:
    assert await found(database, CachedAnswerQuery("one", "x", "model", (0.8, 0.6))) == ["b", "c", "a", "d"]
    assert await found(database, CachedAnswerQuery("one", "d", "model", (0.8, 0.6)), 0.79) == ["d", "b", "c", "a"]
    assert await found(database, CachedAnswerQuery("one", "d", "model", (0.8, 0.6)), 0.9) == ["d", "b", "c"]
    assert await found(database, CachedAnswerQuery("one", "d", "model", (0.8, 0.6)), 0.9, 1) == ["d", "b"]


async def test_without_a_model_only_the_same_question_is_found(database: Database) -> None:
    assert await found(database, CachedAnswerQuery("one", "f")) == ["f"]
    assert await found(database, CachedAnswerQuery("one", "x")) == []


async def test_partitions_and_models_are_apart(database: Database) -> None:
    assert await found(database, CachedAnswerQuery("two", "x", "model", (1.0, 0.0))) == ["a"]
    assert await found(database, CachedAnswerQuery("one", "x", "other", (1.0, 0.0))) == ["e"]
