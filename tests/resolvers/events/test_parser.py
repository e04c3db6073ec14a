"""CloudEvents read: what is one, what is none and why, and the schemas beside the code."""

import base64
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import resolvers.events
from resolvers.events.parser import MAX_CLOCK_SKEW, MAX_EVENT_BYTES, InvalidEvent, parse_event, split_batch
from resolvers.events.registry import EVENT_TYPES, export_schemas
from tests.fixtures.alerts import fired
from tests.fixtures.events import NOON, event, key, related, upserted
from tests.fixtures.operations_events import change, incident, opened

SCHEMAS = Path(resolvers.events.__file__).parent / "schemas"


def bytes_of(**changes: Any) -> bytes:
    made = upserted("1", "a") | changes
    return json.dumps({name: value for name, value in made.items() if value is not None}).encode()


def reason(body: bytes) -> str:
    with pytest.raises(InvalidEvent) as caught:
        parse_event(body, NOON)
    return caught.value.reason


def test_the_schemas_beside_the_code_are_those_of_the_structs() -> None:
    assert {path.name: path.read_bytes() for path in SCHEMAS.iterdir()} == export_schemas()
    assert len(export_schemas()) == len(EVENT_TYPES) == 19


def test_an_event_is_read() -> None:
    read_ = parse_event(
        bytes_of(subject="a", traceparent="00-1", datacontenttype="application/json; charset=utf-8"), NOON
    )
    assert (read_.id, read_.source, read_.time) == ("1", "/cmdb", NOON)
    # What carries it is not what it says.
    assert read_.content == parse_event(bytes_of(), NOON).content
    assert read_.content != parse_event(bytes_of(time="2026-03-01T12:00:01Z"), NOON).content
    assert read_.content == parse_event(bytes_of(time="2026-03-01T13:00:00+01:00"), NOON).content


@pytest.mark.parametrize(
    "kind",
    [None, "application/json", "text/json", "application/vnd.example.item+json", "Application/JSON; charset=UTF-8"],
)
def test_data_are_read_from_either_member_whatever_kind_of_json_they_are(kind: str | None) -> None:
    plain = json.loads(bytes_of())
    data = json.dumps(plain.pop("data")).encode()
    packed = json.dumps(plain | {"data_base64": base64.b64encode(data).decode(), "datacontenttype": kind}).encode()
    assert (
        parse_event(packed, NOON) == parse_event(bytes_of(datacontenttype=kind), NOON) == parse_event(bytes_of(), NOON)
    )


NOT_BASE64 = "data_base64 is not Base64 (RFC 4648, section 4)"


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"data_base64": "e30="}, "it has both data and data_base64; send one of them"),
        ({"data": None, "data_base64": "e30"}, NOT_BASE64),
        ({"data": None, "data_base64": "e30=\n"}, NOT_BASE64),
        ({"data": None, "data_base64": "\u00e4"}, NOT_BASE64),
        ({"data": None, "data_base64": "e30="}, "the data are not those of io.stackflow.configuration-item.upserted: "
         "Object missing required field `item`"),
        ({"data": None, "data_base64": "/w=="}, "the data are not those of io.stackflow.configuration-item.upserted: "
         "JSON is malformed: invalid character (byte 0)"),
        ({"datacontenttype": "application/jsonx"},
         "datacontenttype is 'application/jsonx'; send application/json, or a type that ends in +json"),
    ],
)  # fmt: skip
def test_data_that_cannot_be_unpacked_have_a_reason(members: dict[str, Any], expected: str) -> None:
    assert reason(bytes_of(**members)) == expected


