"""POST /events: each mode, who may, and each kind of bad input with its status and reason."""

import json
from collections.abc import AsyncIterator, Collection, Sequence
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from datasources.aurora.driver.database import Database
from datasources.errors import SourceInvalidValue
from datasources.queues.factory import open_queues
from datasources.queues.port import NewMessage, Queue
from datasources.queues.tables.queue import TablesQueue
from datasources.sources import Sources
from resolvers.events.ingest import ingest_events
from resolvers.principals.errors import UnknownApiKey
from resolvers.principals.principal import Principal, PrincipalKind
from schema.http.events import event_routes
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
        (b"[", BATCH, 400, "BAD_USER_INPUT", "not a JSON array of events: the array has no end"),
        (b"{}", BATCH, 400, "BAD_USER_INPUT", "not a JSON array of events: it is no array"),
        (b"[]", BATCH, 400, "BAD_USER_INPUT", "the batch is empty"),
        (b"{}", "application/json", 415, "BAD_USER_INPUT",
         "content-type is 'application/json'; send application/cloudevents+json or application/cloudevents-batch+json, "
         "or ce-specversion and ce-id and ce-source and ce-type with the data as the body"),
        (b"{}", "application/cloudevents+avro", 415, "BAD_USER_INPUT",
         "content-type is 'application/cloudevents+avro'; send application/cloudevents+json or "
         "application/cloudevents-batch+json, or ce-specversion and ce-id and ce-source and ce-type with the data as "
         "the body"),
        (b"{}", f"{STRUCTURED}; charset=iso-8859-1", 415, "BAD_USER_INPUT",
         "the charset of content-type is 'iso-8859-1'; send utf-8"),
        (b" " * 262_145, STRUCTURED, 413, "LIMIT_EXCEEDED", "the body is over 262144 bytes"),
        (b" " * 8_388_609, BATCH, 413, "LIMIT_EXCEEDED", "the body is over 8388608 bytes"),
        (b"[" + b"1," * 5_000 + b"1]", BATCH, 413, "LIMIT_EXCEEDED", "the batch has more than 5,000 events"),
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


def binary(**attributes: str) -> dict[str, str]:
    """The headers of an event in binary mode."""
    given = {"specversion": "1.0", "id": "1", "source": "/cmdb", "time": "2026-03-01T12:00:00Z",
             "type": "io.stackflow.configuration-item.upserted"}  # fmt: skip
    return {f"ce-{name}": value for name, value in (given | attributes).items()}


ITEM = json.dumps(upserted("1", "a")["data"]).encode()


@pytest.mark.parametrize("kind", ["application/json", 'application/json; Charset="UTF-8"', "application/x+json", None])
async def test_an_event_in_binary_mode_is_the_same_as_in_structured_mode(
    client: httpx.AsyncClient, queue: Queue, kind: str | None
) -> None:
    headers = binary(comexampleextension="7") | ({} if kind is None else {"content-type": kind})
    reply = await client.post("/events", content=ITEM, headers=headers)
    assert (reply.status_code, reply.json()) == (202, {"accepted": 1, "refused": []})
    # The same by the other mode is not queued again.
    assert (await post(client, upserted("1", "a"))).json()["accepted"] == 1
    assert await waiting(queue) == [("/cmdb", "r-1", "1")]


@pytest.mark.parametrize(
    ("sent", "source"),
    [
        ("Euro%20%E2%82%AC%20%F0%9F%98%80", "Euro \u20ac \U0001f600"),
        # Lower case, and what needs no encoding.
        ("%e2%82%ac%61", "\u20aca"),
        # One round only.
        ("a%2520b", "a%20b"),
        # A percent sign that begins nothing stands for itself.
        ("100%", "100%"),
        # Quotes, as senders of before encoded them.
        ('"a \\"quoted\\" b"', 'a "quoted" b'),
        ('"', '"'),
    ],
)
async def test_header_values_are_decoded_once(client: httpx.AsyncClient, queue: Queue, sent: str, source: str) -> None:
    reply = await client.post("/events", content=ITEM, headers=binary(source=sent))
    assert reply.status_code == 202
    assert await waiting(queue) == [(source, "r-1", "1")]


