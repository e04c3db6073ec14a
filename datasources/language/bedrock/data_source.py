"""The data source of a knowledge base: a text and its metadata for each chunk in an S3 bucket, and ingestions of them.

https://docs.aws.amazon.com/bedrock/latest/userguide/kb-metadata.html
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from datasources.errors import SourceError, SourceRefused, SourceTimeout, SourceUnavailable
from datasources.language.bedrock.client import AGENT, STORAGE, BedrockClients
from datasources.language.bedrock.knowledge_base import METADATA_SUFFIX, encode_metadata
from datasources.language.port import LanguageError, LanguageFailure
from datasources.observability.spans import CLIENT, record_span
from datasources.records.document_chunks import ChunkPublication, ObsoletePublication

T = TypeVar("T")

NAME = "knowledge base"
# Objects that the data source reads; cdk/stores/knowledge.py has the same prefix.
PREFIX = "chunks/"
# Seconds of one call, with the wait for a thread.
TIMEOUT_SECONDS = 15.0
# Chunks of one call of `delete`: the bound of DeleteObjects.
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
MAX_DELETED = 1_000
# Bedrock runs one ingestion of a knowledge base at a time.
_INGESTING = "ConflictException"


class BedrockDataSource:
    """See the port. A call takes at most TIMEOUT_SECONDS."""

    def __init__(self, clients: BedrockClients, knowledge_base: str, data_source: str, bucket: str) -> None:
        self._clients = clients
        self._knowledge_base = knowledge_base
        self._data_source = data_source
        self._bucket = bucket

    async def put(self, chunk: ChunkPublication) -> None:
        """See the port."""
        key = object_key(chunk.document_id, chunk.chunk_id)
        metadata = encode_metadata(
            document_id=chunk.document_id,
            chunk_id=chunk.chunk_id,
            content_hash=chunk.content_hash,
            restricted_team=chunk.restricted_team,
            item_ids=chunk.item_ids,
        )

        def send(client: Any) -> None:
            # First, so that no ingestion reads a text without its restriction.
            client.put_object(
                Bucket=self._bucket, Key=key + METADATA_SUFFIX, Body=metadata, ContentType="application/json"
            )
            if not chunk.is_written:
                client.put_object(
                    Bucket=self._bucket, Key=key, Body=encode_text(chunk), ContentType="text/markdown; charset=utf-8"
                )

        await self._call(STORAGE, "PutObject", send)

    async def delete(self, chunks: Sequence[ObsoletePublication]) -> Mapping[str, SourceError]:
        """See the port."""
        ids = {object_key(each.document_id, each.chunk_id): each.chunk_id for each in chunks}
        refused: dict[str, SourceError] = {}
        # The texts first, for the same reason; the metadata of a text that was refused stays.
        for suffix in ("", METADATA_SUFFIX):
            objects = {key + suffix: id for key, id in ids.items() if id not in refused}
            if objects:
                codes = await self._delete_objects([*objects])
                refused |= {
                    objects[key]: SourceUnavailable(NAME, f"S3 did not delete an object: {code}")
                    for key, code in codes.items()
                }
        return refused

    async def _delete_objects(self, keys: Sequence[str]) -> dict[str, str]:
        """Return the error codes of the objects that S3 did not delete, by their keys."""
        objects = [{"Key": key} for key in keys]

        def send(client: Any) -> Any:
            return client.delete_objects(Bucket=self._bucket, Delete={"Objects": objects, "Quiet": True})

        reply = await self._call(STORAGE, "DeleteObjects", send)
        return {each["Key"]: each.get("Code", "") for each in reply.get("Errors", ())}

    async def start_ingestion(self) -> bool:
        """See the port."""

        def send(client: Any) -> bool:
            client.start_ingestion_job(knowledgeBaseId=self._knowledge_base, dataSourceId=self._data_source)
            return True

        try:
            return await self._call(AGENT, "StartIngestionJob", send)
        except SourceUnavailable as error:
            if isinstance(error.__cause__, LanguageError) and error.__cause__.code == _INGESTING:
                return False
            raise

    async def _call(self, service: str, operation: str, send: Callable[[Any], T]) -> T:
        attributes = {"rpc.system": "aws-api", "rpc.service": service, "rpc.method": operation}
        with record_span(f"{service}/{operation}", CLIENT, attributes):
            try:
                return await self._clients.call(service, TIMEOUT_SECONDS, send)
            except LanguageError as error:
                raise _translate(error, operation) from error

    async def close(self) -> None:
        """See the port."""
        await self._clients.close()


def object_key(document_id: str, chunk_id: str) -> str:
    """Return the key of the object of a chunk, whose text never changes."""
    return f"{PREFIX}{document_id}/{chunk_id}.md"


def encode_text(chunk: ChunkPublication) -> bytes:
    """Return the content of the object of a chunk: its headings, an empty line and its body, nothing of it left out.

    At most 5,500 characters by the bounds of chunks and headings. Titan embeds 8,192 tokens.
    https://docs.aws.amazon.com/bedrock/latest/userguide/titan-embedding-models.html
    """
    return f"{chunk.heading}\n\n{chunk.body}".encode()


def _translate(error: LanguageError, operation: str) -> SourceError:
    message = f"{operation} failed: {error.code}"
    if error.failure is LanguageFailure.TIMEOUT:
        return SourceTimeout(NAME, message)
    if error.failure in {LanguageFailure.THROTTLED, LanguageFailure.UNAVAILABLE}:
        return SourceUnavailable(NAME, message)
    return SourceRefused(NAME, message)
