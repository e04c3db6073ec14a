"""The index of documents: every version is split once, whoever wrote it, and one bad document stops no other."""

import asyncio
import logging
from collections.abc import AsyncIterator

import psycopg
import pytest

from datasources.aurora.driver.database import Database
from datasources.cache.off import NoCache
from datasources.documents.chunks import Chunk, split_document
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.graph.recursive.adapter import RecursiveGraph
from datasources.language.embeddings import DIMENSIONS, MODEL
from datasources.sources import Sources
from resolvers.documents import indexing
from resolvers.documents.indexing import BATCH_SIZE, index_batch, index_documents
from resolvers.imports.progress import ProgressStep
from tests.fixtures.databases import create_database
from workers.documents import background_indexer

BODY = "# Check\n\nLook at the lag.\n"


@pytest.fixture(scope="module")
def database_url(postgres: EmbeddedPostgres) -> str:
    return create_database(postgres, "indexing")


@pytest.fixture
def url(database_url: str) -> str:
    execute(database_url, "DELETE FROM documents")
    return database_url


@pytest.fixture
async def sources(url: str) -> AsyncIterator[Sources]:
    main = Database("main", url)
    yield Sources(main, main, RecursiveGraph(main), NoCache())
    await main.close()


def execute(url: str, text: str, *values: object) -> list[tuple[object, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(text.encode(), values)
        return cursor.fetchall() if cursor.description is not None else []


def write(url: str, *keys: str, body: str = BODY) -> None:
    for key in keys:
        execute(
            url,
            "INSERT INTO documents (id, key, title, body) VALUES (gen_random_uuid(), %s, %s, %s)",
            key,
            f"Title {key}",
            body,
        )


def chunks(url: str) -> list[tuple[object, ...]]:
    return execute(
        url,
        "SELECT d.key, c.position, c.heading, c.body, c.first_line, c.last_line, c.content_hash"
        " FROM document_chunks c JOIN documents d ON d.id = c.document_id ORDER BY d.key, c.position",
    )


def expected(key: str, body: str = BODY) -> list[tuple[object, ...]]:
    return [
        (key, position, each.heading, each.body, each.first_line, each.last_line, each.content_hash)
        for position, each in enumerate(split_document(f"Title {key}", body))
    ]


async def test_documents_are_indexed_once_and_again_when_they_change(sources: Sources, url: str) -> None:
    write(url, "a", "b")
    assert await index_documents(sources) == 2
    assert chunks(url) == expected("a") + expected("b")
    before = execute(url, "SELECT id FROM document_chunks ORDER BY id")
    assert await index_documents(sources) == 0
    execute(url, "UPDATE documents SET body = 'Other.', version = version + 1 WHERE key = 'b'")
    assert await index_documents(sources) == 1
    assert chunks(url) == expected("a") + expected("b", "Other.")
    assert len({*before} & {*execute(url, "SELECT id FROM document_chunks")}) == 1


async def test_other_rules_make_all_chunks_again(sources: Sources, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write(url, "a", "b")
    assert await index_documents(sources) == 2
    monkeypatch.setattr(indexing, "CHUNKING", "other")
    assert await index_documents(sources) == 2
    assert execute(url, "SELECT DISTINCT chunking FROM document_indexes") == [("other",)]


async def test_chunks_are_embedded_by_one_model(sources: Sources, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write(url, "a")
    monkeypatch.setattr(indexing, "installed_model", lambda: None)
    assert await index_documents(sources) == 1
    assert execute(url, "SELECT count(*) FROM document_chunk_vectors") == [(0,)]
    monkeypatch.undo()
    # A process with a model embeds what one without it divided, and that one leaves it as it is.
    assert await index_documents(sources) == 1
    rows = "SELECT model, cardinality(embedding), chunk_id FROM document_chunk_vectors"
    embedded = execute(url, rows)
    assert [(model, length) for model, length, _ in embedded] == [(MODEL, DIMENSIONS)]
    monkeypatch.setattr(indexing, "installed_model", lambda: None)
    assert await index_documents(sources) == 0
    assert execute(url, rows) == embedded


async def test_progress_counts_documents(sources: Sources, url: str) -> None:
    write(url, *(f"{number:02}" for number in range(BATCH_SIZE + 1)))
    steps: list[ProgressStep] = []
    assert await index_documents(sources, steps.append) == BATCH_SIZE + 1
    assert [(step.phase, step.done, step.total) for step in steps] == [
        ("indexing", BATCH_SIZE, BATCH_SIZE + 1),
        ("indexing", BATCH_SIZE + 1, BATCH_SIZE + 1),
    ]


async def test_two_at_once_make_each_chunk_once(sources: Sources, url: str) -> None:
    write(url, *(f"{number:02}" for number in range(10)))
    await asyncio.gather(*(index_documents(sources) for _ in range(4)))
    assert chunks(url) == [row for number in range(10) for row in expected(f"{number:02}")]
    # None was made twice: a chunk that is deleted and made again leaves a dead row.
    assert execute(url, "SELECT count(*) FROM document_indexes WHERE xmax <> 0") == [(0,)]


async def test_a_document_that_cannot_be_split_stops_no_other(
    sources: Sources, url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def split(title: str, body: str) -> list[Chunk]:
        if title == "Title secret":
            raise RecursionError(body)
        return split_document(title, body)

    monkeypatch.setattr(indexing, "split_document", split)
    write(url, "a", "secret", "z")
    with caplog.at_level(logging.INFO, "stackflow.documents"):
        assert await index_documents(sources) == 3
    assert chunks(url) == expected("a") + expected("z")
    [line] = caplog.records
    [(id,)] = execute(url, "SELECT id::text FROM documents WHERE key = 'secret'")
    assert (line.getMessage(), vars(line)["document"]) == ("a document has no chunks", id)
    # It waits no longer, until its next version.
    assert await index_documents(sources) == 0
    monkeypatch.undo()
    execute(url, "UPDATE documents SET version = version + 1 WHERE key = 'secret'")
    assert await index_documents(sources) == 1
    assert chunks(url) == expected("a") + expected("secret") + expected("z")


@pytest.mark.parametrize("body", ["x" * 1_500_000, "word " * 300_000, "é" * 600_000, "a.b_c" * 200_000])
async def test_an_endless_line_is_stored(sources: Sources, url: str, body: str) -> None:
    write(url, "long", body=body)
    assert await index_documents(sources) == 1
    pieces = [str(row[3]) for row in chunks(url)]
    assert max(map(len, pieces)) <= 1_400
    assert "".join(pieces).replace(" ", "") == body.replace(" ", "")


async def test_a_document_that_is_deleted_meanwhile_is_skipped(
    sources: Sources, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def split(title: str, body: str) -> list[Chunk]:
        execute(url, "DELETE FROM documents")
        return split_document(title, body)

    monkeypatch.setattr(indexing, "split_document", split)
    write(url, "gone")
    assert await index_batch(sources) == 1
    assert chunks(url) == []


async def test_the_worker_finds_documents_that_anybody_wrote(sources: Sources, url: str) -> None:
    async with background_indexer(sources), asyncio.timeout(30):
        for key in ("a", "b"):
            write(url, key)
            while not [row for row in chunks(url) if row[0] == key]:
                await asyncio.sleep(0.05)
    assert chunks(url) == expected("a") + expected("b")
