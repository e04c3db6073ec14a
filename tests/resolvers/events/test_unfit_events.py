"""Any event is refused with the name of its field or read back equal; a poisoned row holds nothing back."""

import json
from typing import Any

import msgspec
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datasources.queues.factory import open_queues
from datasources.sources import Sources
from datasources.values import document_violation, text_violation
from resolvers.events.consumer import process_messages
from resolvers.events.event import Event
from resolvers.events.ingest import ingest_events
from resolvers.events.parser import InvalidEvent, parse_event
from resolvers.events.registry import EVENT_TYPES
from tests.fixtures.events import NOON, event, messages, rows, upserted
from tests.fixtures.json_values import DOCUMENTS, TEXTS, VALUES, alike, nested
from tests.fixtures.operations_events import incident, opened
from tests.fixtures.poison import DEEP, LARGE_NUMBER
from tests.fixtures.profiles import examples

LAW = settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])


def bytes_of(made: Any) -> bytes:
    """As a sender writes it that knows no bounds: half surrogates are escaped, infinity has too large an exponent."""
    return json.dumps(made).replace("Infinity", "1e400").replace("NaN", "-1e400").encode()


def reason(body: bytes) -> str:
    with pytest.raises(InvalidEvent) as caught:
        parse_event(body, NOON)
    return caught.value.reason


@LAW
@given(documents=st.lists(DOCUMENTS, min_size=1, max_size=6))
async def test_any_attributes_are_read_back_equal_or_refused(sources: Sources, url: str, documents: list[Any]) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("TRUNCATE configuration_items, received_events, event_times CASCADE")
    fit, events = {}, []
    for number, document in enumerate(documents):
        made = upserted(str(number), f"i{number}", attributes=document)
        try:
            parse_event(bytes_of(made), NOON)
        except InvalidEvent:
            assert document_violation(document) is not None
        else:
            assert document_violation(document) is None
            fit[f"i{number}"] = document
            events.append(made)
    handled = await process_messages(sources, messages(events))
    assert handled.failed == []
    found = dict(
        rows(url, "SELECT k.key, i.attributes FROM configuration_items i JOIN configuration_item_keys k ON "
                  "k.configuration_item_id = i.id")
    )  # fmt: skip
    assert found.keys() == fit.keys()
    assert all(alike(found[key], fit[key]) for key in fit)


TIMES = ["2026-03-01T12:00:00Z", "0001-01-01T00:00:00+09:00", "9999-12-31T23:59:59-05:00"]
NAMES = ["item", "name", "class", "labels", "startsAt"]
BODIES = st.fixed_dictionaries(
    {
        "specversion": st.just("1.0"), "id": TEXTS, "source": TEXTS,
        "type": st.sampled_from(sorted(EVENT_TYPES)) | TEXTS, "time": st.sampled_from(TIMES) | TEXTS,
        "data": st.dictionaries(st.sampled_from(NAMES) | TEXTS, VALUES) | VALUES,
    },
    optional={"datacontenttype": TEXTS, "subject": VALUES},
)  # fmt: skip


def broken(body: bytes) -> bytes:
    return body[:-9] + b"\xff" + body[-8:]


@LAW
@given(body=st.one_of(BODIES.map(bytes_of), st.binary(max_size=200), BODIES.map(bytes_of).map(broken)))
def test_any_bytes_are_an_event_or_refused_with_names_that_can_be_stored(body: bytes) -> None:
    found: Event | InvalidEvent
    try:
        found = parse_event(body, NOON)
    except InvalidEvent as unusable:
        found = unusable
    assert text_violation(found.id + found.source) is None


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"a": 10**400}, "attributes has an integer of more than 64 bits; write it as text"),
        ({"a": 2**64}, "attributes has an integer of more than 64 bits; write it as text"),
        ({"a": "\0"}, "attributes has a NUL character; remove it"),
        (nested(33), "attributes is nested more than 32 levels deep; make it flatter"),
        (nested(253), "attributes is nested more than 32 levels deep; make it flatter"),
    ],
)
def test_unfit_attributes_are_refused_by_name(attributes: Any, expected: str) -> None:
    assert reason(bytes_of(upserted("1", "a", attributes=attributes))) == f"the data can't be stored: {expected}"


