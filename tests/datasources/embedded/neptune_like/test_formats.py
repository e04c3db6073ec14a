"""Both formats are read to the same instructions, whatever a traversal holds."""

import io
import json
import uuid
from typing import Any

import pytest
from gremlin_python.driver.request import RequestMessage
from gremlin_python.process.graph_traversal import __
from gremlin_python.process.traversal import Cardinality, Direction, Order, Pop, Scope, T
from gremlin_python.statics import long, timestamp
from gremlin_python.structure.io.graphbinaryV1 import GraphBinaryReader
from hypothesis import given, settings
from hypothesis import strategies as st

from datasources.embedded.neptune_like import frames
from datasources.embedded.neptune_like.bytecode import Instruction, query
from datasources.embedded.neptune_like.frames import Frame, FrameError
from tests.datasources.embedded.neptune_like.client import FORMATS, g

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


def frame(form: str, traversal: Any, **arguments: Any) -> bytes:
    """A request as gremlinpython writes it in that format."""
    message = RequestMessage(
        "traversal", "bytecode", {"gremlin": traversal.bytecode, "aliases": {"g": "g"}} | arguments
    )
    data: bytes = FORMATS[form]().serialize_message(IDENTITY, message)
    return data


def instructions(read: Frame) -> tuple[Instruction, ...]:
    """What a frame asks for."""
    return tuple(_same(one) for one in query(read.gremlin).instructions)


def _same(one: Instruction) -> Instruction:
    return Instruction(one.name, tuple(_plain(argument) for argument in one.arguments), one.source)


def _plain(value: Any) -> Any:
    # GraphSON leaves out the part of a bytecode that is empty, and writes a whole float without its point.
    if isinstance(value, dict) and value.get("@type") == "g:Bytecode":
        return {"@type": "g:Bytecode", "@value": {name: _plain(part) for name, part in value["@value"].items() if part}}
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


@given(st.lists(values, max_size=3), st.sampled_from(["V", "property", "inject", "mergeV"]))
@settings(max_examples=100, deadline=None)
def test_both_formats_say_the_same(arguments: list[Any], step: str) -> None:
    traversal = g.with_side_effect("x", 1).inject(*arguments)
    traversal.bytecode.add_step(step, *arguments)
    one, other = (frames.read(frame(form, traversal)) for form in FORMATS)
    assert (one.request_id, one.op, one.processor) == (IDENTITY, "bytecode", "traversal")
    assert (other.request_id, other.op, other.processor) == (IDENTITY, "bytecode", "traversal")
    assert instructions(one) == instructions(other)


@given(st.lists(values, max_size=3))
@settings(max_examples=50, deadline=None)
def test_a_frame_for_the_engine_says_what_the_client_said(arguments: list[Any]) -> None:
    for form in FORMATS:
        read = frames.read(frame(form, g.inject(*arguments)))
        assert instructions(frames.read(read.for_engine(5000))) == instructions(read)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(("own", "expected"), [({}, 5000), ({"evaluationTimeout": long(7)}, 7)])
def test_a_frame_for_the_engine_has_neptunes_arguments(form: str, own: dict[str, Any], expected: int) -> None:
    for_engine = frames.read(frame(form, g.V("x"), **own)).for_engine(5000)
    assert _arguments(form, for_engine) == {
        "aliases": {"g": "g"},
        "evaluationTimeout": expected,
        "materializeProperties": "tokens",
    }


def _arguments(form: str, data: bytes) -> dict[str, Any]:
    body = data[1 + data[0] :]
    if form == "graphson":
        arguments: dict[str, Any] = json.loads(body)["args"]
        number = arguments["evaluationTimeout"]
        arguments["evaluationTimeout"] = number["@value"] if isinstance(number, dict) else number
    else:
        buffer = io.BytesIO(body)
        buffer.read(17 + 4 + len("bytecode") + 4 + len("traversal"))
        reader = GraphBinaryReader()
        count = int.from_bytes(buffer.read(4), "big")
        arguments = {reader.read_object(buffer): reader.read_object(buffer) for _ in range(count)}
        assert buffer.read() == b""
    del arguments["gremlin"]
    return arguments


@pytest.mark.parametrize("form", FORMATS)
def test_a_frame_that_ends_early_is_none(form: str) -> None:
    whole = frame(form, g.V("x").has("at", timestamp(5.0)).has_id(uuid.UUID(IDENTITY)))
    frames.read(whole)
    for size in range(len(whole)):
        with pytest.raises(FrameError):
            frames.read(whole[:size])
