"""Publication where S3 refuses objects or a process dies: nothing else waits, and nothing is forgotten."""

import asyncio

import pytest

from datasources.aurora.documents import publications
from datasources.aurora.driver.transaction import Transaction
from datasources.errors import SourceRefused, SourceUnavailable
from datasources.records.document_chunks import ChunkPublication
from datasources.sources import Sources
from resolvers.documents import publishing
from resolvers.documents.indexing import index_documents
from resolvers.documents.publishing import publish_batch
from tests.fixtures.bedrock import Bedrock
from tests.fixtures.bedrock_language import bedrock, model
from tests.fixtures.bucket import Bucket, bucket
from tests.fixtures.publication_stores import (
    chunks_of,
    database_url,
    ingestions,
    publish,
    refuse,
    source_of,
    sources,
    url,
)
from tests.fixtures.publishing import SUFFIX, expected, restrict, write
from tests.resolvers.documents.test_indexing import execute

__all__ = ["bedrock", "bucket", "database_url", "model", "sources", "url"]

LOST = (503, "SlowDown")


async def test_a_failed_put_is_repeated_alone(sources: Sources, url: str, bucket: Bucket) -> None:
    write(url, "a", "b", "c")
    await index_documents(sources)
    [(id,)] = execute(url, "SELECT c.id::text FROM document_chunks c JOIN documents d ON d.id = c.document_id"
                      " WHERE d.key = 'b'")  # fmt: skip
    bucket.fail = lambda method, key: LOST if key.endswith(f"{id}.md") else None
    with pytest.raises(SourceUnavailable, match="PutObject failed: SlowDown"):
        await publish_batch(sources, source_of(sources))
    assert {*bucket.objects} == {key for key in expected(url) if not key.endswith(f"{id}.md")}
    bucket.fail = lambda method, key: None
    bucket.requests.clear()
    assert await publish(sources) == 1
    assert len(bucket.requests) == 2
    assert bucket.objects == expected(url)


@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_a_failed_delete_is_repeated(sources: Sources, url: str, bucket: Bucket, method: str) -> None:
    write(url, "a")
    await publish(sources)
    execute(url, "DELETE FROM documents")
    bucket.fail = lambda requested, key: LOST if requested == method else None
    with pytest.raises(SourceUnavailable):
        await publish(sources)
    bucket.fail = lambda requested, key: None
    assert await publish(sources) == 1
    assert bucket.objects == {}


async def test_a_refused_delete_stops_neither_the_others_nor_a_restriction(
    sources: Sources, url: str, bucket: Bucket, bedrock: Bedrock
) -> None:
    write(url, "a", "b", "c")
    await publish(sources)
    refused = chunks_of(url, "a")
    execute(url, "DELETE FROM documents WHERE key IN ('a', 'b')")
    restrict(url, "c", "security")
    write(url, "d")
    await index_documents(sources)
    refuse(bucket, "DELETE", refused)
    bucket.requests.clear()
    with pytest.raises(SourceUnavailable, match="S3 did not delete an object: AccessDenied"):
        await publish_batch(sources, source_of(sources))
    # Of b, then the new metadata of c, then both objects of d.
    assert [method for method, _ in bucket.requests] == ["DELETE"] * 2 + ["PUT"] * 3
    left = {key: text for key, text in bucket.objects.items() if any(id in key for id in refused)}
    assert (len(left), bucket.objects) == (2, expected(url) | left)
    assert ingestions(bedrock) == 1
    bucket.fail = lambda method, key: None
    assert await publish(sources) == 1
    assert bucket.objects == expected(url)
    assert execute(url, "SELECT count(*) FROM published_chunks") == [(2,)]