def test_texts_and_times_of_every_type_are_held_to_the_same() -> None:
    said = "has a NUL character; remove it"
    assert reason(bytes_of(opened("1", description="b\0"))) == f"the data can't be stored: description {said}"
    noted = incident("1", "noted", note="a\0")
    assert reason(bytes_of(noted)) == f"the data can't be stored: note {said}"
    late: dict[str, Any] = {
        "receiver": "r",
        "groupKey": "g",
        "fingerprint": "f",
        "startsAt": "0001-01-01T00:00:00+09:00",
        "title": "t",
    }
    outside = "startsAt is outside the years 1 to 9999 in UTC; use a time within them"
    assert reason(bytes_of(event("1", "alert.fired", **late))) == f"the data can't be stored: {outside}"
    assert reason(bytes_of(upserted("1", "a") | {"source": "a\0b"})) == f"its source {said}"
    assert reason(bytes_of(upserted("a\0b", "a"))) == f"its id {said}"
    east = upserted("1", "a") | {"time": "0001-01-01T00:00:00+09:00"}
    assert reason(bytes_of(east)) == "its time is outside the years 1 to 9999 in UTC; use a time within them"
    # The decoder skips a member that it does not know, and the queue would not.
    unread = bytes_of(upserted("1", "a") | {"subject": "here"})
    for unfit in (b"\xff", b"\0"):
        assert reason(unread.replace(b"here", unfit)) == "not JSON: it is not UTF-8, or contains a NUL character"


async def test_of_a_key_that_stands_twice_the_last_one_counts(sources: Sources, url: str) -> None:
    """RFC 8259 leaves it open; here it is so of the event, its data and its attributes, in every place alike."""
    body = (
        b'{"specversion": "1.0", "id": "a", "id": "b", "source": "/x", "source": "/cmdb", '
        b'"type": "none", "type": "io.stackflow.configuration-item.upserted", "time": "2026-03-01T12:00:00Z", '
        b'"data": 1, "data": {"item": {"source": "cmdb", "key": "x", "key": "i"}, "name": "A", "name": "B", '
        b'"class": "service", "attributes": {"k": 1, "\\u006b": {"in": 1, "in": 2}}}}'
    )
    once = upserted("b", "i", name="B", attributes={"k": {"in": 2}})
    found, plain = parse_event(body, NOON), parse_event(bytes_of(once), NOON)
    assert (found.id, found.source, found.data) == (plain.id, plain.source, plain.data)
    # Sent the one way and then the other it is one event.
    assert found.content == plain.content
    queue = open_queues(sources.main).events
    assert (await ingest_events(queue, [body, bytes_of(once)], "r", NOON, "USER:ada")).accepted == 2
    [message] = await queue.receive(10, 0)
    assert (await process_messages(sources, [message])).failed == []
    shown = "SELECT i.name, i.attributes FROM configuration_items i JOIN configuration_item_keys k ON " \
            "k.configuration_item_id = i.id WHERE k.key = 'i'"  # fmt: skip
    assert rows(url, shown) == [("B", {"k": {"in": 2}})]


@pytest.mark.parametrize("poison", [LARGE_NUMBER, DEEP])
async def test_an_event_about_a_poisoned_item_has_its_effect_and_the_rest_as_well(
    sources: Sources, url: str, poison: str
) -> None:
    assert (await process_messages(sources, messages([upserted("1", "a"), upserted("2", "b")]))).failed == []
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE configuration_items SET attributes = %s WHERE name = 'a'", (poison,))
    more = [upserted("3", "a", 1, name="A"), upserted("4", "b", 1, attributes={"x": 1}), upserted("5", "c", 1)]
    assert (await process_messages(sources, messages(more))).failed == []
    shown = "SELECT name, attributes = '{}'::jsonb FROM configuration_items ORDER BY name"
    assert rows(url, shown.format(poison)) == [("A", True), ("b", False), ("c", False)]
    whole = upserted("6", "a", 2, name="A", attributes={"y": 2})
    assert (await process_messages(sources, messages([whole]))).failed == []
    assert rows(url, "SELECT attributes FROM configuration_items WHERE name = 'A'") == [({"y": 2},)]
    # What it was stands in the audit entry, as far as it can be told.
    [(before,)] = rows(
        url, "SELECT before->'attributes'->>2 FROM audit_entries WHERE before->'attributes' IS NOT NULL "
             "AND after->'attributes' = '{\"y\": 2}'"
    )  # fmt: skip
    assert json.loads(before) == msgspec.json.decode(before) == json.loads(poison)
