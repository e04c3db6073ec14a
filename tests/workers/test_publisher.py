"""The publisher as it runs: next to a server, in the projector's function, and as a command, with its bucket lost."""

import asyncio
import json

import pytest
from typer.testing import CliRunner

from commands.exit_codes import Exit
from commands.main import application
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.errors import SourceRefused
from datasources.sources import Sources
from resolvers.documents.publishing import WORKER
from tests.fixtures.bedrock import Bedrock
from tests.fixtures.bedrock_language import bedrock, model
from tests.fixtures.bucket import NAME, Bucket, bucket
from tests.fixtures.publication_stores import DENIED, database_url, sources, url
from tests.fixtures.publishing import write
from tests.resolvers.documents.test_indexing import execute
from tests.workers.test_projection import Remaining
from workers import documents
from workers.documents import background_indexer, background_publisher
from workers.projection import handler

__all__ = ["bedrock", "bucket", "database_url", "model", "sources", "url"]

runner = CliRunner()


@pytest.fixture
def configured(
    url: str, postgres: EmbeddedPostgres, bucket: Bucket, bedrock: Bedrock, monkeypatch: pytest.MonkeyPatch
) -> str:
    """The environment names the databases, the bucket and the data source."""
    for name, value in {
        "DATABASE_URL": url, "REQUIREMENTS_URL": postgres.url("requirements"), "REDIS_URL": "off",
        "AWS_REGION": "eu-central-1", "KNOWLEDGE_BASE_ID": "KB12345678", "KNOWLEDGE_DATA_SOURCE_ID": "DS12345678",
        "KNOWLEDGE_BUCKET": NAME,
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    return url


def started(bedrock: Bedrock) -> list[str]:
    return [each.operation for each in bedrock.received]


async def until(objects: int, bucket: Bucket) -> None:
    async with asyncio.timeout(30):
        while len(bucket.objects) != objects:
            await asyncio.sleep(0.05)


async def test_the_worker_publishes_what_the_indexer_makes(
    sources: Sources, url: str, bucket: Bucket, bedrock: Bedrock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "PUBLISHER_POLL_SECONDS", 0.1)
    assert sources.knowledge_data_source is not None
    async with background_indexer(sources), background_publisher(sources, sources.knowledge_data_source):
        write(url, "a")
        await until(2, bucket)
        # A bucket that is lost, and comes back.
        bucket.fail = lambda *_: DENIED
        write(url, "b")
        async with asyncio.timeout(30):
            while "WAITING" not in {each.state for each in sources.heartbeats.records() if each.name == WORKER}:
                await asyncio.sleep(0.05)
        bucket.fail = lambda *_: None
        await until(4, bucket)
        async with asyncio.timeout(30):
            while not bedrock.received:
                await asyncio.sleep(0.05)
    # The second document waits for its minute.
    assert started(bedrock) == ["StartIngestionJob"]


def test_the_function_indexes_publishes_and_starts_an_ingestion(
    configured: str, bucket: Bucket, bedrock: Bedrock
) -> None:
    write(configured, "a")
    assert handler({}, Remaining())["refused"] == 0
    assert len(bucket.objects) == 2
    assert started(bedrock) == ["StartIngestionJob"]


def test_a_lost_bucket_fails_the_function_after_everything_else(
    configured: str, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.fail = lambda *_: DENIED
    write(configured, "a")
    execute(configured, "UPDATE outbox SET projected = false")
    compared: list[float] = []

    class Comparer:
        def __init__(self, _: Sources, seconds: float) -> None:
            compared.append(seconds)

        async def run_round(self) -> None:
            pass

    monkeypatch.setattr("workers.projection.BucketComparer", Comparer)
    with pytest.raises(SourceRefused, match="PutObject failed: AccessDenied"):
        handler({}, Remaining())
    assert compared == [300]
    assert execute(configured, "SELECT count(*) FROM outbox WHERE NOT projected") == [(0,)]
    bucket.fail = lambda *_: None
    handler({}, Remaining())
    assert len(bucket.objects) == 2


def test_the_command_publishes_all_or_what_is_new(configured: str, bucket: Bucket, bedrock: Bedrock) -> None:
    write(configured, "a", "b")
    first = runner.invoke(application, ["documents", "publish"])
    assert first.exit_code == Exit.OK
    assert first.stdout.startswith("2 chunks were published in ")
    assert first.stdout.endswith(" s\nan ingestion was started\n")
    bucket.objects.clear()
    assert runner.invoke(application, ["documents", "publish"]).stdout.startswith("0 chunks were published in ")
    assert bucket.objects == {}
    again = runner.invoke(application, ["documents", "publish", "--again"])
    assert again.stdout.startswith("2 chunks were published in ")
    assert len(bucket.objects) == 4
    assert [json.loads(text)["metadataAttributes"]["restricted"] for key, text in bucket.objects.items()
            if key.endswith(".json")] == [False, False]  # fmt: skip


def test_the_command_needs_a_bucket(configured: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KNOWLEDGE_BUCKET", "KNOWLEDGE_DATA_SOURCE_ID"):
        monkeypatch.delenv(name)
    result = runner.invoke(application, ["documents", "publish"])
    assert "KNOWLEDGE_BUCKET is missing; set it to the bucket of the knowledge base" in str(result.exception)
