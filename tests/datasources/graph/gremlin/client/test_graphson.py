"""The reader of GraphSON 3 gives what the driver's reader gives, as plain values."""

import math
import uuid
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from gremlin_python.process.traversal import Direction, T, Traverser
from gremlin_python.statics import long
from gremlin_python.structure.graph import Path
from gremlin_python.structure.io.graphsonV3d0 import GraphSONReader, GraphSONWriter
from hypothesis import given, settings
from hypothesis import strategies as st

from datasources.graph.gremlin.client.errors import InvalidResponse
from datasources.graph.gremlin.client.graphson import read_frame, read_value
from tests.fixtures.profiles import examples

REQUEST = "8a0f5c52-7b0c-4a0e-9d0a-0d7a0c9f3f10"
MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)).map(lambda each: each.replace(microsecond=0))
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**31), 2**31 - 1),
    st.integers(-(2**63), 2**63 - 1).map(long),
    st.integers(2**63, 2**80),
    st.floats(),
    st.text(),
    st.uuids(),
    MOMENTS,
    st.sampled_from([T.id, T.label, Direction.OUT, Direction.IN]),
)
KEYS = st.one_of(st.text(), st.integers(-(2**31), 2**31 - 1), st.sampled_from([T.id, T.label]))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.sets(st.text(), max_size=4), st.dictionaries(KEYS, inner, max_size=4)
    ),
    max_leaves=12,
)


def plain(value: Any) -> Any:
    """What the driver's reader gave, in the types that leave the client."""
    match value:
        case dict():
            return {plain(key): plain(each) for key, each in value.items()}
        case set():
            return sorted(map(plain, value), key=repr)
        case list():
            return [plain(each) for each in value]
        case datetime():
            return round(value.replace(tzinfo=UTC).timestamp() * 1_000)
        case uuid.UUID():
            return str(value)
        case bool() | None | str():
            return value
        case int():
            return int(value)
        case float():
            return "NaN" if math.isnan(value) else float(value)
        case _:
            return value.name.rstrip("_")


def comparable(value: Any, sets: Any) -> Any:
    """Ours, with NaN equal to itself and what was a set in the driver's order."""
    if isinstance(value, dict):
        return {key: comparable(each, sets[key]) for key, each in value.items()}
    if isinstance(value, list):
        if isinstance(sets, set):
            return sorted(value, key=repr)
        return [comparable(each, other) for each, other in zip(value, sets, strict=True)]
    return "NaN" if isinstance(value, float) and math.isnan(value) else value


def message(rows: list[Any], code: int = 200, **more: Any) -> bytes:
    """A frame as Gremlin Server writes it, by the driver's own writer."""
    written = [each if isinstance(each, dict) and "@type" in each else traverser(each) for each in rows]
    return orjson.dumps(
        {
            "requestId": REQUEST,
            "status": {"message": "", "code": code, "attributes": {"@type": "g:Map", "@value": []}, **more},
            "result": {"data": {"@type": "g:List", "@value": written}, "meta": {"@type": "g:Map", "@value": []}},
        }
    )


def traverser(value: Any, bulk: int = 1) -> dict[str, Any]:
    written: dict[str, Any] = GraphSONWriter().to_dict(Traverser(value, long(bulk)))
    return written


def by_driver(value: Any) -> Any:
    """Through the driver's writer and JSON into the driver's reader, and what it read there."""
    return GraphSONReader().to_object(orjson.loads(orjson.dumps(GraphSONWriter().to_dict(value))))


@settings(max_examples=examples(100))
@given(VALUES)
def test_reads_what_the_driver_reads(value: Any) -> None:
    ours = read_value(orjson.loads(orjson.dumps(GraphSONWriter().to_dict(value))))
    theirs = by_driver(value)
    keyed = {plain(key): each for key, each in theirs.items()} if isinstance(theirs, dict) else theirs
    assert comparable(ours, _renamed(keyed)) == plain(theirs)


def _renamed(value: Any) -> Any:
    if isinstance(value, dict):
        return {plain(key): _renamed(each) for key, each in value.items()}
    return [_renamed(each) for each in value] if isinstance(value, list) else value


