"""Publication of chunks: the bucket becomes what the tables say, whatever fails on the way."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datasources.aurora.documents import publications
from datasources.aurora.driver.database import Database
from datasources.aurora.driver.transaction import Transaction
from datasources.cache.off import NoCache
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.errors import SourceRefused, SourceUnavailable
from datasources.graph.recursive.adapter import RecursiveGraph
from datasources.language.bedrock.client import BedrockClients
from datasources.language.bedrock.data_source import BedrockDataSource
from datasources.language.port import KnowledgeDataSource
from datasources.records.document_chunks import ChunkPublication
from datasources.sources import Sources
from resolvers.documents import publishing
from resolvers.documents.indexing import index_documents
from resolvers.documents.publishing import publish_batch, publish_chunks, start_ingestion
from resolvers.imports.progress import ProgressStep
from tests.fixtures.bedrock import Bedrock, Refusal
from tests.fixtures.bedrock_language import bedrock, model
from tests.fixtures.bedrock_model import INGESTION
from tests.fixtures.bucket import NAME, Bucket, bucket
from tests.fixtures.databases import create_database
from tests.fixtures.publishing import SUFFIX, empty, expected, link, restrict, write
from tests.resolvers.documents.test_indexing import BODY, execute

__all__ = ["bedrock", "bucket", "model"]

LOST = (503, "SlowDown")
DENIED = (403, "AccessDenied")


@pytest.fixture(scope="module")
def database_url(postgres: EmbeddedPostgres) -> str:
    url = create_database(postgres, "publishing")
    execute(url, "INSERT INTO teams (id, key, name) VALUES (gen_random_uuid(), 'security', 'Security')")
    execute(
        url, "INSERT INTO configuration_item_classes (key, name) VALUES ('service', 'Service') ON CONFLICT DO NOTHING"
    )
    execute(
        url,
        "INSERT INTO configuration_items (id, name, class_key)"
        " SELECT ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'ci ' || n, 'service'"
        " FROM generate_series(1, 30) n",
    )
    return url


@pytest.fixture
def url(database_url: str) -> str:
    empty(database_url)
    return database_url


@pytest.fixture
async def sources(url: str, bucket: Bucket, bedrock: Bedrock) -> AsyncIterator[Sources]:
    main = Database("main", url)
    data_source = BedrockDataSource(BedrockClients("eu-central-1"), "KB12345678", "DS12345678", NAME)
    opened = Sources(main, main, RecursiveGraph(main), NoCache(), knowledge_data_source=data_source)
    yield opened
    await opened.close()


def source_of(sources: Sources) -> KnowledgeDataSource:
    assert sources.knowledge_data_source is not None
    return sources.knowledge_data_source


async def publish(sources: Sources) -> int:
    """Index and publish everything. Return the number of chunks that were written or deleted."""
    await index_documents(sources)
    done = 0
    while batch := await publish_batch(sources, source_of(sources)):
        done += batch
    return done


def ingestions(bedrock: Bedrock) -> int:
    return sum(each.operation == "StartIngestionJob" for each in bedrock.received)


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


def chunks_of(url: str, *keys: str) -> set[str]:
    rows = execute(
        url,
        "SELECT c.id::text FROM document_chunks c JOIN documents d ON d.id = c.document_id WHERE d.key = ANY(%s)",
        [*keys],
    )
    return {str(id) for (id,) in rows}


def refuse(bucket: Bucket, method: str, chunks: set[str]) -> None:
    """Let S3 refuse a method for the objects of these chunks."""
    bucket.fail = lambda requested, key: (
        DENIED if requested == method and key.split("/")[-1].split(".")[0] in chunks else None
    )


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