@pytest.mark.parametrize(
    ("headers", "body", "status", "message"),
    [
        (binary(source="%C0%A0"), ITEM, 400, "ce-source is not UTF-8 once its percent signs are decoded"),
        (binary(datacontenttype="application/json"), ITEM, 400,
         "ce-datacontenttype is not an attribute; send the data as the body, and their type as content-type"),
        (binary(data="1"), ITEM, 400,
         "ce-data is not an attribute; send the data as the body, and their type as content-type"),
        (binary() | {"content-type": "text/xml"}, b"<a/>", 415,
         "content-type is 'text/xml'; send application/json, or a type that ends in +json"),
        (binary(), b'1},"id":"other"', 400, "the body is not JSON: JSON is malformed: trailing characters (byte 2)"),
        (binary(), b"[" * 6_000, 400, "the body is nested too deeply to be read; make it flatter"),
        (binary(), b'"\xff"', 400, "the body is not JSON: 'utf-8' codec can't decode byte 0xff in position 0: "
         "invalid start byte"),
    ],
)  # fmt: skip
async def test_what_is_wrong_in_binary_mode_is_named(
    client: httpx.AsyncClient, queue: Queue, headers: dict[str, str], body: bytes, status: int, message: str
) -> None:
    reply = await client.post("/events", content=body, headers=headers)
    assert (reply.status_code, [each["message"] for each in reply.json()["errors"]]) == (status, [message])
    assert (await queue.depth()).waiting == 0


@pytest.mark.parametrize(
    ("headers", "body", "reason"),
    [
        (binary() | {"ce-id": ""}, ITEM, "not a CloudEvent of version 1.0: Expected `str` of length >= 1 - at `$.id`"),
        (binary(specversion="0.3"), ITEM,
         "not a CloudEvent of version 1.0: Invalid enum value '0.3' - at `$.specversion`"),
        (binary(), b"", "not a CloudEvent of version 1.0: Object missing required field `data`"),
    ],
)  # fmt: skip
async def test_an_attribute_that_is_wrong_is_named(
    client: httpx.AsyncClient, headers: dict[str, str], body: bytes, reason: str
) -> None:
    reply = await client.post("/events", content=body, headers=headers)
    assert (reply.status_code, [each["reason"] for each in reply.json()["refused"]]) == (400, [reason])


async def test_an_attribute_that_is_there_twice_is_named(client: httpx.AsyncClient) -> None:
    headers = [*binary().items(), ("ce-id", "2")]
    reply = await client.post("/events", content=ITEM, headers=headers)
    assert (reply.status_code, reply.json()["errors"][0]["message"]) == (400, "ce-id is present twice; send it once")


def sized(size: int) -> bytes:
    """An event of so many bytes."""
    body = json.dumps(upserted("1", "a", attributes={"x": "ß"}), separators=(",", ":")).encode()
    return body.replace(b"\\u00df", b"x" * (size - len(body) + 6))


async def test_what_the_queue_keeps_of_an_event_counts(client: httpx.AsyncClient, queue: Queue) -> None:
    # As SQS counts: the body with its sender, and name, type and value of each attribute.
    sender = len('"stackflowsender":"SERVICE:t",')
    more = sender + len("group" + "String" + "/cmdb") + len("requestId" + "String" + "r-1")
    for size in (262_144, 262_145 - more):
        reply = await post(client, sized(size))
        assert (reply.status_code, reply.json()["accepted"]) == (400, 0)
        [refused] = reply.json()["refused"]
        assert (refused["id"], refused["reason"]) == (
            "1",
            f"the event has {size + more} bytes with the sender, source and request id that the queue stores with it; "
            "262144 are allowed",
        )
    assert (await post(client, sized(262_144 - more))).status_code == 202
    assert await waiting(queue) == [("/cmdb", "r-1", "1")]


def poisoned(value: str) -> bytes:
    """An event with this JSON among its attributes."""
    return json.dumps(upserted("odd", "odd", attributes={"a": "here"})).replace('"here"', value).encode()


OUT_OF_RANGE = "the data are not those of io.stackflow.configuration-item.upserted: Integer value out of range"
DEEP = "it is nested too deeply; use fewer levels"
NESTED = "the data can't be stored: attributes is nested more than 32 levels deep; make it flatter"


