"""The protocol around streams: what begins one, what does not, and what an operation of another kind gets."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from datasources.sources import Sources
from schema.declarations.paging import decode_opaque, encode_opaque
from tests.fixtures.feeding import Rows
from tests.fixtures.stream_stores import client as client
from tests.fixtures.stream_stores import clients, people, rows, sources, url
from tests.fixtures.streaming import URL, Events, People, application, stream

__all__ = ["people", "rows", "sources", "url"]

CHANGES = "subscription { changes { kind } }"
EVENTS = {"accept": "text/event-stream", "authorization": "Bearer all"}


async def whole(client: httpx.AsyncClient, query: str, path: str = URL, **variables: Any) -> list[tuple[str, Any]]:
    """All events of a stream that ends by itself."""
    found = []
    body = {"query": query, "variables": variables}
    async with client.stream("POST", path, json=body, headers=EVENTS) as reply:
        assert (reply.status_code, reply.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
        events = Events(reply)
        try:
            while True:
                found.append(await events.next())
        except EOFError:
            return found


def codes(events: list[tuple[str, Any]]) -> list[str]:
    """The codes of the errors of the only response."""
    [(first, body), last] = events
    assert (first, last) == ("next", ("complete", None))
    return [each["extensions"]["code"] for each in body["errors"]]


@pytest.mark.parametrize("path", [URL, "/graphql"])
async def test_a_query_is_one_response(client: httpx.AsyncClient, path: str) -> None:
    [(name, body), last] = await whole(client, "{ viewer { name } }", path)
    assert (name, body["data"], last) == ("next", {"viewer": {"name": "Test"}}, ("complete", None))
    assert body["extensions"]["stores"]["sql"] == 0


async def test_a_mutation_is_one_response_by_post_and_none_by_get(client: httpx.AsyncClient) -> None:
    query = 'mutation { createTeam(input: {key: "k", name: "K"}) { userErrors { code } } }'
    assert codes(await whole(client, query)) == ["FORBIDDEN"]
    reply = await client.get(URL, params={"query": query}, headers=EVENTS)
    assert (reply.status_code, reply.json()["errors"][0]["extensions"]["code"]) == (405, "BAD_USER_INPUT")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("subscription {", "GRAPHQL_PARSE_FAILED"),
        ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { a: changes { kind } b: changes { kind } }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { changes { " + "id " * 5_000 + "} }", "LIMIT_EXCEEDED"),
        ("subscription { changes(kinds: [NONE]) { kind } }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription ($k: [FeedKind!]!) { changes(kinds: $k) { kind } }", "BAD_USER_INPUT"),
        ('subscription { changes(cursor: "x") { kind } }', "BAD_USER_INPUT"),
        ('subscription { changes(of: ["x"]) { kind } }', "BAD_USER_INPUT"),
        ("subscription { changes(kinds: [RELATIONSHIP, TEAM]) { kind } }", "FORBIDDEN"),
        ("query A { viewer { name } } subscription B { changes { kind } }", "BAD_USER_INPUT"),
    ],
)
async def test_what_is_wrong_with_an_operation_is_an_event(
    client: httpx.AsyncClient, people: People, query: str, code: str
) -> None:
    all_ = people.people["all"]
    assert not isinstance(all_, Exception)
    people.people["all"] = type(all_)(
        all_.subject, all_.name, all_.kind, all_.permissions - {"relationships:read"}, all_.team_keys
    )
    assert codes(await whole(client, query)) == [code]


ID = "00000000-0000-7000-8000-000000000001"
# What a browser may send back, or somebody by hand: nothing of ours, cursors of other places, and places of no one.
STRANGE = [
    "", "x", "1", "null", "W10", "0", "%00", "\u00e9", "W3RydWUsMV0", "WzEsMV0=====", "A" * 20_000,
    encode_opaque(["name", False, "a", ID]), encode_opaque(["3", ID]), encode_opaque([1]), encode_opaque([1, 2, 3]),
    "eyJ0cmFuc2FjdGlvbiI6MX0",
    encode_opaque([2**63, 1]), encode_opaque([-1, 1]), encode_opaque([1.5, 1]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("by", "cursor"),
    [("argument", each) for each in STRANGE] + [("header", each) for each in STRANGE if each.isascii()],
    ids=lambda each: each[:20],
)
async def test_what_is_no_cursor_of_the_feed_begins_no_stream(client: httpx.AsyncClient, by: str, cursor: str) -> None:
    query = "subscription ($cursor: String) { changes(cursor: $cursor) { kind } }"
    if by == "header" and not cursor:
        # An empty one is what a browser sends that was told none yet.
        async with stream(client, query, "all", {"last-event-id": ""}) as events:
            assert await events.begun()
        return
    headers = {"last-event-id": cursor} if by == "header" else {}
    variables = {"cursor": cursor} if by == "argument" else {}
    async with stream(client, query, "all", headers, **variables) as events:
        error = await events.error()
    assert error == {
        "message": "cursor is not a cursor; pass one as this API returned it",
        "code": "BAD_USER_INPUT", "argument": "cursor",
    }  # fmt: skip


async def test_a_cursor_of_another_connection_begins_no_stream(client: httpx.AsyncClient, rows: Rows) -> None:
    """Real ones, of a page and of a walk."""
    rows.items(1, 2)
    document = "{ configurationItems(first: 1) { pageInfo { endCursor } } }"
    reply = await client.post("/graphql", json={"query": document}, headers={"authorization": "Bearer all"})
    cursor = reply.json()["data"]["configurationItems"]["pageInfo"]["endCursor"]
    assert cursor
    async with stream(client, CHANGES, "all", {"last-event-id": cursor}) as events:
        assert (await events.error())["argument"] == "cursor"
    # And a place of the feed is no place in a page.
    async with stream(client, CHANGES, "all") as events:
        place = await events.begun()
    document = f'{{ configurationItems(first: 1, after: "{place}") {{ totalCount nodes {{ id }} }} }}'
    reply = await client.post("/graphql", json={"query": document}, headers={"authorization": "Bearer all"})
    [error] = reply.json()["errors"]
    assert error["extensions"] == {"code": "BAD_USER_INPUT", "argument": "after"}


async def test_a_place_ahead_of_all_that_was_written_begins_no_stream(client: httpx.AsyncClient) -> None:
    """That of a database which was restored since: nothing would be told for ever."""
    async with stream(client, CHANGES, "all") as events:
        transaction, position = decode_opaque(await events.begun(), "cursor")
    async with stream(
        client, CHANGES, "all", {"last-event-id": encode_opaque([transaction + 10**6, position])}
    ) as events:
        error = await events.error()
    assert (error["code"], "ahead of every write in this database" in error["message"]) == ("BAD_USER_INPUT", True)


async def test_a_stream_takes_the_permission_to_read_the_feed(client: httpx.AsyncClient) -> None:
    async with stream(client, CHANGES, "nobody") as events:
        assert (await events.error())["permission"] == "feed:read"


async def test_a_browser_s_event_source_asks_by_get(client: httpx.AsyncClient, rows: Rows) -> None:
    params = {"query": "subscription ($k: [FeedKind!]) { changes(kinds: $k) { kind } }"}
    params["variables"] = json.dumps({"k": ["CONFIGURATION_ITEM"]})
    async with client.stream("GET", URL, params=params, headers=EVENTS) as reply:
        events = Events(reply)
        await events.begun()
        rows.items(1)
        assert await events.change() == {"kind": "CONFIGURATION_ITEM"}
        assert reply.headers["cache-control"] == "no-store"
        assert "content-length" not in reply.headers


@pytest.mark.parametrize(
    ("headers", "body", "status", "code"),
    [
        ({"authorization": "Bearer nobody else"}, {"query": CHANGES}, 401, "UNAUTHENTICATED"),
        ({"accept": "application/json"}, {"query": CHANGES}, 406, "BAD_USER_INPUT"),
        ({"content-type": "text/plain"}, {"query": CHANGES}, 415, "BAD_USER_INPUT"),
        ({}, {}, 400, "BAD_USER_INPUT"),
        ({}, [{"query": CHANGES}], 400, "BAD_USER_INPUT"),
    ],
)
async def test_what_begins_no_stream_has_a_status(
    client: httpx.AsyncClient, headers: dict[str, str], body: Any, status: int, code: str
) -> None:
    given = EVENTS | {"content-type": "application/json"} | headers
    reply = await client.post(URL, content=json.dumps(body), headers=given)
    assert (reply.status_code, [each["extensions"]["code"] for each in reply.json()["errors"]]) == (status, [code])


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_the_single_connection_mode_is_not_served(client: httpx.AsyncClient, method: str) -> None:
    assert (await client.request(method, URL, headers=EVENTS)).status_code == 405


async def test_a_subscription_is_no_answer_of_graphql(client: httpx.AsyncClient) -> None:
    headers = {"authorization": "Bearer all"}
    reply = await client.post("/graphql", json={"query": CHANGES}, headers=headers)
    (error,) = reply.json()["errors"]
    assert (reply.status_code, error["extensions"]["code"]) == (400, "BAD_USER_INPUT")
    assert "/graphql/stream" in error["message"]


async def test_where_no_streams_are_served_it_says_what_to_ask(sources: Sources, people: People) -> None:
    async with clients(application(sources, people, tail=False)) as client:
        reply = await client.post(URL, json={"query": CHANGES}, headers=EVENTS)
    (error,) = reply.json()["errors"]
    assert (reply.status_code, error["extensions"]) == (501, {"code": "STREAMS_UNAVAILABLE", "field": "changesSince"})


async def test_there_are_so_many_streams_and_a_client_that_leaves_frees_its_place(
    sources: Sources, people: People, rows: Rows
) -> None:
    made = application(sources, people, most=2)
    async with clients(made) as client:
        async with stream(client, CHANGES, "all") as one:
            await one.begun()
            async with stream(client, CHANGES, "all") as two:
                await two.begun()
                reply = await client.post(URL, json={"query": CHANGES}, headers=EVENTS)
                assert (reply.status_code, reply.headers["retry-after"]) == (503, "5")
                assert reply.json()["errors"][0]["extensions"] == {"code": "LIMIT_EXCEEDED", "allowed": 2}
            while made.state.streams.count == 2:
                await asyncio.sleep(0.01)
            async with stream(client, CHANGES, "all") as three:
                await three.begun()
                rows.items(1)
                assert await one.change() == await three.change() == {"kind": "CONFIGURATION_ITEM"}
        while made.state.streams.count:
            await asyncio.sleep(0.01)
    assert made.state.streams.count == 0