@pytest.mark.parametrize("change", ["new", "restricted"])
async def test_refused_chunks_do_not_starve_the_others(
    sources: Sources, url: str, bucket: Bucket, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    monkeypatch.setattr(publishing, "PUT_BATCH_SIZE", 3)
    first = [f"a{number}" for number in range(4)]
    write(url, *first)
    await index_documents(sources)
    if change == "restricted":
        await publish(sources)
        for key in first:
            restrict(url, key, "security")
    refuse(bucket, "PUT", chunks_of(url, *first))
    write(url, "b")
    await index_documents(sources)
    bucket.requests.clear()
    # Three of the four; the last one and the new one; then only refused ones wait.
    for _ in range(3):
        with pytest.raises(SourceRefused, match="PutObject failed: AccessDenied"):
            await publish_batch(sources, source_of(sources))
    [new] = chunks_of(url, "b")
    assert [key.split("/")[-1] for _, key in bucket.requests] == [f"{new}.md{SUFFIX}", f"{new}.md"]
    # What comes later is published at once, by itself.
    write(url, "c")
    await index_documents(sources)
    assert await publish_batch(sources, source_of(sources)) == 1
    bucket.fail = lambda method, key: None
    assert await publish(sources) == 4
    assert bucket.objects == expected(url)
    assert execute(url, "SELECT count(*) FROM published_chunks WHERE failed_at > '-infinity'") == [(0,)]


async def test_those_that_failed_longest_ago_are_tried_first(
    sources: Sources, url: str, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "PUT_BATCH_SIZE", 2)
    keys = ("a", "b", "c")
    write(url, *keys)
    await index_documents(sources)
    refuse(bucket, "PUT", chunks_of(url, *keys))
    for _ in range(2):
        with pytest.raises(SourceRefused):
            await publish_batch(sources, source_of(sources))
    # In a moment S3 accepts only the one that failed last.
    [(last,)] = execute(url, "SELECT chunk_id::text FROM published_chunks ORDER BY failed_at DESC LIMIT 1")
    refuse(bucket, "PUT", chunks_of(url, *keys) - {last})
    for _ in range(2):
        with pytest.raises(SourceRefused):
            await publish_batch(sources, source_of(sources))
    assert len(bucket.objects) == 2


@pytest.mark.parametrize("is_written", [True, False])
async def test_refused_deletes_hide_no_chunk_that_waits(
    sources: Sources, url: str, bucket: Bucket, monkeypatch: pytest.MonkeyPatch, is_written: bool
) -> None:
    """A deleted chunk stays recorded next to those that wait, even before its own deletion is tried."""
    monkeypatch.setattr(publishing, "DELETE_BATCH_SIZE", 1)
    monkeypatch.setattr(publishing, "PUT_BATCH_SIZE", 1)
    write(url, "a", "b")
    await publish(sources)
    write(url, "c")
    await publish(sources)
    refuse(bucket, "DELETE", chunks_of(url, "a", "b"))
    write(url, "a", "b", body="Other.")
    if is_written:
        restrict(url, "a", "security")
        restrict(url, "b", "security")
        restrict(url, "c", "security")
    else:
        execute(url, "UPDATE published_chunks SET item_ids = NULL WHERE chunk_id = ANY(%s::uuid[])",
                [*chunks_of(url, "a", "b")])  # fmt: skip
    await index_documents(sources)
    bucket.requests.clear()
    with pytest.raises(SourceUnavailable):
        await publish_batch(sources, source_of(sources))
    [put] = {key.split("/")[-1].split(".")[0] for _, key in bucket.requests}
    assert put in (chunks_of(url, "c") if is_written else chunks_of(url, "a", "b"))


async def test_what_a_dead_process_wrote_is_deleted_with_its_chunk(
    sources: Sources, url: str, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def die(transaction: Transaction, chunks: list[ChunkPublication]) -> None:
        raise asyncio.CancelledError

    monkeypatch.setattr(publications, "record_written", die)
    write(url, "a")
    with pytest.raises(asyncio.CancelledError):
        await publish(sources)
    monkeypatch.undo()
    assert len(bucket.objects) == 2
    write(url, "a", body="Other.")
    await index_documents(sources)
    assert await publish(sources) == 2
    assert bucket.objects == expected(url)
