"""What every change of a record shares: the version it expects, values that fit, and the difference for the audit."""

import re
from typing import Any, Protocol, TypeVar

import msgspec
import orjson

from resolvers.writing import Refused, UserError, UserErrorCode


class Versioned(Protocol):
    """A record with an id and a version."""

    @property
    def id(self) -> str: ...

    @property
    def version(self) -> int: ...


# Characters of a name or key. An entry of an index has 2,704 bytes, and a character has up to four.
MOST_CHARACTERS = 500

# NUL as JSON writes it: not the end of an escaped backslash.
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")

V = TypeVar("V", bound=Versioned)


def expected(found: V | None, what: str, version: int, *, field: str = "id") -> V:
    """The record if it is there and at the expected version. Refused as NOT_FOUND or as CONFLICT about it."""
    if found is None:
        raise missing(what, field)
    if found.version != version:
        message = f"the {what} is at version {found.version}, not {version}; look at it as it is now and try again"
        raise Refused(UserError(UserErrorCode.CONFLICT, "expectedVersion", message), id=found.id)
    return found


def missing(what: str, field: str = "id") -> Refused:
    """The refusal of an id that nothing has."""
    return Refused(UserError(UserErrorCode.NOT_FOUND, field, f"there is no {what} with this id"))


def is_storable(text: str) -> bool:
    """Whether PostgreSQL can hold the text: it has no place for NUL."""
    return "\0" not in text


def unfit_text(text: str) -> str | None:
    """What is wrong with a name or key; None if nothing is."""
    if not text:
        return "is empty; give it one"
    if len(text) > MOST_CHARACTERS:
        return f"has {len(text):,} characters; use at most {MOST_CHARACTERS}"
    return None if is_storable(text) else "has a NUL character; take it out"


def unfit_attributes(value: Any) -> str | None:
    """Why attributes can't be stored; None if they can."""
    if not isinstance(value, dict):
        return 'attributes are an object, for example {"tier": 1}'
    try:
        text = orjson.dumps(value)
    except orjson.JSONEncodeError:
        return "attributes hold a number that is too large; write it as text"
    return "attributes have a NUL character in a text; take it out" if _NUL.search(text) else None


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same JSON. Python's own equality takes true for 1."""
    return _canonical(one) == _canonical(other)


def difference(before: Any, after: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields that differ, as they were and as they are, each side with the id; two records of one type."""
    was: dict[str, Any] = {"id": before.id}
    is_: dict[str, Any] = {"id": after.id}
    for name in before.__struct_fields__:
        old, new = getattr(before, name), getattr(after, name)
        if not same(old, new):
            was[name], is_[name] = msgspec.to_builtins(old), msgspec.to_builtins(new)
    return was, is_


def _canonical(value: Any) -> bytes:
    return msgspec.json.encode(value, order="sorted")
