"""What nobody may read is in no line and no span: restricted and hostile operations over HTTP, with marked texts."""

import logging
from collections.abc import AsyncIterator, Iterator

import httpx
import orjson
import psycopg
import pytest
import pytest_asyncio
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from starlette.applications import Starlette
from starlette.routing import Route

from datasources.aurora.driver.database import Database
from datasources.cache.off import NoCache
from datasources.config import ObservabilitySettings
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.graph.recursive.adapter import RecursiveGraph
from datasources.observability.logs import JsonFormatter
from datasources.observability.otlp import convert_spans
from datasources.observability.spans import Recording, use_exporter
from datasources.observability.xray import encode_datagrams
from datasources.sources import Sources
from resolvers.principals.errors import UnknownApiKey
from resolvers.principals.principal import Principal, PrincipalKind
from schema.http.endpoint import GraphQLEndpoint
from schema.operations import trusted_documents
from tests.fixtures.operations import FREE_FORM, INCIDENT, READS, TEAM, Operations, opened, uuid
from tests.fixtures.spans import Kept

TITLE, PASSWORD, TOKEN, KEY, NAME, VALUE = MARKS = tuple(f"marked-{each}-5d1e" for each in "tpokna")
HIDDEN = f"inc_{uuid(INCIDENT, 2)}"
WRITES = frozenset({"incidents:write", "teams:write"})
JSON = {"content-type": "application/json"}


async def authenticate(header: str | None) -> Principal:
    if header != f"Bearer {TOKEN}":
        raise UnknownApiKey
    return Principal("test", "test", PrincipalKind.USER, READS | WRITES | FREE_FORM, frozenset({"payments"}))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def landscape(postgres: EmbeddedPostgres) -> AsyncIterator[Operations]:
    async with opened(postgres, "seen") as operations:
        operations.write(f"UPDATE incidents SET title = '{TITLE}' WHERE number = 'INC2'")
        # Rows that the database refuses and quotes: by the caller's fault, and by ours.
        operations.write(f"ALTER TABLE teams ADD CONSTRAINT no_marks CHECK (name <> '{VALUE}')")
        operations.write(
            f"ALTER TABLE teams ADD CONSTRAINT one_contact EXCLUDE (contact WITH =) WHERE (contact = '{VALUE}')"
        )
        yield operations


@pytest.fixture(autouse=True)
def spans() -> Iterator[Kept]:
    """All that each test makes the service record, which has no mark in it as it goes out."""
    kept = Kept()
    with use_exporter(kept):
        yield kept
    assert len(kept.recordings) > 0
    told = [_encoded(each) for each in kept.recordings] + [
        sent for each in kept.recordings for sent in encode_datagrams(each)
    ]
    assert not any(mark.encode() in each for mark in MARKS for each in told)


def _encoded(recording: Recording) -> bytes:
    encoded: bytes = encode_spans([*convert_spans(recording, Resource({}))]).SerializeToString()
    return encoded


def client(sources: Sources, token: str = TOKEN) -> httpx.AsyncClient:
    endpoint = GraphQLEndpoint(sources, authenticate)
    app = Starlette(routes=[Route("/graphql", endpoint.respond, methods=["GET", "POST"])])
    headers = {"authorization": f"Bearer {token}"}
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://stackflow", headers=headers)


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    formatter = JsonFormatter(ObservabilitySettings("test", metrics=True, function="api", version="1"))
    # httpx, the caller of this test, tells the addresses that it asked.
    return [formatter.format(each) for each in caplog.records if not each.name.startswith("http")]


def clean(told: list[str]) -> bool:
    return not any(mark in line for mark in MARKS for line in told)


