"""Chunks are ranked by the cosine of their embeddings, alike with and without pgvector."""

from collections.abc import AsyncIterator

import psycopg
import pytest

from datasources.aurora.documents.vectors import (
    insert_vectors,
    rank_chunks_by_vectors,
)
from datasources.aurora.driver.database import Database
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.records.documents import DocumentKind
from datasources.records.queries import Scope
from tests.fixtures.databases import create_database

EVERYTHING = Scope(sees_restricted=True)
NOTHING = Scope(sees_restricted=False)
TEAM = "00000000-0000-7000-8000-00000000000a"
# The last one is of a restricted document.
ASKED = [0.6, 0.8, 0.0]
EMBEDDINGS = [[1.0, 0.0, 0.0], [0.6, 0.8, 0.0], [0.0, 0.6, -0.8], [0.6, 0.8, 0.0], [0.8, 0.6, 0.0]]


def number(n: int) -> str:
    return f"00000000-0000-7000-8000-{n:012d}"


@pytest.fixture(scope="module", params=["pgvector", "plain"])
async def database(postgres: EmbeddedPostgres, request: pytest.FixtureRequest) -> AsyncIterator[Database]:
    url = create_database(postgres, f"document_vectors_{request.param}")
    with psycopg.connect(url, autocommit=True) as connection:
        there = connection.execute("SELECT to_regtype('vector')::text").fetchone()
        if request.param == "plain":
            connection.execute("DROP EXTENSION IF EXISTS vector")
        elif there == (None,):
            pytest.skip("this PostgreSQL has no pgvector")
        connection.execute("INSERT INTO teams (id, key, name) VALUES (%s, 'security', 'Security')", (TEAM,))
        for n, restricted in ((1, None), (2, TEAM)):
            connection.execute(
                "INSERT INTO documents (id, key, title, restricted_team_id) VALUES (%s, %s, 'x', %s)",
                (number(n), str(n), restricted),
            )
        for n in range(len(EMBEDDINGS) + 1):
            connection.execute(
                "INSERT INTO document_chunks VALUES (%s, %s, %s, %s, 'body', 1, 1, '', 1)",
                (number(100 + n), number(2 if n == 4 else 1), n, f"heading {n}"),
            )
    database = Database("main", url)
    async with database.transaction() as transaction:
        given = {number(100 + n): embedding for n, embedding in enumerate(EMBEDDINGS)}
        await insert_vectors(transaction, "one", given)
        await insert_vectors(transaction, "other", {number(105): [1.0, 0.0]})
    yield database
    await database.close()


async def ranks(database: Database, scope: Scope, limit: int = 10) -> list[tuple[int, float]]:
    [found] = await rank_chunks_by_vectors(database, [ASKED], "one", scope, limit)
    return [(int(match.chunk_id[-3:]) - 100, round(match.score, 6)) for match in found]


async def test_chunks_are_ranked_by_the_cosine_and_then_by_position(database: Database) -> None:
    assert await ranks(database, EVERYTHING) == [(1, 1.0), (3, 1.0), (4, 0.96), (0, 0.6), (2, 0.48)]
    assert await ranks(database, EVERYTHING, 2) == [(1, 1.0), (3, 1.0)]


async def test_several_embeddings_and_one_kind_of_documents(database: Database) -> None:
    asked = [ASKED, [0.0, 0.0, -1.0]]
    found = await rank_chunks_by_vectors(database, asked, "one", EVERYTHING, 1, DocumentKind.KNOWLEDGE)
    assert [[match.chunk_id for match in each] for each in found] == [[number(101)], [number(102)]]
    assert await rank_chunks_by_vectors(database, asked, "one", EVERYTHING, 1, DocumentKind.RUNBOOK) == [[], []]


async def test_restricted_documents_are_for_their_team_alone(database: Database) -> None:
    assert await ranks(database, NOTHING) == [(1, 1.0), (3, 1.0), (0, 0.6), (2, 0.48)]
    assert await ranks(database, Scope(False, ("payments",)), 1) == [(1, 1.0)]
    assert (4, 0.96) in await ranks(database, Scope(False, ("security",)))


async def test_models_are_never_compared_with_each_other(database: Database) -> None:
    assert await rank_chunks_by_vectors(database, [ASKED], "other", EVERYTHING, 10) == [[]]
    assert await rank_chunks_by_vectors(database, [ASKED], "none", EVERYTHING, 10) == [[]]
