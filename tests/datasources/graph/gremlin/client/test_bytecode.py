"""What is written of a traversal is what the driver would write."""

from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
import pytest
from gremlin_python.driver.request import RequestMessage
from gremlin_python.driver.serializer import GraphSONSerializersV3d0
from gremlin_python.process.graph_traversal import __
from gremlin_python.process.traversal import (
    Cardinality,
    CardinalityValue,
    Column,
    Direction,
    Merge,
    Order,
    P,
    Scope,
    T,
    TextP,
)
from gremlin_python.statics import long
from hypothesis import given, settings
from hypothesis import strategies as st

from datasources.graph.gremlin.client.bytecode import MIME_TYPE, encode_bytecode, encode_frame
from datasources.graph.gremlin.source import g
from tests.fixtures.profiles import examples

REQUEST = "8a0f5c52-7b0c-4a0e-9d0a-0d7a0c9f3f10"
TRAVERSALS = [
    lambda: g.V("a", "b").out_e("x", "y").has("n", P.gt(3)).has("m", P.between(1, 2)).limit(5).in_v().id_(),
    lambda: g.V().has_label("x").has("name", TextP.starting_with("ab")).where(P.without("seen")).values("name"),
    lambda: g.V().project("a", "b").by(T.id).by(__.out().count()).order().by("a", Order.desc).select(Column.values),
    lambda: g.V("a").repeat(__.out().dedup()).times(3).group("m").by(__.loops()).by(__.id_().fold()).cap("m"),
    lambda: g.inject([{T.id: "a", T.label: "x", "n": long(3)}]).unfold().merge_v(__.identity()),
    lambda: g.merge_e({T.label: "x", Direction.OUT: "a", Direction.IN: "b"}).option(Merge.on_match, {"n": 1.5}),
    lambda: g.merge_v({T.id: "a"}).option(Merge.on_create, {"n": CardinalityValue.single(7)}),
    lambda: g.V("a").property(Cardinality.single, "n", None).property("b", True),
    lambda: g.inject(1, -(2**31), 2**31, -(2**63), 2**63, 1.5, float("inf"), float("nan"), "é", long(1)),
    lambda: g.inject({"a": [1, {"b": {"c"}}]}, datetime(2026, 1, 2, 3, 4, 5), UUID(int=7)),
    lambda: g.with_("evaluationTimeout", 5).with_side_effect("Neptune#repeatMode", "BFS").V().count(Scope.local),
    lambda: g.V().has("n", P.within([1, 2])).has("m", P.within("a", "b")).not_(__.has("x")).drop(),
]


def by_driver(traversal: Any) -> Any:
    arguments = {"gremlin": traversal.bytecode, "aliases": {"g": "g"}, "evaluationTimeout": 1_500}
    data = GraphSONSerializersV3d0().serialize_message(REQUEST, RequestMessage("traversal", "bytecode", arguments))
    return orjson.loads(data[1 + len(MIME_TYPE) :].replace(b"NaN,", b'"NaN",'))


@pytest.mark.parametrize("make", TRAVERSALS, ids=range(len(TRAVERSALS)))
def test_a_frame_is_that_of_the_driver(make: Any) -> None:
    data = encode_frame(REQUEST, encode_bytecode(make()), 1_500)
    assert data[0] == len(MIME_TYPE)
    assert data[1 : 1 + len(MIME_TYPE)] == MIME_TYPE
    assert orjson.loads(data[1 + len(MIME_TYPE) :]) == by_driver(make())


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(), inner, max_size=4)),
    max_leaves=12,
)


@settings(max_examples=examples(100))
@given(st.lists(VALUES, max_size=4))
def test_values_are_written_as_by_the_driver(values: list[Any]) -> None:
    frame = encode_frame(REQUEST, encode_bytecode(g.inject(*values)), 1_500)
    assert orjson.loads(frame[1 + len(MIME_TYPE) :]) == by_driver(g.inject(*values))


@pytest.mark.parametrize("value", [lambda: "it.get()", b"bytes"], ids=["a lambda", "bytes"])
def test_what_no_engine_takes_is_refused_here(value: Any) -> None:
    with pytest.raises(TypeError, match="a traversal contains a"):
        encode_bytecode(g.inject(value))