@pytest.mark.parametrize("place", [0, 4, 9])
@pytest.mark.parametrize(
    ("odd", "names", "reason"),
    [
        (poisoned("[" * 500 + "]" * 500), ("odd", "/cmdb"), NESTED),
        (poisoned("[" * 1_200 + "]" * 1_200), ("odd", "/cmdb"), DEEP),
        (poisoned('{"x]":[' * 6_000 + "]}" * 6_000), ("odd", "/cmdb"), DEEP),
        (poisoned(r'"\ud800"'), ("odd", "/cmdb"),
         "not JSON: Input data was truncated; look for an unpaired surrogate such as \\ud800"),
        (poisoned("NaN"), ("odd", "/cmdb"), "not JSON: JSON is malformed: invalid character"),
        (b"", ("", ""), "not JSON: Input data was truncated"),
        (poisoned("9" * 5_000), ("odd", "/cmdb"), OUT_OF_RANGE),
        (poisoned("-" + "9" * 400), ("odd", "/cmdb"), "the data can't be stored: attributes has "),
        (poisoned("1e999"), ("odd", "/cmdb"), "the data are not those of io.stackflow.configuration-item.upserted: "),
        (b"[" * 6_000 + b"]" * 6_000, ("", ""), "not a CloudEvent of version 1.0: Expected `object`, got `array`"),
        (b"9" * 5_000, ("", ""), "not a CloudEvent of version 1.0: Number out of range"),
    ],
    ids=["500 levels", "1,200 levels", "12,000 levels", "half a pair", "NaN", "nothing", "5,000 digits", "400 digits",
         "1e999", "an array", "a number"],
)  # fmt: skip
async def test_one_event_that_cannot_be_read_holds_back_no_other_of_its_batch(
    client: httpx.AsyncClient, queue: Queue, place: int, odd: bytes, names: tuple[str, str], reason: str
) -> None:
    bodies = [json.dumps(upserted(str(n), f"i{n}", n)).encode() for n in range(9)]
    bodies.insert(place, odd)
    reply = await post(client, b"[" + b",".join(bodies) + b"]", BATCH)
    assert (reply.status_code, reply.json()["accepted"]) == (202, 9)
    [refused] = reply.json()["refused"]
    assert (refused["index"], (refused["id"], refused["source"])) == (place, names)
    assert refused["reason"].startswith(reason)
    assert [id for _, _, id in await waiting(queue)] == [str(n) for n in range(9)]


@pytest.mark.parametrize("levels", [1_200, 6_000])
async def test_an_event_alone_that_is_nested_too_deeply_is_named(client: httpx.AsyncClient, levels: int) -> None:
    reply = await post(client, poisoned("[" * levels + "]" * levels))
    assert (reply.status_code, reply.json()["refused"]) == (
        400,
        [{"index": 0, "id": "odd", "source": "/cmdb", "reason": "it is nested too deeply; use fewer levels"}],
    )


class Choosy(TablesQueue):
    """A queue that refuses what some messages say."""

    refuses: Collection[str] = ()

    async def send(self, messages: Sequence[NewMessage]) -> int:
        if any(json.loads(each.body)["id"] in self.refuses for each in messages):
            raise SourceInvalidValue("queue", "the queue refused a value")
        return await super().send(messages)


async def test_what_the_queue_refuses_holds_back_no_other_event_of_the_batch(sources: Sources) -> None:
    choosy = Choosy(sources.main, "events")
    choosy.refuses = {"0", "4", "9"}
    bodies = [json.dumps(upserted(str(n), f"i{n}", n)).encode() for n in range(10)]
    accepted = await ingest_events(choosy, [*bodies[:5], b"{", *bodies[5:]], "r-1")
    reason = "the queue rejects it: the queue refused a value"
    assert [(each.index, each.id, each.source, each.reason) for each in accepted.refused] == [
        (0, "0", "/cmdb", reason), (4, "4", "/cmdb", reason), (5, "", "", "not JSON: Input data was truncated"),
        (10, "9", "/cmdb", reason),
    ]  # fmt: skip
    assert accepted.accepted == 7
    # The others are queued in their order.
    assert [id for _, _, id in await waiting(choosy)] == ["1", "2", "3", "5", "6", "7", "8"]
