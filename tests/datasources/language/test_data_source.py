"""The data source of a knowledge base: objects in a bucket, their order, and ingestions."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.exceptions import BotoCoreError
from msgspec.structs import replace

from datasources.errors import SourceError, SourceRefused, SourceTimeout, SourceUnavailable
from datasources.language.bedrock import data_source as module
from datasources.language.bedrock.client import BedrockClients
from datasources.language.bedrock.data_source import BedrockDataSource, object_key
from datasources.records.document_chunks import ChunkPublication, ObsoletePublication
from tests.datasources.language.conftest import KNOWLEDGE_BASE, REGION
from tests.fixtures.bedrock import Bedrock, Refusal, Slow
from tests.fixtures.bedrock_model import INGESTION
from tests.fixtures.bucket import NAME, Bucket, bucket
from tests.fixtures.ministack import clock, ministack

__all__ = ["bucket", "clock", "ministack"]

DATA_SOURCE = "DS12345678"
CHUNK = ChunkPublication(
    chunk_id="c-1",
    document_id="d-1",
    heading="Redis > Überblick",
    body="Promote the replica.",
    content_hash="ab",
    restricted_team="security",
    item_ids=["ci-1"],
    is_written=False,
)
KEY = "chunks/d-1/c-1.md"
METADATA = (
    b'{"metadataAttributes":{"chunk_id":"c-1","content_hash":"ab","document_id":"d-1","item_ids":["ci-1"],'
    b'"restricted":true,"restricted_team":"security"}}'
)


def opened(bucket: str = NAME) -> BedrockDataSource:
    return BedrockDataSource(BedrockClients(REGION), KNOWLEDGE_BASE, DATA_SOURCE, bucket)


@pytest.fixture
async def data_source() -> AsyncIterator[BedrockDataSource]:
    source = opened()
    yield source
    await source.close()


def obsolete(*numbers: int) -> list[ObsoletePublication]:
    return [ObsoletePublication(chunk_id=f"c-{number}", document_id="d-1") for number in numbers]


async def test_the_metadata_of_a_chunk_is_written_before_its_text(
    bucket: Bucket, data_source: BedrockDataSource
) -> None:
    await data_source.put(CHUNK)
    assert bucket.objects == {
        KEY: "Redis > Überblick\n\nPromote the replica.".encode(), f"{KEY}.metadata.json": METADATA,
    }  # fmt: skip
    assert bucket.requests == [("PUT", f"{KEY}.metadata.json"), ("PUT", KEY)]
    assert bucket.types == {KEY: "text/markdown; charset=utf-8", f"{KEY}.metadata.json": "application/json"}


async def test_a_text_that_is_written_is_not_written_again(bucket: Bucket, data_source: BedrockDataSource) -> None:
    await data_source.put(replace(CHUNK, is_written=True))
    assert bucket.requests == [("PUT", f"{KEY}.metadata.json")]


async def test_no_part_of_a_text_is_left_out(bucket: Bucket, data_source: BedrockDataSource) -> None:
    await data_source.put(replace(CHUNK, body="x" * 50_000))
    assert bucket.objects[KEY].decode() == f"{CHUNK.heading}\n\n{'x' * 50_000}"


async def test_texts_are_deleted_before_their_metadata(bucket: Bucket, data_source: BedrockDataSource) -> None:
    for number in (1, 2, 3):
        await data_source.put(replace(CHUNK, chunk_id=f"c-{number}"))
    bucket.requests.clear()
    # Objects that are not there are none.
    assert await data_source.delete(obsolete(1, 2, 9)) == {}
    keys = [object_key("d-1", f"c-{number}") for number in (1, 2, 9)]
    assert bucket.requests == [("DELETE", key) for key in (*keys, *(f"{key}.metadata.json" for key in keys))]
    assert bucket.objects.keys() == {"chunks/d-1/c-3.md", "chunks/d-1/c-3.md.metadata.json"}


async def test_a_text_is_not_written_without_its_metadata(bucket: Bucket, data_source: BedrockDataSource) -> None:
    bucket.fail = lambda method, key: (403, "AccessDenied") if key.endswith(".json") else None
    with pytest.raises(SourceRefused, match="PutObject failed: AccessDenied"):
        await data_source.put(CHUNK)
    assert bucket.objects == {}


async def test_the_metadata_stays_if_a_text_could_not_be_deleted(
    bucket: Bucket, data_source: BedrockDataSource
) -> None:
    await data_source.put(CHUNK)
    bucket.fail = lambda method, key: (500, "InternalError") if (method, key) == ("DELETE", KEY) else None
    await data_source.put(replace(CHUNK, chunk_id="c-2"))
    refused = await data_source.delete(obsolete(1, 2))
    assert [(id, str(error)) for id, error in refused.items()] == [
        ("c-1", "S3 did not delete an object: InternalError")
    ]
    assert bucket.objects.keys() == {KEY, f"{KEY}.metadata.json"}


async def test_metadata_that_could_not_be_deleted_is_refused(bucket: Bucket, data_source: BedrockDataSource) -> None:
    await data_source.put(CHUNK)
    bucket.fail = lambda method, key: (403, "AccessDenied") if key == f"{KEY}.metadata.json" else None
    assert [*await data_source.delete(obsolete(1))] == ["c-1"]
    assert bucket.objects.keys() == {f"{KEY}.metadata.json"}


@pytest.mark.parametrize(
    ("failure", "kind"),
    [((503, "SlowDown"), SourceUnavailable), ((500, "InternalError"), SourceUnavailable),
     ((403, "AccessDenied"), SourceRefused), ((400, "InvalidArgument"), SourceRefused)],
)  # fmt: skip
async def test_a_failed_put_has_its_kind(
    bucket: Bucket, data_source: BedrockDataSource, failure: tuple[int, str], kind: type[SourceError]
) -> None:
    bucket.fail = lambda method, key: failure
    with pytest.raises(SourceError, match=f"PutObject failed: {failure[1]}") as raised:
        await data_source.put(CHUNK)
    assert (type(raised.value), raised.value.source) == (kind, "knowledge base")


async def test_a_bucket_that_does_not_exist_is_refused(bucket: Bucket) -> None:
    source = opened("other")
    with pytest.raises(SourceRefused, match="PutObject failed: NoSuchBucket"):
        await source.put(CHUNK)
    await source.close()


async def test_a_lost_bucket_is_unavailable(
    bucket: Bucket, data_source: BedrockDataSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    with pytest.raises(SourceUnavailable, match="PutObject failed: EndpointConnectionError"):
        await data_source.put(CHUNK)


async def test_an_ingestion_is_started(bedrock: Bedrock, data_source: BedrockDataSource) -> None:
    assert await data_source.start_ingestion()
    [request] = bedrock.received
    assert request.operation == "StartIngestionJob"
    assert request.parameters.pop("clientToken") != ""
    assert request.parameters == {"knowledgeBaseId": KNOWLEDGE_BASE, "dataSourceId": DATA_SOURCE}


async def test_one_ingestion_runs_at_a_time(bedrock: Bedrock, data_source: BedrockDataSource) -> None:
    bedrock.script("StartIngestionJob", Refusal(409, "ConflictException"))
    assert not await data_source.start_ingestion()


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [(Refusal(429, "ThrottlingException"), SourceUnavailable), (Refusal(403, "AccessDeniedException"), SourceRefused),
     (Refusal(400, "ServiceQuotaExceededException"), SourceRefused)],
)  # fmt: skip
async def test_an_ingestion_that_is_not_started_has_its_kind(
    bedrock: Bedrock, data_source: BedrockDataSource, refusal: Refusal, kind: type[SourceError]
) -> None:
    bedrock.script("StartIngestionJob", refusal)
    with pytest.raises(SourceError, match=f"StartIngestionJob failed: {refusal.code}") as raised:
        await data_source.start_ingestion()
    assert type(raised.value) is kind


async def test_a_call_ends_in_time(
    bedrock: Bedrock, data_source: BedrockDataSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TIMEOUT_SECONDS", 0.5)
    bedrock.script("StartIngestionJob", Slow(1.0, {"ingestionJob": INGESTION}))
    with pytest.raises(SourceTimeout, match="StartIngestionJob failed: DeadlineExceeded"):
        await data_source.start_ingestion()


@dataclass(frozen=True)
class Stored:
    """An object as S3 returns it."""

    text: bytes
    type: str


async def test_a_server_that_speaks_s3_stores_and_deletes_the_objects(
    ministack: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_ENDPOINT_URL_S3": ministack,
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    client: Any = boto3.client("s3", region_name=REGION)
    while True:
        try:
            client.create_bucket(Bucket=NAME, CreateBucketConfiguration={"LocationConstraint": REGION})
            break
        except BotoCoreError:
            await asyncio.sleep(0.1)

    def stored() -> dict[str, Stored]:
        keys = [each["Key"] for each in client.list_objects_v2(Bucket=NAME).get("Contents", ())]
        replies = {key: client.get_object(Bucket=NAME, Key=key) for key in keys}
        return {key: Stored(reply["Body"].read(), reply["ContentType"]) for key, reply in replies.items()}

    source = opened()
    await source.put(CHUNK)
    assert stored() == {
        KEY: Stored("Redis > Überblick\n\nPromote the replica.".encode(), "text/markdown; charset=utf-8"),
        f"{KEY}.metadata.json": Stored(METADATA, "application/json"),
    }
    await source.put(replace(CHUNK, chunk_id="c-2"))
    await source.delete(obsolete(1, 9))
    assert stored().keys() == {"chunks/d-1/c-2.md", "chunks/d-1/c-2.md.metadata.json"}
    await source.close()
    with pytest.raises(SourceRefused, match="NoSuchBucket"):
        await opened("absent").put(CHUNK)
