"""Publication of chunks: the bucket becomes what the tables say, whatever fails on the way."""

import asyncio

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datasources.aurora.documents import publications
from datasources.errors import SourceUnavailable
from datasources.sources import Sources
from resolvers.documents import publishing
from resolvers.documents.indexing import index_documents
from resolvers.documents.publishing import publish_batch, publish_chunks, start_ingestion
from resolvers.imports.progress import ProgressStep
from tests.fixtures.bedrock import Bedrock, Refusal
from tests.fixtures.bedrock_language import bedrock, model
from tests.fixtures.bedrock_model import INGESTION
from tests.fixtures.bucket import Bucket, bucket
from tests.fixtures.publication_stores import (
    database_url,
    ingestions,
    publish,
    source_of,
    sources,
    url,
)
from tests.fixtures.publishing import SUFFIX, empty, expected, link, restrict, write
from tests.resolvers.documents.test_indexing import BODY, execute

__all__ = ["bedrock", "bucket", "database_url", "model", "sources", "url"]


async def test_chunks_are_published_once(sources: Sources, url: str, bucket: Bucket) -> None:
    write(url, "a", "b")
    link(url, "b", 2)
    restrict(url, "b", "security")
    assert await publish(sources) == 2
    assert bucket.objects == expected(url)
    assert len(bucket.objects) == 4
    assert await publish(sources) == 0
    assert len(bucket.requests) == 4


async def test_a_changed_document_has_new_objects_and_loses_the_old_ones(
    sources: Sources, url: str, bucket: Bucket
) -> None:
    write(url, "a", "b")
    await publish(sources)
    before = {*bucket.objects}
    write(url, "b", body="Other.")
    assert await publish(sources) == 2
    assert bucket.objects == expected(url)
    assert len(before & {*bucket.objects}) == 2
    assert [method for method, _ in bucket.requests] == ["PUT"] * 4 + ["DELETE"] * 2 + ["PUT"] * 2


async def test_a_deleted_document_loses_its_objects(sources: Sources, url: str, bucket: Bucket) -> None:
    write(url, "a")
    await publish(sources)
    execute(url, "DELETE FROM documents")
    assert await publish(sources) == 1
    assert bucket.objects == {}
    assert execute(url, "SELECT * FROM published_chunks") == []


@pytest.mark.parametrize("change", ["restricted", "lifted", "linked", "another key of the team"])
async def test_only_metadata_is_written_where_no_text_changed(
    sources: Sources, url: str, bucket: Bucket, change: str
) -> None:
    write(url, "a")
    if change in {"lifted", "another key of the team"}:
        restrict(url, "a", "security")
    await publish(sources)
    bucket.requests.clear()
    if change == "linked":
        link(url, "a", 3)
    elif change == "another key of the team":
        execute(url, "UPDATE teams SET key = 'secops'")
    else:
        restrict(url, "a", "security" if change == "restricted" else None)
    assert await publish(sources) == 1
    [(method, key)] = bucket.requests
    assert (method, key.endswith(SUFFIX)) == ("PUT", True)
    assert bucket.objects == expected(url)
    execute(url, "UPDATE teams SET key = 'security'")


async def test_a_new_restriction_is_written_before_new_texts(sources: Sources, url: str, bucket: Bucket) -> None:
    write(url, "a")
    await publish(sources)
    bucket.requests.clear()
    write(url, *(f"{number:03}" for number in range(publishing.PUT_BATCH_SIZE)))
    restrict(url, "a", "security")
    await index_documents(sources)
    assert await publish_batch(sources, source_of(sources)) == publishing.PUT_BATCH_SIZE
    [(id,)] = execute(
        url, "SELECT c.id::text FROM document_chunks c JOIN documents d ON d.id = c.document_id WHERE d.key = 'a'"
    )
    assert [key for _, key in bucket.requests if f"{id}." in key] != []
    assert await publish_batch(sources, source_of(sources)) == 1


async def test_twenty_items_are_named(sources: Sources, url: str, bucket: Bucket) -> None:
    write(url, "a")
    link(url, "a", 30)
    assert await publish(sources) == 1
    assert bucket.objects == expected(url)
    [metadata] = [text for key, text in bucket.objects.items() if key.endswith(SUFFIX)]
    assert len(msgspec.json.decode(metadata)["metadataAttributes"]["item_ids"]) == 20
    # Without Bedrock's own, of the 2 kB that S3 Vectors keeps.
    assert len(metadata) < 1_200
    # Others change nothing.
    link(url, "a", 25)
    assert await publish(sources) == 0


async def test_several_at_once_write_each_object_once(sources: Sources, url: str, bucket: Bucket) -> None:
    write(url, *(f"{number:02}" for number in range(10)))
    await index_documents(sources)
    done = await asyncio.gather(*(publish_batch(sources, source_of(sources)) for _ in range(4)))
    assert sorted(done) == [0, 0, 0, 10]
    assert bucket.objects == expected(url)
    assert len(bucket.requests) == 20


async def test_all_is_written_again_on_demand(sources: Sources, url: str, bucket: Bucket) -> None:
    write(url, "a", "b", "c")
    await publish(sources)
    bucket.objects.clear()
    assert await publish(sources) == 0
    steps: list[ProgressStep] = []
    assert await publish_chunks(sources, source_of(sources), steps.append, again=True) == (3, True)
    assert [(step.phase, step.done, step.total) for step in steps] == [("publishing", 3, 3)]
    assert bucket.objects == expected(url)


