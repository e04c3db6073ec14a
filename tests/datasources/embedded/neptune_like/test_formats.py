"""Requests are read to the instructions of their traversal, whatever it holds, and reach the engine so."""

import json
import uuid
from typing import Any

import pytest
from gremlin_python.driver.request import RequestMessage
from gremlin_python.driver.serializer import GraphSONSerializersV3d0
from gremlin_python.process.graph_traversal import __
from gremlin_python.process.traversal import Cardinality, Direction, Order, Pop, Scope, T
from gremlin_python.statics import long, timestamp
from hypothesis import given, settings
from hypothesis import strategies as st

from datasources.embedded.neptune_like import frames
from datasources.embedded.neptune_like.bytecode import Instruction, parse_query
from datasources.embedded.neptune_like.frames import Frame, FrameError
from tests.datasources.embedded.neptune_like.client import g
from tests.fixtures.profiles import examples

IDENTITY = "00000000-0000-4000-8000-000000000001"
scalars = (
    st.text(max_size=8)
    | st.booleans()
    | st.none()
    | st.integers(-(2**31), 2**31 - 1)
    | st.integers(2**31, 2**63 - 1).map(long)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.uuids()
    | st.sampled_from([T.id, T.label, Direction.OUT, Cardinality.single, Order.desc, Pop.all_, Scope.local])
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=4) | st.sampled_from([T.id, T.label]), inner, max_size=3)
        | st.lists(inner, max_size=2).map(lambda items: __.inject(*items).fold())
    ),
    max_leaves=6,
)


def frame(traversal: Any, **arguments: Any) -> bytes:
    """A request as gremlinpython writes it."""
    message = RequestMessage(
        "traversal", "bytecode", {"gremlin": traversal.bytecode, "aliases": {"g": "g"}} | arguments
    )
    data: bytes = GraphSONSerializersV3d0().serialize_message(IDENTITY, message)
    return data


def instructions(read: Frame) -> tuple[Instruction, ...]:
    """What a frame asks for."""
    return tuple(_same(one) for one in parse_query(read.gremlin).instructions)


def _same(one: Instruction) -> Instruction:
    return Instruction(one.name, tuple(_plain(argument) for argument in one.arguments), one.source)


def _plain(value: Any) -> Any:
    # GraphSON leaves out the part of a bytecode that is empty, and writes a whole float without its point.
    if isinstance(value, dict) and value.get("@type") == "g:Bytecode":
        return {"@type": "g:Bytecode", "@value": {name: _plain(part) for name, part in value["@value"].items() if part}}
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


@given(st.lists(values, max_size=3))
@settings(max_examples=examples(50))
def test_a_frame_for_the_engine_says_what_the_client_said(arguments: list[Any]) -> None:
    read = frames.read(frame(g.inject(*arguments)))
    assert (read.request_id, read.op, read.processor) == (IDENTITY, "bytecode", "traversal")
    assert parse_query(read.gremlin).instructions[0].name == "inject"
    assert instructions(frames.read(read.for_engine(5000))) == instructions(read)


@pytest.mark.parametrize(("own", "expected"), [({}, 5000), ({"evaluationTimeout": long(7)}, 7)])
def test_a_frame_for_the_engine_has_neptunes_arguments(own: dict[str, Any], expected: int) -> None:
    for_engine = frames.read(frame(g.V("x"), **own)).for_engine(5000)
    assert _arguments(for_engine) == {
        "aliases": {"g": "g"},
        "evaluationTimeout": expected,
        "materializeProperties": "tokens",
    }


def _arguments(data: bytes) -> dict[str, Any]:
    body = data[1 + data[0] :]
    arguments: dict[str, Any] = json.loads(body)["args"]
    number = arguments["evaluationTimeout"]
    arguments["evaluationTimeout"] = number["@value"] if isinstance(number, dict) else number
    del arguments["gremlin"]
    return arguments


def test_a_frame_that_ends_early_is_none() -> None:
    whole = frame(g.V("x").has("at", timestamp(5.0)).has_id(uuid.UUID(IDENTITY)))
    frames.read(whole)
    for size in range(len(whole)):
        with pytest.raises(FrameError):
            frames.read(whole[:size])
