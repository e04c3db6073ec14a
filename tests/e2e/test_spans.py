"""The spans of whole requests on real stores: exactly those that were asked, each under its operation."""

import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from datasources.aurora.outbox.write_log import PostgresWriteLog
from datasources.aurora.statements import statements
from datasources.cache.redis.adapter import RedisCache
from datasources.embedded.engines import TINKERGRAPH
from datasources.embedded.gremlin import EmbeddedGremlin
from datasources.embedded.valkey import EmbeddedValkey
from datasources.observability.spans import CLIENT, SERVER, Recording, use_exporter
from datasources.observability.xray import encode_datagrams
from datasources.sources import open_sources
from resolvers.principals.principal import Principal
from schema.http.endpoint import GraphQLEndpoint
from schema.operations import trusted_documents
from settings import load_settings
from tests.e2e.test_graph_store import environment, fill
from tests.fixtures.demo import EVERYONE
from tests.fixtures.gremlin import started
from tests.fixtures.spans import PARENT, TRACE, Kept, segment
from tests.fixtures.tables import STATEMENT_FILES

WAIT = "wait for a connection"
NAMES = {name for file in STATEMENT_FILES for name in statements(file)}
OVERVIEW = next(each for each in trusted_documents().values() if each.name == "incident-overview")


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    server = EmbeddedValkey(tmp_path_factory.mktemp("spans") / "valkey")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def engine() -> Iterator[EmbeddedGremlin]:
    with started(TINKERGRAPH) as server:
        yield server


@pytest.fixture(scope="module")
async def client(
    demo: tuple[str, str], engine: EmbeddedGremlin, valkey: EmbeddedValkey
) -> AsyncIterator[httpx.AsyncClient]:
    """Asks on stores that hold the demo; the cache is empty, and trusted for longer than any test takes."""
    await fill(demo, engine.url)
    sources = open_sources(*load_settings(environment(demo, engine.url, REDIS_URL=valkey.url)).require_stores())
    await sources.cache.close()
    cache = RedisCache(valkey.url, write_log=PostgresWriteLog(sources.main), timeout=5.0, validity_seconds=600.0)
    await cache.get_many(["any"], ["teams"])
    sources = replace(sources, cache=cache)
    app = Starlette(routes=[Route("/graphql", GraphQLEndpoint(sources, everyone).respond, methods=["POST"])])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://stackflow") as asking:
        yield asking
    await sources.close()


async def everyone(_: str | None) -> Principal:
    return EVERYONE


async def asked(client: httpx.AsyncClient, body: Any, **headers: str) -> tuple[Recording, Any]:
    kept = Kept()
    with use_exporter(kept):
        reply = await client.post("/graphql", json=body, headers=headers)
    (recording,) = kept.recordings
    return recording, reply.json()


def told(recording: Recording) -> Counter[tuple[str, str]]:
    """How many spans there are of each store and name; waiting depends on the machine."""
    return Counter(
        (str(each.attributes.get("stackflow.store") or each.attributes["db.system.name"]), each.name)
        for each in recording.spans
        if each.name != WAIT
    )


BODY = {"documentId": OVERVIEW.id, "variables": {"number": "INC0001001"}}


async def test_an_operation_has_exactly_the_spans_of_what_it_asked(client: httpx.AsyncClient) -> None:
    cold, body = await asked(client, BODY, traceparent=f"00-{TRACE}-{PARENT}-01")
    assert told(cold) == {
        ("main", "incidents_by_numbers"): 1,
        ("main", "teams_by_ids"): 2,
        ("main", "configuration_items_page"): 1,
        ("main", "configuration_items_by_ids"): 1,
        ("main", "incidents_page"): 1,
        ("main", "changes_page"): 1,
        ("requirements", "requirements_page"): 1,
        ("gremlin", "hop"): 3,
        ("redis", "MGET"): 9,
        ("redis", "EVAL lease"): 9,
        ("redis", "EVAL fill"): 9,
    }
    stores = body["extensions"]["stores"]
    assert (stores["sql"], stores["graph"], stores["cache"]) == (8, 1, 27)
    root = cold.root
    assert (root.name, root.kind, root.parent, root.error) == ("query incident-overview", SERVER, PARENT, "")
    assert root.attributes == {
        "graphql.operation.type": "query", "graphql.operation.name": "incident-overview",
        "stackflow.document": OVERVIEW.id.removeprefix("sha256:")[:16], "http.response.status_code": 200,
    }  # fmt: skip
    assert (cold.trace, {each.parent for each in cold.spans}) == (TRACE, {root.id})
    assert {each.kind for each in cold.spans if each.name != WAIT} == {CLIENT}
    assert all(root.begin_ns <= each.begin_ns <= each.end_ns <= root.end_ns for each in cold.spans)
    warm, _ = await asked(client, BODY)
    assert told(warm) == {("redis", "MGET"): 9}


async def test_a_span_tells_where_it_went_and_how_much_came(client: httpx.AsyncClient, demo: tuple[str, str]) -> None:
    document = "query Mine($keys: [ID!]!) { nodes(ids: $keys) { id } teams(first: 2) { nodes { key } } }"
    whole, body = await asked(client, {"query": document, "variables": {"keys": []}, "operationName": "Mine"})
    (page,) = [each for each in whole.spans if each.name == "teams_page"]
    parts = urlsplit(demo[0])
    assert page.attributes == {
        "db.system.name": "postgresql", "stackflow.store": "main", "db.namespace": parts.path.strip("/"),
        "server.address": parts.hostname, "server.port": parts.port, "db.query.summary": "teams_page",
        "db.response.returned_rows": page.attributes["db.response.returned_rows"],
    }  # fmt: skip
    assert page.attributes["db.response.returned_rows"] == body["extensions"]["stores"]["rows"]
    # A client's name for its operation is no name of a span.
    assert (whole.root.name, whole.root.attributes["graphql.operation.name"]) == ("query", "Mine")


async def test_what_a_caller_did_wrong_is_no_fault(client: httpx.AsyncClient) -> None:
    whole, _ = await asked(client, {"query": "{ nothing }"})
    root = whole.root
    assert (root.name, root.error, root.fault) == ("GraphQL Operation", "GRAPHQL_VALIDATION_FAILED", False)
    assert root.attributes["http.response.status_code"] == 400


async def test_every_attribute_is_on_the_page_and_every_document_keeps_the_rules(client: httpx.AsyncClient) -> None:
    page = (Path(__file__).parents[2] / "docs" / "observability.md").read_text()
    listed = set(re.findall(r"`([a-z_]+(?:\.[a-z_]+)+)`", page))
    parent = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
    whole, _ = await asked(client, {"query": "{ incidents(first: 1) { totalCount nodes { number } } }"}, **parent)
    overview, _ = await asked(client, BODY, **parent)
    keys = {key for each in (whole, overview) for span in (each.root, *each.spans) for key in span.attributes}
    assert keys <= listed
    databases = {"main", "requirements"}
    assert {name for each in (whole, overview) for (store, name) in told(each) if store in databases} <= NAMES
    for each in (whole, overview):
        segments = [segment(sent) for sent in encode_datagrams(each)]
        assert [len(found.get("subsegments", ())) for found in segments] == [len(each.spans)]
