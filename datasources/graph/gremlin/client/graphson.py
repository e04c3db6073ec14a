"""Decodes GraphSON 3 into plain values: only the types that traversals of this service return."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import orjson

from datasources.graph.gremlin.client.errors import EngineError, InvalidResponse

OK = 200
NO_CONTENT = 204
PARTIAL_CONTENT = 206
TIMED_OUT = 598

# Classes that JSON represents directly. Most values of a row are strings: the check saves a call.
_PLAIN = frozenset({str, bool, type(None)})


@dataclass(slots=True)
class Frame:
    """A response message of the engine: the request it answers, whether it is the last one, and its rows.

    `request_id` is None if the engine could not read the request.
    """

    request_id: str | None
    last: bool
    rows: list[Any]
    error: EngineError | None = None


def read_frame(data: bytes) -> Frame:
    """Decode one response of the Gremlin protocol. Raises InvalidResponse."""
    try:
        message = orjson.loads(data)
        status, request_id = message["status"], message["requestId"]
        code = status["code"]
        if code == NO_CONTENT:
            return Frame(request_id, True, [])
        if code in (OK, PARTIAL_CONTENT):
            return Frame(request_id, code == OK, _rows(message["result"]["data"]))
        return Frame(request_id, True, [], _error(code, status))
    except orjson.JSONDecodeError as error:
        raise InvalidResponse(f"the graph sent no JSON: {error}") from error
    except (KeyError, TypeError, ValueError, IndexError, RecursionError) as error:
        raise InvalidResponse(f"the graph sent no GraphSON 3 ({type(error).__name__}: {error})") from error


def read_value(value: Any) -> Any:
    """Decode one GraphSON 3 value, as parsed from JSON. Raises InvalidResponse for an unsupported type.

    Sets become lists, moments milliseconds since 1970, UUIDs and tokens strings, and paths lists of their objects.
    """
    if value.__class__ is dict:
        kind = value["@type"]
        reader = _READERS.get(kind)
        if reader is None:
            raise InvalidResponse(f"the graph sent a value of type {kind}: project it to text, numbers, lists or maps")
        return reader(value["@value"])
    return [read_value(each) for each in value] if value.__class__ is list else value


def _rows(data: Any) -> list[Any]:
    rows: list[Any] = []
    for each in data["@value"] if data.__class__ is dict else data or ():
        if each.__class__ is dict and each["@type"] == "g:Traverser":
            traverser = each["@value"]
            row, bulk = read_value(traverser["value"]), traverser["bulk"]["@value"]
            if bulk == 1:
                rows.append(row)
            else:
                rows += [row] * bulk
        else:
            rows.append(read_value(each))
    return rows


def _list(items: list[Any]) -> list[Any]:
    return [each if each.__class__ in _PLAIN else read_value(each) for each in items]


def _map(items: list[Any]) -> dict[Hashable, Any]:
    pairs = iter(items)
    return {
        (key if key.__class__ is str else _key(key)): (value if value.__class__ in _PLAIN else read_value(value))
        for key, value in zip(pairs, pairs, strict=True)
    }


def _key(value: Any) -> Hashable:
    key = read_value(value)
    return tuple(key) if key.__class__ is list else key


def _bulk_set(items: list[Any]) -> list[Any]:
    pairs = iter(items)
    return [each for value, count in zip(pairs, pairs, strict=True) for each in [read_value(value)] * read_value(count)]


def _integer(value: Any) -> int:
    return int(value)


def _identity(value: Any) -> Any:
    return value


_READERS: dict[str, Callable[[Any], Any]] = {
    "g:List": _list,
    "g:Set": _list,
    "g:Map": _map,
    "g:BulkSet": _bulk_set,
    "g:Path": lambda path: read_value(path["objects"]),
    "g:Int32": _identity,
    "g:Int64": _identity,
    "gx:Int16": _identity,
    "gx:Byte": _identity,
    # Sums that exceed 64 bits; some engines write them as strings.
    "gx:BigInteger": _integer,
    # NaN and infinity are strings; doubles with an integer value are strings or numbers.
    "g:Double": float,
    "g:Float": float,
    "g:Date": _identity,
    "g:Timestamp": _identity,
    "g:UUID": _identity,
    "g:T": _identity,
    "g:Direction": _identity,
}


def _error(status: int, details: Any) -> EngineError:
    """Neptune puts its code in a JSON document in the message; Gremlin Server lists exceptions in the attributes."""
    message = details["message"] or ""
    try:
        document = orjson.loads(message)
        return EngineError(status, document["code"], document.get("detailedMessage") or "")
    except (orjson.JSONDecodeError, KeyError, TypeError):
        pass
    if status == TIMED_OUT:
        return EngineError(status, "TimeLimitExceededException", message)
    attributes = read_value(details["attributes"]) if details.get("attributes") else {}
    names = attributes.get("exceptions") or [""]
    return EngineError(status, str(names[0]).replace("$", ".").rpartition(".")[2], message)