async def test_a_restricted_title_is_in_no_line(landscape: Operations, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with client(landscape.sources) as asking:
        shown = await asking.post("/graphql", json={"query": f'{{ incident(id: "{HIDDEN}") {{ title }} }}'})
        filtered = await asking.post(
            "/graphql",
            json={
                "query": "query ($t: String!) { incidents(filter: {title: {contains: $t}}) { nodes { title } } }",
                "variables": {"t": TITLE},
            },
        )
        written = await asking.post(
            "/graphql", json={"query": f'{{ search(text: "{TITLE}") {{ results {{ title }} }} }}'}
        )
    assert shown.json()["data"] == {"incident": {"title": TITLE}}
    assert filtered.json()["data"] == {"incidents": {"nodes": [{"title": TITLE}]}}
    told = lines(caplog)
    assert sum(orjson.loads(line)["message"] == "operation" for line in told) == 3
    assert written.status_code == 200
    assert clean(told)


async def test_a_row_that_the_database_quotes_is_in_no_line(
    landscape: Operations, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(psycopg.errors.CheckViolation, match=VALUE):
        landscape.write(f"UPDATE teams SET name = '{VALUE}' WHERE key = 'payments'")
    landscape.write(
        f"INSERT INTO teams (id, key, name, contact) VALUES ('{uuid(TEAM, 9)}', 'contact', 'Contact', '{VALUE}')"
    )
    with pytest.raises(psycopg.errors.ExclusionViolation, match=VALUE):
        landscape.write(f"UPDATE teams SET contact = '{VALUE}' WHERE key = 'payments'")
    document = "mutation ($input: UpdateTeamInput!) { updateTeam(input: $input) { userErrors { code } } }"
    answers = []
    async with client(landscape.sources) as asking:
        for field in ("name", "contact"):
            input = {
                "id": f"team_{uuid(TEAM, 1)}",
                "expectedVersion": 1,
                field: VALUE,
                "idempotencyKey": f"{KEY}-{field}",
            }
            answer = await asking.post("/graphql", json={"query": document, "variables": {"input": input}})
            answers.append(answer.json())
    told = lines(caplog)
    assert [orjson.loads(line)["message"] for line in told if '"ERROR"' in line] == ["unexpected error"]
    refused, failed = answers
    assert refused["data"] == {"updateTeam": {"userErrors": [{"code": "INVALID"}]}}
    assert [error["extensions"]["code"] for error in failed["errors"]] == ["INTERNAL"]
    assert clean(told)


async def test_hostile_requests_are_in_no_line(landscape: Operations, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with client(landscape.sources) as asking:
        for body in (
            {"query": f"{{ {VALUE.replace('-', '_')} }}", "operationName": NAME},
            {"query": "query A { __typename }", "operationName": f'{NAME}\n{{"level":"ERROR"}}'},
            {"query": f'{{ incident(id: "{VALUE}") {{ title }} }}'},
            {"documentId": VALUE},
            {"query": "query ($n: Int!) { incidents(first: $n) { totalCount } }", "variables": {"n": VALUE}},
        ):
            await asking.post("/graphql", json=body)
        await asking.post("/graphql", content=f'{{"query": "{VALUE}', headers=JSON)
    async with client(landscape.sources, f"{TOKEN}-wrong") as stranger:
        assert (await stranger.post("/graphql", json={"query": "{ __typename }"})).status_code == 401
    told = lines(caplog)
    assert [orjson.loads(line)["operation"] for line in told if '"operation"' in line] == ["", "", "", ""]
    assert clean(told)


async def test_a_password_is_in_no_line_of_a_store_that_is_away(
    landscape: Operations, caplog: pytest.LogCaptureFixture, spans: Kept
) -> None:
    caplog.set_level(logging.DEBUG)
    main = Database("main", f"postgresql://nobody:{PASSWORD}@127.0.0.1:1/x", pool_timeout=1.0)
    sources = Sources(main, landscape.sources.requirements, RecursiveGraph(main), NoCache())
    async with client(sources) as asking:
        answer = await asking.post("/graphql", json={"query": "{ teams { totalCount } }"})
    await main.close()
    assert answer.json()["errors"][0]["extensions"]["code"] == "SOURCE_UNAVAILABLE"
    told = lines(caplog)
    (line,) = [orjson.loads(each) for each in told if '"message":"operation"' in each]
    assert (line["OperationErrors"], line["StoreDown"], line["Environment"]) == (1, 1, "test")
    (recording,) = spans.recordings
    assert (recording.root.error, recording.root.fault) == ("SOURCE_UNAVAILABLE", True)
    assert [(each.name, each.error, each.fault) for each in recording.spans] == [
        ("wait for a connection", "PoolTimeout", True)
    ]
    assert clean(told)


async def test_only_a_trusted_operation_is_a_dimension(landscape: Operations, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "stackflow.operations")
    trusted = next(each for each in trusted_documents().values() if each.name == "teams")
    async with client(landscape.sources) as asking:
        await asking.post("/graphql", json={"documentId": trusted.id})
        await asking.post("/graphql", json={"query": "query teams { teams { totalCount } }", "operationName": "teams"})
    ours, theirs = [orjson.loads(line) for line in lines(caplog)]
    assert (ours["Operation"], "Operation" in theirs, theirs["operation"]) == ("teams", False, "teams")
    assert (ours["Statements"], ours["OperationErrors"]) == (trusted.budget.sql, 0)
    assert (ours["OperationCost"] > 0, theirs["OperationCost"] > 0) == (True, True)


async def test_a_line_names_the_trace_of_its_caller(landscape: Operations, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "stackflow.operations")
    root = {"x-amzn-trace-id": "Root=1-67891233-abcdef012345678912345678;Sampled=1"}
    async with client(landscape.sources) as asking:
        for headers in (root, {"traceparent": VALUE}):
            await asking.post("/graphql", json={"query": "{ __typename }"}, headers=headers)
    told = lines(caplog)
    assert [orjson.loads(line)["trace"] for line in told] == ["67891233abcdef012345678912345678", ""]
    assert clean(told)
