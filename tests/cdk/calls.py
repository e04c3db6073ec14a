"""Calls of AWS that the functions' code makes, recorded where botocore would send or sign them."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

import settings
from datasources.aurora.driver.database import Database
from datasources.credentials.aws import cache_secret_fetcher
from datasources.credentials.factory import resolve_conninfo
from datasources.graph.gremlin.client.signing import Signer
from datasources.language.factory import open_knowledge_data_source
from datasources.queues.factory import open_queues
from datasources.queues.port import Message, NewMessage
from datasources.queues.sqs.queue import SqsQueue
from datasources.records.document_chunks import ChunkPublication, ObsoletePublication
from tests.cdk.resolving import Resolver
from tests.cdk.templates import Synth

KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "example", "AWS_EC2_METADATA_DISABLED": "true"}
# What botocore's client is answered.
REPLIES: Mapping[str, dict[str, Any]] = {
    "GetSecretValue": {"SecretString": '{"username": "stackflow_admin", "password": "x", "token": "x"}'},
}


@dataclass(frozen=True)
class Call:
    """One call: a service, an operation as botocore names it, and what it is about.

    That is a URL, an ARN, a host, a user, an object, or an id.
    """

    service: str
    operation: str
    about: str


def variables(synth: Synth, suffix: str) -> dict[str, str]:
    """Of a function, as Lambda would give them."""
    resolver = Resolver(synth)
    given = synth.function(suffix)["Environment"]["Variables"]
    return {name: resolver.text(value, "Service") for name, value in given.items()} | {
        "AWS_REGION": synth.environment.region, "STACKFLOW_TRACES": "off",
    }  # fmt: skip


_made: dict[tuple[Path, str], set[Call]] = {}


def made(synth: Synth, suffix: str) -> set[Call]:
    """Calls of a function that signs in to all its stores and does with its queues what it does with them."""
    if (synth.folder, suffix) not in _made:
        _made[synth.folder, suffix] = _record(synth, suffix)
    return _made[synth.folder, suffix]


def _record(synth: Synth, suffix: str) -> set[Call]:
    environment = variables(synth, suffix)
    with recorded() as calls, patch.dict("os.environ", environment | KEYS):
        whole = settings.load_settings(environment)
        main, requirements, cache, graph = whole.require_stores()
        for name, database in (("main", main), ("requirements", requirements)):
            resolve_conninfo(name, database)
        if cache.secret is not None:
            cache_secret_fetcher(cache.secret)()
        if graph.signing is not None:
            for url in {graph.url, graph.reader_url} - {None}:
                Signer(graph.signing.region).headers(str(url))
        asyncio.run(_use_queues(whole, suffix))
        asyncio.run(_publish(whole))
    return set(calls)


async def _publish(whole: settings.Settings) -> None:
    """Write and delete the objects of a chunk, and start an ingestion, if a function is told of a bucket."""
    data_source = open_knowledge_data_source(whole.language)
    if data_source is not None:
        chunk = ChunkPublication(
            chunk_id="c", document_id="d", heading="", body="", content_hash="", restricted_team=None, item_ids=[],
            is_written=False,
        )  # fmt: skip
        await data_source.put(chunk)
        assert not await data_source.delete([ObsoletePublication(chunk_id="c", document_id="d")])
        await data_source.start_ingestion()
        await data_source.close()


async def _use_queues(whole: settings.Settings, suffix: str) -> None:
    queues = open_queues(Database("main", "postgresql://127.0.0.1:1/none"), whole.queues)
    message = NewMessage("a", "1", "{}")
    if suffix == "":
        await queues.events.send([message])
    if suffix == "-events":
        assert isinstance(queues.events, SqsQueue)
        await queues.events.change_visibility([Message("1", "a", "{}", 1, receipt="receipt")], 5)
    if suffix == "-workflows":
        for queue in (queues.remediation_p1, queues.remediation_standard, queues.notifications):
            await queue.send([message])


@contextmanager
def recorded() -> Iterator[list[Call]]:
    """Calls meanwhile. None leaves the machine: what is sent is answered, what is signed is only signed."""
    calls: list[Call] = []

    def answer(client: Any, operation: str, given: Mapping[str, Any]) -> dict[str, Any]:
        about = given.get("QueueUrl") or given.get("SecretId") or given.get("knowledgeBaseId") or ""
        if "Bucket" in given:
            about = f"{given['Bucket']}/{given.get('Key') or given['Delete']['Objects'][0]['Key']}"
        calls.append(Call(client.meta.service_model.service_name, operation, str(about)))
        return REPLIES.get(operation, {})

    def presign(_signer: Any, operation_name: str, request_dict: Mapping[str, Any], **more: Any) -> str:
        host, given = urlsplit(request_dict["url"]).hostname, request_dict["body"]
        calls.append(Call(str(more["signing_name"]), operation_name, f"{host}/{given['DBUser']}"))
        return "https://token"

    def sign(signer: Any, request: Any) -> None:
        calls.append(Call(signer._service_name, "connect", str(urlsplit(request.url).hostname)))

    with (
        patch("botocore.client.BaseClient._make_api_call", answer),
        patch("botocore.signers.RequestSigner.generate_presigned_url", presign),
        patch("botocore.auth.SigV4Auth.add_auth", sign),
    ):
        yield calls