DEEP = b'{"specversion":"1.0","id":"1","source":"/s","time":"2026-03-01T12:00:00Z","data":' + b"[" * 100_000


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", "not JSON: Input data was truncated"),
        (b"{", "not JSON: Input data was truncated"),
        (b'"\xff"', "not JSON: it is not UTF-8, or contains a NUL character"),
        (b'{"id": "\xff"}', "not JSON: it is not UTF-8, or contains a NUL character"),
        (DEEP, "it is nested too deeply; use fewer levels"),
        (b"[]", "not a CloudEvent of version 1.0: Expected `object`, got `array`"),
        (bytes_of(specversion="0.3"), "not a CloudEvent of version 1.0: Invalid enum value '0.3' - at `$.specversion`"),
        (bytes_of(id=""), "not a CloudEvent of version 1.0: Expected `str` of length >= 1 - at `$.id`"),
        (bytes_of(source=None), "not a CloudEvent of version 1.0: Object missing required field `source`"),
        (bytes_of(time=None), "not a CloudEvent of version 1.0: Object missing required field `time`"),
        (bytes_of(time="2026-03-01T12:00:00"),
         "not a CloudEvent of version 1.0: Expected `datetime` with a timezone component - at `$.time`"),
        (bytes_of(data=None), "not a CloudEvent of version 1.0: Object missing required field `data`"),
        (bytes_of(type="io.stackflow.nothing"), "the type 'io.stackflow.nothing' is not known; known are "
         + ", ".join(sorted(EVENT_TYPES))),
        (bytes_of(datacontenttype="text/xml"), "datacontenttype is 'text/xml'; send application/json, or a "
         "type that ends in +json"),
        (bytes_of(time="1969-12-31T23:59:59Z"),
         "its time 1969-12-31T23:59:59+00:00 is before 1970; correct the clock of the source"),
        (bytes_of(data={}), "the data are not those of io.stackflow.configuration-item.upserted: "
         "Object missing required field `item`"),
    ],
)  # fmt: skip
def test_what_is_no_event_has_a_reason(body: bytes, expected: str) -> None:
    assert reason(body) == expected


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (upserted("1", "a", name=" "), "Expected `str` matching regex '\\\\S' - at `$.name`"),
        (upserted("1", "a", status="BROKEN"), "Invalid enum value 'BROKEN' - at `$.status`"),
        (upserted("1", "a", colour="red"), "Object contains unknown field `colour`"),
        (related("1", "a>b", attributes=[]), "Expected `object`, got `array` - at `$.attributes`"),
        (event("1", "relationship.removed", from_={"source": "s", "key": ""}),
         "Expected `str` of length >= 1 - at `$.from.key`"),
        (opened("1", title="\t"), "Expected `str` matching regex '\\\\S' - at `$.title`"),
        (opened("1", impact=6), "Expected `int` <= 5 - at `$.impact`"),
        (opened("1", affected=["shop"]), "Expected `object`, got `str` - at `$.affected[0]`"),
        (opened("1", affected=[key("shop")] * 501), "Expected `array` of length <= 500 - at `$.affected`"),
        (opened("1", expectedVersion=1), "Object contains unknown field `expectedVersion`"),
        (incident("1", "updated", restrictedTeam="payments"), "Object contains unknown field `restrictedTeam`"),
        (incident("1", "resolved", code="FIXED"), "Object missing required field `resolution`"),
        (incident("1", "noted", note=" "), "Expected `str` matching regex '\\\\S' - at `$.note`"),
        (event("1", "incident.closed", incident="INC-7"), "Expected `object`, got `str` - at `$.incident`"),
        (change("1", "proposed", title="x", risk="NONE"), "Invalid enum value 'NONE' - at `$.risk`"),
        (change("1", "scheduled", plannedStart="2026-05-01T08:00:00", plannedEnd="2026-05-01T09:00:00Z"),
         "Expected `datetime` with a timezone component - at `$.plannedStart`"),
        (change("1", "finished", outcome="CANCELLED"), "Invalid enum value 'CANCELLED' - at `$.outcome`"),
        (change("1", "started", by="me"), "Object contains unknown field `by`"),
        (fired("1", impact=0), "Expected `int` >= 1 - at `$.impact`"),
        (fired("1", labels={"a": None}), "Expected `str`, got `null` - at `$.labels[...]`"),
        (fired("1", ""), "Expected `str` of length >= 1 - at `$.fingerprint`"),
    ],
)  # fmt: skip
def test_data_that_are_not_of_the_type_have_a_reason(made: dict[str, Any], expected: str) -> None:
    assert reason(json.dumps(made).encode()) == f"the data are not those of {made['type']}: {expected}"


LEAP = "2016-12-31T23:59:60Z"


@pytest.mark.parametrize(
    "made",
    [
        upserted("1", "a") | {"time": LEAP}, fired("1") | {"time": LEAP.replace("Z", ".5+00:00")},
        event("1", "alert.fired", **fired("1")["data"] | {"startsAt": LEAP}),
        change("1", "scheduled", plannedStart=LEAP, plannedEnd=LEAP),
    ],
)  # fmt: skip
def test_a_leap_second_is_refused_by_its_name(made: dict[str, Any]) -> None:
    assert reason(json.dumps(made).encode()).endswith("; a leap second (:60) can't be stored: send the next second")
    other = json.dumps(made).replace(":60", ":61").encode()
    assert "leap" not in reason(other)


def test_a_refused_event_is_named_if_it_can_be() -> None:
    for body in (bytes_of(time=None), bytes_of(type="x"), bytes_of(data={})):
        with pytest.raises(InvalidEvent) as caught:
            parse_event(body, NOON)
        assert (caught.value.id, caught.value.source) == ("1", "/cmdb")


def test_clocks_may_differ_a_little() -> None:
    assert parse_event(bytes_of(time=(NOON + MAX_CLOCK_SKEW).isoformat()), NOON).id == "1"
    late = NOON + MAX_CLOCK_SKEW + timedelta(seconds=1)
    assert (
        reason(bytes_of(time=late.isoformat()))
        == f"its time {late.isoformat()} is too far in the future; correct the clock of the source"
    )


def test_an_event_has_a_size() -> None:
    def sized(size: int) -> bytes:
        body = json.dumps(upserted("1", "a", attributes={"x": ""})).encode()
        return body.replace(b'"x": ""', b'"x": "' + b"x" * (size - len(body)) + b'"')

    assert parse_event(sized(MAX_EVENT_BYTES), NOON).id == "1"
    assert reason(sized(MAX_EVENT_BYTES + 1)) == "the event has 262145 bytes; 262144 are allowed"


def test_a_batch_is_split_and_its_events_read_on_their_own() -> None:
    assert split_batch(b' [ {"a" : 1}, 2 ]') == [b'{"a" : 1}', b"2"]
    for body, expected in (
        (b"[]", "the batch is empty"),
        (b"{}", "not a JSON array of events: it is no array"),
        (b"[{", "not a JSON array of events: the array has no end"),
        (b"[" * 100_000, "not a JSON array of events: the array has no end"),
    ):
        with pytest.raises(InvalidEvent) as caught:
            split_batch(body)
        assert caught.value.reason == expected
