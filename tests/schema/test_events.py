"""POST /events: each mode, who may, and each kind of bad input with its status and reason."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from datasources.aurora.database import Database
from datasources.queues.opened import open_queues
from datasources.queues.port import Queue
from datasources.sources import Sources
from resolvers.principals.errors import UnknownApiKey
from resolvers.principals.principal import Principal, PrincipalKind
from schema.events import event_routes
from tests.fixtures.event_stores import sources, url
from tests.fixtures.events import upserted

__all__ = ["sources", "url"]

STRUCTURED, BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"


async def authenticate(header: str | None) -> Principal:
    if header not in {"Bearer writer", "Bearer reader"}:
        raise UnknownApiKey
    permissions = {"events:write"} if header == "Bearer writer" else {"configuration-items:write"}
    return Principal("t", "T", PrincipalKind.SERVICE, frozenset(permissions))


@pytest.fixture
def queue(sources: Sources) -> Queue:
    return open_queues(sources.main).events


@pytest.fixture
async def client(queue: Queue) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=Starlette(routes=event_routes(queue, authenticate)))
    headers = {"authorization": "Bearer writer", "x-stackflow-request-id": "r-1"}
    async with httpx.AsyncClient(transport=transport, base_url="http://stackflow", headers=headers) as opened:
        yield opened


async def post(client: httpx.AsyncClient, body: Any, kind: str = STRUCTURED) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await client.post("/events", content=content, headers={"content-type": kind})


async def waiting(queue: Queue) -> list[Any]:
    return [(each.group, each.request_id, json.loads(each.body)["id"]) for each in await queue.receive(100, 0)]


async def test_one_event_is_accepted(client: httpx.AsyncClient, queue: Queue) -> None:
    reply = await post(client, upserted("1", "a"), f"{STRUCTURED}; charset=utf-8")
    assert (reply.status_code, reply.json()) == (202, {"accepted": 1, "refused": []})
    assert reply.headers["x-stackflow-request-id"] == "r-1"
    assert await waiting(queue) == [("/cmdb", "r-1", "1")]


async def test_a_batch_is_accepted_but_for_what_is_wrong(client: httpx.AsyncClient, queue: Queue) -> None:
    batch = [
        upserted("1", "a"),
        upserted("2", "a") | {"type": "x"},
        3,
        upserted("4", "b", status="NO"),
        upserted("5", "c"),
    ]
    reply = await post(client, batch, BATCH)
    assert (reply.status_code, reply.json()["accepted"]) == (202, 2)
    assert [(each["index"], each["id"], each["source"]) for each in reply.json()["refused"]] == [
        (1, "2", "/cmdb"), (2, "", ""), (3, "4", "/cmdb"),
    ]  # fmt: skip
    assert [each["reason"].partition(";")[0] for each in reply.json()["refused"]] == [
        "the type 'x' is not known",
        "not a CloudEvent of version 1.0: Expected `object`, got `int`",
        "the data are not those of io.stackflow.configuration-item.upserted: Invalid enum value 'NO' - at `$.status`",
    ]
    assert await waiting(queue) == [("/cmdb", "r-1", "1"), ("/cmdb", "r-1", "5")]


async def test_a_repeated_request_queues_nothing_twice(client: httpx.AsyncClient, queue: Queue) -> None:
    for _ in range(2):
        assert (await post(client, [upserted("1", "a"), upserted("2", "b")], BATCH)).json()["accepted"] == 2
    assert (await queue.depth()).waiting == 2


FAR = upserted("1", "a") | {"time": "2999-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("body", "kind", "reason"),
    [
        (FAR, STRUCTURED, "its time 2999-01-01T00:00:00+00:00 is too far in the future"),
        (upserted("1", "a") | {"type": "x"}, STRUCTURED, "the type 'x' is not known"),
        (upserted("1", "a", x=1), STRUCTURED,
         "the data are not those of io.stackflow.configuration-item.upserted: Object contains unknown field `x`"),
        (b"nonsense", STRUCTURED, "not JSON: JSON is malformed: invalid character (byte 4)"),
        ([FAR], BATCH, "its time 2999-01-01T00:00:00+00:00 is too far in the future"),
        ([upserted("1", "a", attributes={"x": "x" * 262_144})], BATCH, "the event has 262393 bytes"),
    ],
)  # fmt: skip
async def test_when_nothing_is_accepted_the_answer_says_why(
    client: httpx.AsyncClient, queue: Queue, body: Any, kind: str, reason: str
) -> None:
    reply = await post(client, body, kind)
    assert (reply.status_code, reply.json()["accepted"]) == (400, 0)
    assert [each["reason"].partition(";")[0] for each in reply.json()["refused"]] == [reason]
    assert (await queue.depth()).waiting == 0


@pytest.mark.parametrize(
    ("body", "kind", "status", "code", "message"),
    [
        (b"[", BATCH, 400, "BAD_USER_INPUT", "not a JSON array of events: Input data was truncated"),
        (b"{}", BATCH, 400, "BAD_USER_INPUT", "not a JSON array of events: Expected `array`, got `object`"),
        (b"[]", BATCH, 400, "BAD_USER_INPUT", "the batch is empty"),
        (b"{}", "application/json", 415, "BAD_USER_INPUT",
         "content-type is 'application/json'; send application/cloudevents+json or application/cloudevents-batch+json"),
        (b" " * 262_145, STRUCTURED, 413, "LIMIT_EXCEEDED", "the body is over 262144 bytes"),
        (b" " * 8_388_609, BATCH, 413, "LIMIT_EXCEEDED", "the body is over 8388608 bytes"),
        (b"[" + b"1," * 5_000 + b"1]", BATCH, 413, "LIMIT_EXCEEDED", "the batch has 5001 events"),
    ],
)  # fmt: skip
async def test_what_cannot_be_read_is_refused_as_a_whole(
    client: httpx.AsyncClient, body: bytes, kind: str, status: int, code: str, message: str
) -> None:
    reply = await post(client, body, kind)
    [error] = reply.json()["errors"]
    assert (reply.status_code, error["extensions"]["code"], error["message"]) == (status, code, message)


async def test_who_may_not_write_events_sends_none(client: httpx.AsyncClient, queue: Queue) -> None:
    client.headers["authorization"] = "Bearer reader"
    reply = await post(client, upserted("1", "a"))
    assert (reply.status_code, reply.json()["errors"][0]["extensions"]) == (
        403,
        {"code": "FORBIDDEN", "permission": "events:write"},
    )
    client.headers["authorization"] = "Bearer nobody"
    reply = await post(client, upserted("1", "a"))
    assert (reply.status_code, reply.headers["www-authenticate"]) == (401, "Bearer")
    assert (await queue.depth()).waiting == 0


async def test_a_lost_queue_is_told() -> None:
    away = Database("main", "postgresql://nobody@127.0.0.1:1/none", pool_timeout=0.1)
    transport = httpx.ASGITransport(app=Starlette(routes=event_routes(open_queues(away).events, authenticate)))
    async with httpx.AsyncClient(transport=transport, base_url="http://stackflow") as client:
        client.headers["authorization"] = "Bearer writer"
        reply = await post(client, upserted("1", "a"))
    assert (reply.status_code, reply.json()["errors"][0]["extensions"]["code"]) == (503, "SOURCE_UNAVAILABLE")
    await away.close()
