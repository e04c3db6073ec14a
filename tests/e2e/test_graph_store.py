"""Walks on a graph store under the whole service: the same answers to the byte, lost and found again."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid5

import httpx
import pytest

from datasources.embedded.engines import TINKERGRAPH
from datasources.embedded.gremlin import EmbeddedGremlin
from datasources.graph.gremlin.client.request import TRAVERSAL_ID_NAMESPACE
from datasources.sources import open_sources
from resolvers.projection.rebuild import RebuildOptions, rebuild
from schema.operations import trusted_documents
from settings import load_settings
from tests.fixtures.gate import Gate
from tests.fixtures.gremlin import started
from tests.fixtures.serving import serving

TIMEOUT = 4.0
OVERVIEW = next(each.text for each in trusted_documents().values() if each.name == "incident-overview")

# Every verb of the graph, with caps and pages.
WALKS = """query Walks($key: String!, $from: ID!, $to: ID!) {
  configurationItem(key: { source: "gitlab", key: $key }) {
    dependents(depth: 6, first: 40, fanOut: 4) {
      truncated pageInfo { endCursor hasNextPage } capped { degree shown depth node { name } }
      edges { depth cursor node { name } }
    }
    dependencies(depth: 2, first: 3) { edges { depth node { name } } pageInfo { endCursor hasNextPage } }
    neighbours(direction: BOTH, first: 3) {
      totalCount pageInfo { endCursor } edges { outgoing typeKey relationshipId node { name } }
    }
    impact(depth: 8, first: 100) {
      totals { failing atRisk byDepth { depth count } } edges { depth outcome node { name } }
    }
    degrees { typeKey outgoing incoming }
  }
  paths(from: $from, to: $to, direction: BOTH) {
    truncated paths { length nodes { name } hops { relationships { relationshipId typeKey } } }
  }
}"""
# Ids that nothing has.
ID, OTHER = "ci_00000000-0000-4000-8000-000000000001", "ci_00000000-0000-4000-8000-000000000002"
KEYS = ("redis", "patroni", "gitaly", "web", "praefect")
IDS = 'query Ids($key: String!) { configurationItem(key: { source: "gitlab", key: $key }) { id } }'


def environment(demo: tuple[str, str], graph: str | None, **more: str) -> dict[str, str]:
    given = {
        "DATABASE_URL": demo[0],
        "REQUIREMENTS_URL": demo[1],
        "REDIS_URL": "off",
        "REQUEST_TIMEOUT_SECONDS": str(TIMEOUT),
    }
    return given | ({} if graph is None else {"GRAPH_URL": graph}) | more


@pytest.fixture(scope="module")
def engine() -> Iterator[EmbeddedGremlin]:
    """A server of this file's own, as it is filled once and ended in between."""
    with started(TINKERGRAPH) as server:
        yield server


@pytest.fixture(scope="module")
async def filled(demo: tuple[str, str], engine: EmbeddedGremlin) -> str:
    """The address of the engine, which holds the demo."""
    await fill(demo, engine.url)
    return engine.url


async def fill(demo: tuple[str, str], url: str) -> None:
    sources = open_sources(*load_settings(environment(demo, url)).require_stores())
    assert sources.projection is not None
    await rebuild(sources.main, sources.projection, RebuildOptions(clear=True, compare=False))
    await sources.close()


async def ask(client: httpx.AsyncClient, query: str = OVERVIEW, **variables: str) -> httpx.Response:
    given = variables or ({"number": "INC0001001"} if query == OVERVIEW else {})
    return await client.post("/graphql", json={"query": query, "variables": given})


def data(reply: httpx.Response) -> bytes:
    """The bytes of an answer up to its extensions."""
    answer, found, _ = reply.content.partition(b',"extensions":')
    assert found
    assert b'"errors"' not in answer
    return answer


@asynccontextmanager
async def gated(demo: tuple[str, str], url: str, **more: str) -> AsyncIterator[tuple[httpx.AsyncClient, Gate]]:
    gate = Gate(url)
    await gate.open()
    async with serving(environment(demo, gate.url, **more)) as client:
        yield client, gate
    await gate.shut()


