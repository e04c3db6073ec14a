"""Encodes traversals as GraphSON 3, and the request frames that contain them."""

from collections.abc import Callable, Iterable
from enum import Enum
from math import isfinite, isnan
from types import FunctionType
from typing import Any

import orjson
from gremlin_python.process.traversal import Bytecode, P, TextP, Traversal
from gremlin_python.statics import Enum as Token
from gremlin_python.statics import long
from gremlin_python.structure.io.graphsonV3d0 import GraphSONWriter

MIME_TYPE = b"application/vnd.gremlin-v3.0+json"
# The length of the MIME type in one byte, then the type, then the message.
_HEAD = bytes([len(MIME_TYPE)]) + MIME_TYPE

_driver_writer = GraphSONWriter()
# Encoded tokens such as T.id: few of them, and their encoding never changes.
_tokens: dict[Any, Any] = {}


def encode_bytecode(traversal: Traversal) -> bytes:
    """Encode the bytecode of a traversal. Raises TypeError for a value that no engine runs, such as a lambda."""
    return orjson.dumps(_value(traversal.bytecode))


def encode_frame(traversal_id: str, bytecode: bytes, milliseconds: int) -> bytes:
    """Encode a request frame. The engine aborts the traversal after `milliseconds`."""
    return _HEAD + orjson.dumps(
        {
            "requestId": {"@type": "g:UUID", "@value": traversal_id},
            "processor": "traversal",
            "op": "bytecode",
            "args": {
                "gremlin": orjson.Fragment(bytecode),
                "aliases": {"g": "g"},
                "evaluationTimeout": milliseconds,
            },
        }
    )


def _value(value: Any) -> Any:
    writer = _WRITERS.get(value.__class__)
    return _other(value) if writer is None else writer(value)


def _identity(value: Any) -> Any:
    return value


def _int(value: int) -> Any:
    if -0x8000_0000 <= value <= 0x7FFF_FFFF:
        return {"@type": "g:Int32", "@value": value}
    return _long(value)


def _long(value: int) -> Any:
    if -0x8000_0000_0000_0000 <= value <= 0x7FFF_FFFF_FFFF_FFFF:
        return {"@type": "g:Int64", "@value": int(value)}
    return {"@type": "gx:BigInteger", "@value": str(int(value))}


def _float(value: float) -> Any:
    if isfinite(value):
        return {"@type": "g:Double", "@value": value}
    return {"@type": "g:Double", "@value": "NaN" if isnan(value) else "Infinity" if value > 0 else "-Infinity"}


def _list(values: Iterable[Any]) -> Any:
    return {"@type": "g:List", "@value": [_value(each) for each in values]}


def _set(values: Iterable[Any]) -> Any:
    return {"@type": "g:Set", "@value": [_value(each) for each in values]}


def _map(values: dict[Any, Any]) -> Any:
    return {"@type": "g:Map", "@value": [_value(each) for pair in values.items() for each in pair]}


def _bytecode(bytecode: Any) -> Any:
    parts = {}
    if bytecode.source_instructions:
        parts["source"] = [[name, *map(_value, arguments)] for name, *arguments in bytecode.source_instructions]
    if bytecode.step_instructions:
        parts["step"] = [[name, *map(_value, arguments)] for name, *arguments in bytecode.step_instructions]
    return {"@type": "g:Bytecode", "@value": parts}


def _predicate(predicate: Any) -> Any:
    value = _value(predicate.value)
    if predicate.other is not None:
        value = [value, _value(predicate.other)]
    kind = "g:TextP" if isinstance(predicate, TextP) else "g:P"
    return {"@type": kind, "@value": {"predicate": predicate.operator, "value": value}}


def _other(value: Any) -> Any:
    if isinstance(value, Bytecode):
        return _bytecode(value)
    if isinstance(value, Traversal):
        return _bytecode(value.bytecode)
    if isinstance(value, FunctionType):
        raise TypeError("a traversal contains a lambda: Neptune does not run any")
    if isinstance(value, Token):
        if value not in _tokens:
            _tokens[value] = _driver_writer.to_dict(value)
        return _tokens[value]
    if isinstance(value, Enum | bytes):
        raise TypeError(f"a traversal contains a {type(value).__name__}: no engine stores it")
    # Rare values such as moments, UUIDs and strategies: use the writer of the driver.
    return _driver_writer.to_dict(value)


_WRITERS: dict[type, Callable[[Any], Any]] = {
    str: _identity,
    bool: _identity,
    type(None): _identity,
    int: _int,
    long: _long,
    float: _float,
    list: _list,
    tuple: _list,
    set: _set,
    frozenset: _set,
    dict: _map,
    Bytecode: _bytecode,
    P: _predicate,
    TextP: _predicate,
}
