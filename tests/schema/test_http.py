"""GraphQL over HTTP: media types, status codes, methods, limits and masks, against real stores."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from datasources.embedded.postgres import EmbeddedPostgres
from resolvers.principals.principal import Principal, PrincipalKind
from schema.limits import DocumentLimits
from schema.operations import trusted_documents
from tests.fixtures.endpoint import endpoint, knowing

READER = Principal(
    "reader", "Reader", PrincipalKind.USER, frozenset({"teams:read", "nodes:read", "documents:free-form"})
)
BOUND = Principal("app", "App", PrincipalKind.SERVICE, frozenset({"teams:read"}))
GRAPHQL = "application/graphql-response+json"


@pytest_asyncio.fixture(loop_scope="session")
async def client(postgres: EmbeddedPostgres) -> AsyncIterator[httpx.AsyncClient]:
    limits = DocumentLimits(depth=6, aliases=3, tokens=120, directives=2, cost=2_000, page=100)
    known = knowing({"Bearer good": READER, "Bearer bound": BOUND})
    headers = {"authorization": "Bearer good"}
    async with endpoint(postgres, known, limits=limits, body_bytes=2_000, headers=headers) as opened:
        yield opened


def codes(reply: httpx.Response) -> list[str]:
    return [error["extensions"]["code"] for error in reply.json()["errors"]]


async def post(client: httpx.AsyncClient, query: str, **also: Any) -> httpx.Response:
    return await client.post("/graphql", json={"query": query} | also)


async def test_an_answer_says_what_it_cost_and_keeps_the_request_id(client: httpx.AsyncClient) -> None:
    reply = await client.post("/graphql", json={"query": "{ __typename }"}, headers={"x-stackflow-request-id": "abc-1"})
    assert reply.status_code == 200
    assert reply.headers["content-type"] == f"{GRAPHQL}; charset=utf-8"
    assert reply.headers["x-stackflow-request-id"] == "abc-1"
    assert reply.json() == {
        "data": {"__typename": "Query"},
        "extensions": {"stores": {"sql": 0, "graph": 0, "cache": 0, "rows": 0}, "requestId": "abc-1"},
    }


async def test_a_request_id_that_could_end_a_comment_is_replaced(client: httpx.AsyncClient) -> None:
    headers = {"x-stackflow-request-id": "*/ DROP TABLE teams; --"}
    reply = await client.post("/graphql", json={"query": "{ __typename }"}, headers=headers)
    assert len(reply.headers["x-stackflow-request-id"]) == 36


async def test_the_older_media_type_is_spoken_to_who_asks_for_it(client: httpx.AsyncClient) -> None:
    reply = await client.post("/graphql", json={"query": "{ nope }"}, headers={"accept": "application/json"})
    assert (reply.status_code, codes(reply)) == (200, ["GRAPHQL_VALIDATION_FAILED"])
    assert reply.headers["content-type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"query": "{ nope }"}, 400, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": "{ unclosed"}, 400, "GRAPHQL_PARSE_FAILED"),
        ({}, 400, "BAD_USER_INPUT"),
        ([{"query": "{ __typename }"}], 400, "BAD_USER_INPUT"),
        ({"query": "{ __typename }", "variables": []}, 400, "BAD_USER_INPUT"),
        ({"query": "{ __typename }", "operationName": 3}, 400, "BAD_USER_INPUT"),
        ({"query": "{ a: __typename b: __typename c: __typename d: __typename }"}, 400, "LIMIT_EXCEEDED"),
        ({"query": "{ " + "id " * 130 + "}"}, 400, "LIMIT_EXCEEDED"),
        ({"query": "{ teams(first: 99) { nodes { incidents(first: 99) { nodes { id } } } } }"}, 400, "LIMIT_EXCEEDED"),
        ({"query": "{ __typename @skip(if: false) @include(if: true) @skip(if: false) }"}, 400, "LIMIT_EXCEEDED"),
        ({"query": "{ __schema { types { name } } }"}, 400, "FORBIDDEN"),
        ({"query": "query($id: ID!) { node(id: $id) { id } }", "variables": {}}, 200, "BAD_USER_INPUT"),
        ({"query": "{ node(id: \"ci_1\") { id } }"}, 200, "BAD_USER_INPUT"),
        ({"query": "{ teams(first: 100000) { totalCount } }"}, 200, "LIMIT_EXCEEDED"),
        ({"query": "{ teams(first: -1) { nodes { id } } }"}, 200, "BAD_USER_INPUT"),
        ({"query": "{ teams(after: \"zzz\") { nodes { id } } }"}, 200, "BAD_USER_INPUT"),
        ({"query": "{ incidents { totalCount } }"}, 200, "FORBIDDEN"),
    ],
)  # fmt: skip
async def test_bad_requests_have_a_status_and_a_code(
    client: httpx.AsyncClient, body: Any, status: int, code: str
) -> None:
    reply = await client.post("/graphql", json=body)
    assert (reply.status_code, codes(reply)) == (status, [code])


async def test_a_limit_tells_the_allowed_number(client: httpx.AsyncClient) -> None:
    reply = await post(client, "{ teams(first: 100000) { nodes { id } } }")
    (error,) = reply.json()["errors"]
    assert error["message"] == "first is 100000; at most 100 is allowed"
    assert error["extensions"] == {"code": "LIMIT_EXCEEDED", "argument": "first", "allowed": 100}


async def test_fragments_count_as_often_as_they_are_spread(client: httpx.AsyncClient) -> None:
    inner = "fragment a on TeamConnection { nodes { configurationItems(first: 2) { nodes { owner { key } } } } }"
    deep = "query { teams { ...a } } " + inner
    assert (await post(client, deep)).status_code == 200
    deeper = deep.replace("owner { key }", "owner { configurationItems { nodes { name } } }")
    assert codes(await post(client, deeper)) == ["LIMIT_EXCEEDED"]


async def test_get_reads_and_never_writes(client: httpx.AsyncClient) -> None:
    read = await client.get(
        "/graphql", params={"query": "query A($n: Int) { teams(first: $n) { totalCount } }", "variables": '{"n": 1}'}
    )
    assert (read.status_code, read.json()["data"]) == (200, {"teams": {"totalCount": 0}})
    bad = await client.get("/graphql", params={"query": "{ __typename }", "variables": "{"})
    assert (bad.status_code, codes(bad)) == (400, ["BAD_USER_INPUT"])


async def test_other_bodies_are_refused(client: httpx.AsyncClient) -> None:
    form = await client.post("/graphql", data={"query": "{ __typename }"})
    assert (form.status_code, codes(form)) == (415, ["BAD_USER_INPUT"])
    large = await client.post("/graphql", json={"query": "{ __typename }", "variables": {"x": "y" * 3_000}})
    assert (large.status_code, codes(large)) == (413, ["LIMIT_EXCEEDED"])
    broken = await client.post("/graphql", content=b"{", headers={"content-type": "application/json"})
    assert (broken.status_code, codes(broken)) == (400, ["BAD_USER_INPUT"])


async def test_who_cannot_be_recognised_gets_401(client: httpx.AsyncClient) -> None:
    reply = await client.post("/graphql", json={"query": "{ __typename }"}, headers={"authorization": "Bearer bad"})
    assert (reply.status_code, codes(reply)) == (401, ["UNAUTHENTICATED"])
    assert reply.headers["www-authenticate"] == "Bearer"


async def test_unknown_ids_are_null(client: httpx.AsyncClient) -> None:
    unknown = "team_00000000-0000-7000-8000-000000000000"
    reply = await post(
        client, f'{{ team(id: "{unknown}") {{ id }} nodes(ids: ["{unknown}", "zz_{unknown[5:]}"]) {{ id }} }}'
    )
    assert reply.json()["data"] == {"team": None, "nodes": [None, None]}
    assert "errors" not in reply.json()


async def test_who_lacks_free_form_runs_trusted_documents_only(client: httpx.AsyncClient) -> None:
    client.headers["authorization"] = "Bearer bound"
    reply = await post(client, "{ __typename }")
    assert (reply.status_code, codes(reply)) == (400, ["FORBIDDEN"])
    trusted = next(each for each in trusted_documents().values() if each.name == "teams")
    for body in ({"documentId": trusted.id}, {"query": trusted.text}):
        answered = await client.post("/graphql", json=body)
        assert (answered.status_code, answered.json()["data"]) == (200, {"teams": {"totalCount": 0, "nodes": []}})
    unknown = await client.post("/graphql", json={"documentId": "sha256:0"})
    assert (unknown.status_code, codes(unknown)) == (400, ["BAD_USER_INPUT"])