async def test_documents_answer_the_same_on_both_graphs_to_the_byte(demo: tuple[str, str], filled: str) -> None:
    asked = [(OVERVIEW, {"number": f"INC000{number}"}) for number in range(1001, 1013)]
    async with serving(environment(demo, None)) as tables, serving(environment(demo, filled)) as store:
        ids = [(await ask(tables, IDS, key=key)).json()["data"]["configurationItem"]["id"] for key in KEYS]
        asked += [
            (WALKS, {"key": key, "from": id, "to": other})
            for key, id, other in zip(KEYS, ids, reversed(ids), strict=True)
        ]
        sizes = []
        for query, variables in asked:
            expected, answer = await ask(tables, query, **variables), await ask(store, query, **variables)
            assert data(answer) == data(expected)
            assert answer.json()["extensions"]["stores"]["graph"] == expected.json()["extensions"]["stores"]["graph"]
            assert "degraded" not in answer.json()["extensions"]
            sizes.append(len(data(answer)))
    # Answers, not nulls.
    assert max(sizes) > 3_000


@pytest.mark.parametrize("silent", [False, True], ids=["dead", "silent"])
async def test_a_lost_graph_is_replaced_by_the_tables_until_it_is_back(
    demo: tuple[str, str], filled: str, silent: bool
) -> None:
    async with gated(demo, filled) as (client, gate):
        healthy = await ask(client)
        if silent:
            gate.silence()
        else:
            await gate.shut()
        loop = asyncio.get_running_loop()
        for _ in range(5):
            begin = loop.time()
            body = await ask(client)
            # Not a timed test: the bound is what is promised, the deadline of a request.
            assert loop.time() - begin < TIMEOUT
            assert data(body) == data(healthy)
            assert body.json()["extensions"]["degraded"] == ["graph"]
        ready = await client.get("/health/ready")
        [graph] = [store for store in ready.json()["stores"] if store["name"] == "graph"]
        assert (ready.status_code, graph["reachable"], graph["replacedBy"]) == (200, False, "recursive SQL")
        await gate.open()
        for _ in range(100):
            body = await ask(client)
            assert data(body) == data(healthy)
            if "degraded" not in body.json()["extensions"]:
                break
            await asyncio.sleep(0.2)
        assert "degraded" not in body.json()["extensions"]
        ready = await client.get("/health/ready")
        assert "replacedBy" not in str(ready.json())


async def test_without_the_fallback_a_lost_graph_nulls_what_needs_it(demo: tuple[str, str], filled: str) -> None:
    async with gated(demo, filled, GRAPH_FALLBACK="off") as (client, gate):
        healthy = (await ask(client)).json()["data"]
        await gate.shut()
        body = (await ask(client)).json()
        assert {error["extensions"]["store"] for error in body["errors"]} == {"graph"}
        assert {error["extensions"]["code"] for error in body["errors"]} == {"SOURCE_UNAVAILABLE"}
        assert body["data"]["incident"]["title"] == healthy["incident"]["title"]
        assert "degraded" not in body["extensions"]
        ready = await client.get("/health/ready")
        assert ready.status_code == 503
        # What was, the tables alone know.
        at = (
            '{ configurationItem(key: {source: "gitlab", key: "redis"}) { dependents(asOf: "%s") { nodes { name } } } }'
        )
        past = (await ask(client, at % "2100-01-01T00:00:00Z")).json()
        assert past["data"]["configurationItem"]["dependents"]["nodes"]
        await gate.open()
        for _ in range(50):
            if "errors" not in (body := (await ask(client)).json()):
                break
            await asyncio.sleep(0.1)
        assert body["data"] == healthy


async def test_each_traversal_carries_an_id_made_of_the_requests(
    demo: tuple[str, str], filled: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "stackflow")
    async with serving(environment(demo, filled)) as client:
        caplog.clear()
        reply = await client.post(
            "/graphql",
            json={"query": WALKS, "variables": {"key": "redis", "from": ID, "to": OTHER}},
            headers={"x-stackflow-request-id": "the-analyst"},
        )
        assert reply.status_code == 200
    lines: list[Any] = [record for record in caplog.records if record.message == "traversal"]
    assert {line.request_id for line in lines} == {"the-analyst"}
    numbers = range(1, len(lines) + 1)
    assert {UUID(line.traversal_id) for line in lines} == {
        uuid5(TRAVERSAL_ID_NAMESPACE, f"the-analyst/{n}") for n in numbers
    }
    assert {line.verb for line in lines} >= {"reach", "neighbours", "degrees", "subgraph", "hop"}
    assert all(line.bytes > 0 and line.retries == 0 for line in lines)
    [operation] = [record for record in caplog.records if record.message == "operation"]
    told: list[Any] = vars(operation)["traversals"]
    assert [(each["traversal_id"], each["verb"]) for each in told] == [(line.traversal_id, line.verb) for line in lines]