async def test_the_progress_counts_what_is_written_and_what_is_deleted(sources: Sources, url: str) -> None:
    write(url, "a", "b", "c")
    await publish(sources)
    write(url, "a", body="Other.")
    execute(url, "DELETE FROM documents WHERE key = 'b'")
    restrict(url, "c", "security")
    await index_documents(sources)
    assert await publications.count(sources.main) == 4
    steps: list[ProgressStep] = []
    assert (await publish_chunks(sources, source_of(sources), steps.append))[0] == 4
    assert [(step.done, step.total) for step in steps] == [(2, 4), (4, 4)]
    assert await publications.count(sources.main) == 0


async def test_many_changes_share_an_ingestion(sources: Sources, url: str, bedrock: Bedrock) -> None:
    data_source = source_of(sources)
    assert not await start_ingestion(sources, data_source)
    write(url, "a")
    await publish(sources)
    assert await start_ingestion(sources, data_source)
    write(url, "b")
    await publish(sources)
    # Within a minute.
    assert not await start_ingestion(sources, data_source)
    assert ingestions(bedrock) == 1
    execute(url, "UPDATE knowledge_ingestions SET tried_at = tried_at - interval '1 minute'")
    started = await asyncio.gather(*(start_ingestion(sources, data_source) for _ in range(3)))
    assert sorted(started) == [False, False, True]
    execute(url, "UPDATE knowledge_ingestions SET tried_at = tried_at - interval '1 minute'")
    assert not await start_ingestion(sources, data_source)
    assert ingestions(bedrock) == 2


async def test_no_ingestion_starts_while_objects_are_written(sources: Sources, url: str) -> None:
    """What is written after its start would wait for the next change."""
    write(url, "a")
    await publish(sources)
    async with sources.main.transaction() as transaction:
        assert await publications.lock(transaction, 60)
        assert not await start_ingestion(sources, source_of(sources))
    assert await start_ingestion(sources, source_of(sources))


@pytest.mark.parametrize("change", ["put", "delete"])
async def test_a_change_during_an_ingestion_has_one_after_it(
    sources: Sources, url: str, bedrock: Bedrock, change: str
) -> None:
    write(url, "a")
    await publish(sources)
    if change == "delete":
        await start_ingestion(sources, source_of(sources))
        execute(url, "UPDATE knowledge_ingestions SET tried_at = tried_at - interval '1 minute'")
        execute(url, "DELETE FROM documents")
        assert await publish(sources) == 1
    bedrock.received.clear()
    bedrock.script("StartIngestionJob", Refusal(409, "ConflictException"), {"ingestionJob": INGESTION})
    assert not await start_ingestion(sources, source_of(sources))
    # Not at once: a refused start counts, too.
    assert not await start_ingestion(sources, source_of(sources))
    assert ingestions(bedrock) == 1
    execute(url, "UPDATE knowledge_ingestions SET tried_at = tried_at - interval '1 minute'")
    assert await start_ingestion(sources, source_of(sources))


async def test_a_failed_start_is_repeated_by_the_next_round(sources: Sources, url: str, bedrock: Bedrock) -> None:
    write(url, "a")
    await publish(sources)
    refusal = Refusal(500, "InternalServerException")
    bedrock.script("StartIngestionJob", refusal, refusal, {"ingestionJob": INGESTION})
    with pytest.raises(SourceUnavailable, match="InternalServerException"):
        await start_ingestion(sources, source_of(sources))
    assert await start_ingestion(sources, source_of(sources))


KEYS = ("a", "b", "c")
OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.sampled_from(KEYS), st.sampled_from([BODY, "Other.", "# A\n\nB.\n\n# C\n\nD."])),
        st.tuples(st.just("delete"), st.sampled_from(KEYS), st.none()),
        st.tuples(st.just("restrict"), st.sampled_from(KEYS), st.sampled_from([None, "security"])),
        st.tuples(st.just("link"), st.sampled_from(KEYS), st.integers(0, 3)),
        st.tuples(st.just("publish"), st.integers(0, 4), st.none()),
        st.tuples(st.just("index"), st.none(), st.none()),
    ),
    max_size=12,
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(operations=OPERATIONS)
async def test_the_bucket_becomes_what_the_tables_say(
    sources: Sources, url: str, bucket: Bucket, operations: list[tuple[str, object, object]]
) -> None:
    """Whatever is written in between, and whichever requests fail: an interrupted publication is continued."""
    empty(url)
    bucket.objects.clear()
    for name, key, value in operations:
        match name, key, value:
            case "write", str(), str():
                write(url, key, body=value)
            case "delete", str(), _:
                execute(url, "DELETE FROM documents WHERE key = %s", key)
            case "restrict", str(), str() | None:
                restrict(url, key, value)
            case "link", str(), int():
                link(url, key, value)
            case "publish", int(), _:
                # All requests fail after so many.
                limit = len(bucket.requests) + key
                bucket.fail = lambda *_, limit=limit: (403, "no") if len(bucket.requests) >= limit else None
                await asyncio.gather(publish_batch(sources, source_of(sources)), return_exceptions=True)
                bucket.fail = lambda *_: None
            case _:
                await index_documents(sources)
    await publish(sources)
    assert bucket.objects == expected(url)