@settings(max_examples=examples(50))
@given(st.lists(st.tuples(st.text(), st.integers(0, 5)), max_size=8))
def test_unrolls_bulk(rows: list[tuple[str, int]]) -> None:
    frame = read_frame(message([traverser(value, bulk) for value, bulk in rows]))
    assert frame.rows == [value for value, bulk in rows for _ in range(bulk)]
    assert (frame.request_id, frame.last, frame.error) == (REQUEST, True, None)


def test_values_are_of_plain_types() -> None:
    given_types = [1, long(2**40), 2**70, 1.5, True, "x", None, [1], {"a": 1}, uuid.UUID(int=1), T.id]
    found = read_frame(message(given_types)).rows
    assert [type(each) for each in found] == [int, int, int, float, bool, str, type(None), list, dict, str, str]


def test_a_partial_frame_is_not_the_last() -> None:
    assert [read_frame(message(["a"], code)).last for code in (206, 200, 204)] == [False, True, True]


def test_a_bulk_set_a_path_and_a_list_as_key() -> None:
    bulk_set = {
        "@type": "g:BulkSet",
        "@value": ["a", {"@type": "g:Int64", "@value": 2}, "b", traverser(1)["@value"]["bulk"]],
    }
    assert read_value(bulk_set) == ["a", "a", "b"]
    labels = {"@type": "g:List", "@value": []}
    path = {"@type": "g:Path", "@value": {"labels": labels, "objects": {"@type": "g:List", "@value": ["a", "b"]}}}
    assert read_value(path) == ["a", "b"]
    assert by_driver(["a"]) == ["a"]
    assert GraphSONReader().to_object(path) == Path([], ["a", "b"])
    key = {"@type": "g:Map", "@value": [{"@type": "g:List", "@value": ["a", "b"]}, "c"]}
    assert read_value(key) == {("a", "b"): "c"}


@pytest.mark.parametrize(
    "value",
    [
        {"@type": "gx:BigDecimal", "@value": 1.5},
        {"@type": "g:Vertex", "@value": {"id": "a", "label": "b"}},
        {"@type": "g:Map", "@value": ["a"]},
        {"@type": "g:Map", "@value": [{"@type": "g:Map", "@value": []}, 1]},
        {"@value": 1},
        {"@type": "g:Double", "@value": "many"},
    ],
    ids=["a type that is not read", "an element", "half a map", "a map as key", "no type", "no number"],
)
def test_what_is_not_read_is_said(value: Any) -> None:
    body = orjson.loads(message([]))
    body["result"]["data"]["@value"] = [value]
    with pytest.raises(InvalidResponse):
        read_frame(orjson.dumps(body))


@pytest.mark.parametrize("data", [b"", b"{", b"\x81\x00", b"[]", b"null", b"{}", b'{"requestId":1,"status":7}'])
def test_what_is_no_message_is_said(data: bytes) -> None:
    with pytest.raises(InvalidResponse):
        read_frame(data)


def test_depth_is_bounded() -> None:
    deep = b'{"@type":"g:List","@value":[' * 900 + b"1" + b"]}" * 900
    body = message([]).replace(b'"@value":[]},"meta"', b'"@value":[' + deep + b']},"meta"')
    with pytest.raises(InvalidResponse):
        read_frame(body)


def test_errors_of_neptune_and_of_gremlin_server() -> None:
    told = orjson.dumps({"requestId": REQUEST, "code": "ThrottlingException", "detailedMessage": "slow down"}).decode()
    error = read_frame(message([], 500, message=told)).error
    assert error is not None
    assert (error.status, error.code, str(error)) == (
        500,
        "ThrottlingException",
        "the graph answered ThrottlingException: slow down",
    )
    named = {
        "@type": "g:Map",
        "@value": ["exceptions", {"@type": "g:List", "@value": ["java.util.SomeException", "x.Y"]}],
    }
    error = read_frame(message([], 500, message="text", attributes=named)).error
    assert error is not None
    assert (error.code, str(error)) == ("SomeException", "the graph answered SomeException: text")
    error = read_frame(message([], 598, message="A timeout occurred")).error
    assert error is not None
    assert error.code == "TimeLimitExceededException"
    error = read_frame(message([], 499, message=None)).error
    assert error is not None
    assert (error.code, str(error)) == ("499", "the graph answered 499: ")
