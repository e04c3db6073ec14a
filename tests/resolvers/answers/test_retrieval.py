"""Retrieval: ties by document and position, at most two chunks of a document, and the names in a text."""

from collections.abc import AsyncIterator

import psycopg
import pytest

from datasources.aurora.documents.chunks import fetch_stale_documents, replace_chunks
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.records.document_chunks import DocumentChunkRecord, IndexRules
from datasources.records.documents import DocumentKind
from datasources.request import use_request
from resolvers.answers.passages import GraphRelation
from resolvers.answers.retrieval import names_in, retrieve
from tests.fixtures.answers import Library, chunk_id, open_library
from tests.fixtures.operations import DOCUMENT, uuid

TWINS = (uuid(DOCUMENT, 21), uuid(DOCUMENT, 20))


@pytest.fixture(scope="module")
async def library(postgres: EmbeddedPostgres) -> AsyncIterator[Library]:
    async with open_library(postgres, "retrieval") as opened:
        with psycopg.connect(opened.urls[0], autocommit=True) as connection:
            for document in TWINS:
                connection.execute(
                    "INSERT INTO documents (id, key, title) VALUES (%s, %s, 'Zebra')", (document, document[-2:])
                )
        for stale in await fetch_stale_documents(opened.sources.main, IndexRules("by hand"), 10):
            chunks = [
                DocumentChunkRecord(
                    id=chunk_id(stale.id, n),
                    document_id=stale.id,
                    position=n,
                    heading="Animals",
                    body="zebra stripes",
                    first_line=1,
                    last_line=1,
                    content_hash="hash",
                )
                for n in (2, 0, 1)
            ]
            async with opened.sources.main.transaction() as transaction:
                assert await replace_chunks(transaction, stale, IndexRules("by hand"), chunks)
        yield opened


async def places(library: Library, text: str, first: int, kind: DocumentKind | None = None) -> list[tuple[str, int]]:
    context = library.context()
    with use_request(context.request):
        passages = await retrieve(context, text, [], first, kind)
    assert all(each.relation is GraphRelation.NONE for each in passages)
    return [(each.chunk.document_id[-2:], each.chunk.position) for each in passages]


async def test_equal_chunks_are_ordered_by_document_and_position(library: Library) -> None:
    expected = [("20", 0), ("20", 1), ("21", 0), ("21", 1)]
    for first in (1, 3, 10):
        assert await places(library, "stripes", first) == expected[:first]


async def test_chunks_of_documents_that_share_a_name_are_ordered_alike(library: Library) -> None:
    assert await places(library, "zebra", 10) == [("20", 0), ("20", 1), ("21", 0), ("21", 1)]
    assert await places(library, "zebra", 10, DocumentKind.RUNBOOK) == []


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("How do I fail over Redis?", ["How do I fail over Redis"]),
        ("Why PatroniLagTooHigh, on (db-01)?", ["Why PatroniLagTooHigh, on (db-01)", "PatroniLagTooHigh", "db-01"]),
        ("`SLO` of an_item or of ab", ["`SLO` of an_item or of ab", "SLO", "an_item"]),
        ("Redis is down\nsee RB-1 and IT and e2", ["Redis is down", "RB-1"]),
        (" ??? ", []),
        ("", []),
    ],
)
def test_names_are_the_first_line_and_identifiers(text: str, names: list[str]) -> None:
    assert names_in(text) == names


def test_the_number_of_names_is_bounded() -> None:
    assert len(names_in(" ".join(f"db-{n}" for n in range(1_000)))) == 50
