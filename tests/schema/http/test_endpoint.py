"""GraphQL over HTTP: media types, status codes, methods, limits and masks, against real stores."""

import asyncio
import gzip
import logging
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from starlette.requests import Request

from datasources.config import DocumentLimits
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.request import RequestContext
from resolvers.principals.principal import Principal, PrincipalKind
from schema.http.endpoint import error_response
from schema.http.request_body import BodyTimeout, BodyTooLarge, ClientDisconnected, read_body
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
        ({"query": "query($id: ID!) { node(id: $id) { id } }", "variables": {}}, 400, "BAD_USER_INPUT"),
        ({"query": "query A { __typename }", "operationName": "B"}, 400, "BAD_USER_INPUT"),
        ({"query": "query A { __typename } query B { __typename }"}, 400, "BAD_USER_INPUT"),
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


@pytest.mark.parametrize("accept", [GRAPHQL, "application/json"])
@pytest.mark.parametrize(
    "body",
    [
        {"query": "query($id: ID!) { node(id: $id) { id } }", "variables": {"id": [1]}},
        {"query": "{ __typename }", "operationName": "B"},
        {"query": "{ nope }"},
    ],
)
async def test_a_request_that_cannot_be_executed_has_no_data(
    client: httpx.AsyncClient, body: dict[str, Any], accept: str
) -> None:
    reply = await client.post("/graphql", json=body, headers={"accept": accept})
    assert reply.status_code == (400 if accept == GRAPHQL else 200)
    assert "data" not in reply.json()


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


JSON = {"content-type": "application/json"}
BODY = b'{"query": "{ __typename }"}'


async def test_a_byte_order_mark_is_no_part_of_the_json(client: httpx.AsyncClient) -> None:
    reply = await client.post("/graphql", content=b"\xef\xbb\xbf" + BODY, headers=JSON)
    assert (reply.status_code, reply.json()["data"]) == (200, {"__typename": "Query"})


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "GZIP", "gzip, br", "x-unknown"])
async def test_a_compressed_body_is_refused_by_its_coding(client: httpx.AsyncClient, coding: str) -> None:
    reply = await client.post("/graphql", content=gzip.compress(BODY), headers=JSON | {"content-encoding": coding})
    assert (reply.status_code, reply.headers["accept-encoding"]) == (415, "identity")
    assert reply.json()["errors"][0]["message"] == (
        f"content-encoding is {coding.lower()!r}; send the body as it is, not compressed"
    )


@pytest.mark.parametrize(
    ("charset", "status"),
    [("utf-8", 200), ('"UTF-8"', 200), ("utf-16", 415), ("iso-8859-1", 415), ("windows-1252", 415)],
)
async def test_json_is_utf_8(client: httpx.AsyncClient, charset: str, status: int) -> None:
    headers = {"content-type": f"application/json; charset={charset}"}
    reply = await client.post("/graphql", content=BODY, headers=headers)
    assert reply.status_code == status
    if status == 415:
        assert reply.json()["errors"][0]["message"] == f"the charset of content-type is {charset!r}; send utf-8"


async def test_head_is_get_without_a_body(client: httpx.AsyncClient) -> None:
    params = {"query": "{ __typename }"}
    got, head = [await client.request(method, "/graphql", params=params) for method in ("GET", "HEAD")]
    assert (head.status_code, head.headers["content-type"]) == (200, got.headers["content-type"])
    refused = await client.head("/graphql", params={"query": "mutation { __typename }"})
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_other_methods_are_told_which_there_are(client: httpx.AsyncClient, method: str) -> None:
    reply = await client.request(method, "/graphql")
    assert (reply.status_code, set(reply.headers["allow"].split(", "))) == (405, {"GET", "HEAD", "POST"})


@pytest.mark.parametrize("empty", ["variables", "extensions", "operationName", "documentId"])
async def test_a_parameter_without_a_value_is_left_out(client: httpx.AsyncClient, empty: str) -> None:
    reply = await client.get(f"/graphql?query=%7B__typename%7D&{empty}=")
    assert (reply.status_code, reply.json()["data"]) == (200, {"__typename": "Query"})


@pytest.mark.parametrize(
    ("parameter", "message"),
    [
        ("variables=%7B", "variables is not JSON"),
        ("variables=%5B1%5D", "variables must be an object"),
        ("variables=1", "variables must be an object"),
        ("extensions=x", "extensions is not JSON"),
    ],
)
async def test_a_parameter_that_is_none_is_named(client: httpx.AsyncClient, parameter: str, message: str) -> None:
    reply = await client.get(f"/graphql?query=%7B__typename%7D&{parameter}")
    assert (reply.status_code, reply.json()["errors"][0]["message"]) == (400, message)


def request_of(*messages: dict[str, Any], left: bool = False) -> Request:
    """A request whose body comes in these messages, and then nothing, or the end of the connection."""
    waiting = list(messages)

    async def receive() -> dict[str, Any]:
        if waiting:
            return waiting.pop(0)
        if not left:
            await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    return Request({"type": "http", "method": "POST", "headers": [], "path": "/graphql"}, receive)


PIECE = {"type": "http.request", "body": b"{", "more_body": True}


async def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    with pytest.raises(BodyTimeout) as slow:
        await read_body(request_of(PIECE), 100, 0.01)
    reply = error_response(slow.value, RequestContext())
    assert (reply.status_code, reply.headers["connection"]) == (408, "close")
    assert b"the body did not come within 0.01 seconds" in bytes(reply.body)


async def test_a_client_that_leaves_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO), pytest.raises(ClientDisconnected) as left:
        await read_body(request_of(PIECE, left=True), 100)
    with caplog.at_level(logging.INFO):
        assert error_response(left.value, RequestContext()).status_code == 400
    (line,) = caplog.records
    assert (line.levelname, line.exc_info, line.getMessage()) == ("INFO", None, "the client left")


@pytest.mark.parametrize("length", ["2001", "0002001", "9" * 20, "9" * 5_000])
async def test_a_body_that_says_that_it_is_too_large_is_refused_before_it_comes(length: str) -> None:
    async def receive() -> Any:
        raise AssertionError("nothing of the body is read")

    scope = {"type": "http", "method": "POST", "headers": [(b"content-length", length.encode())]}
    with pytest.raises(BodyTooLarge) as large:
        await read_body(Request(scope, receive), 2_000)
    reply = error_response(large.value, RequestContext())
    assert (reply.status_code, reply.headers["connection"]) == (413, "close")


@pytest.mark.parametrize("length", ["2", "2000", "0", "-1", "x", ""])
async def test_other_lengths_are_no_reason(length: str) -> None:
    async def receive() -> Any:
        return {"type": "http.request", "body": b"{}", "more_body": False}

    scope = {"type": "http", "method": "POST", "headers": [(b"content-length", length.encode())]}
    assert await read_body(Request(scope, receive), 2_000) == b"{}"
