"""Limits of values: what a text, a time or a JSON document must satisfy to be stored and read back unchanged.

All inputs are checked here: mutations, filters, events, alerts, imports and inputs of workflows. A violation is a
phrase that follows the name of the field: 'has a NUL character; remove it'.
"""

import dataclasses
import json
import math
import re
from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec
import orjson

# The id of a record, as text.
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# Levels of lists and objects. orjson and graphql-core recurse over a value; this is far below their limits.
MAX_NESTING = 32
# Values in one document, including its containers; a document of this size takes about 15 ms. A shared part of a YAML
# document counts each time.
MAX_VALUES = 100_000
# Bytes of one document as UTF-8 JSON.
MAX_DOCUMENT_BYTES = 1_048_576
# Integers that orjson reads and writes exactly. PostgreSQL's jsonb stores any number.
MIN_INTEGER = -(2**63)
MAX_INTEGER = 2**64 - 1
# Bytes as UTF-8 of one text that is not a document.
MAX_TEXT_BYTES = 262_144
# Bytes as UTF-8 of all texts of one index entry. A B-tree entry has 2,704 bytes, some of them for two ids and lengths.
# PostgreSQL compresses entries, but a text of random characters does not shrink.
# https://www.postgresql.org/docs/current/btree.html#BTREE-STRUCTURE
MAX_KEY_BYTES = 2_600

# PostgreSQL refuses time zone offsets larger than 15:59:59.
MAX_OFFSET = timedelta(hours=16)

# The name of a field of a dataclass in its metadata, where clients know it by another one than the code.
CLIENT_NAME = "client_name"

# Digits that may be an integer of more than 64 bits, which orjson would read as the nearest floating-point number.
_LONG_NUMBER = re.compile(rb"[0-9]{19}")


_CONTAINERS = (dict, list, tuple)
_KINDS = {str, int, float, bool, type(None), *_CONTAINERS}


class Violation(NamedTuple):
    """A violation in one of several values: its field, and a phrase that follows the field's name."""

    field: str
    phrase: str

    def __str__(self) -> str:
        return f"{self.field} {self.phrase}"


def read_json(data: bytes) -> object:
    """Return the JSON document in these bytes, with integers exactly as written. Raise ValueError for invalid JSON.

    Integers of more than 64 bits are accepted here; `document_violation` reports them.
    """
    document: object = orjson.loads(data)
    if _LONG_NUMBER.search(data) is None:
        return document
    try:
        # orjson has validated the document, so only the integers are read differently.
        exact: object = json.loads(data)
    except RecursionError as error:
        raise ValueError("the document is nested too deeply") from error
    return exact


def text_violation(text: str) -> str | None:
    """Return why PostgreSQL can't store the text or JSON can't carry it; None if both can."""
    if "\0" in text:
        return "has a NUL character; remove it"
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return "has half of a surrogate pair, which is no character; remove it"
    return None


def key_violation(*texts: str) -> str | None:
    """Return why one index entry can't hold these texts together; None if it can."""
    size = sum(len(text.encode(errors="replace")) for text in texts)
    return None if size <= MAX_KEY_BYTES else f"has {size:,} bytes; at most {MAX_KEY_BYTES:,} are allowed"


def time_violation(time: datetime) -> str | None:
    """Return why the time is not within the years 1 to 9999 in UTC; None if it is."""
    offset = time.utcoffset()
    if offset is None:
        return "has no time zone; end it with Z or an offset such as +02:00"
    if abs(offset) >= MAX_OFFSET:
        return "has an offset of 16 hours or more, which no zone has; use UTC"
    try:
        time.astimezone(UTC)
    except OverflowError:
        return "is outside the years 1 to 9999 in UTC; use a time within them"
    return None


def document_violation(document: object) -> str | None:
    """Return why the JSON document can't be stored and read back unchanged; None if it can. Does not use recursion."""
    count = 0
    waiting: list[tuple[Collection[object], int]] = [((document,), 0)]
    while waiting:
        values, level = waiting.pop()
        count += len(values)
        if count > MAX_VALUES:
            return f"has more than {MAX_VALUES:,} values; split it"
        kinds = set(map(type, values))
        if violation := _scalars_violation(values, kinds):
            return violation
        if not kinds.isdisjoint(_CONTAINERS):
            inner = [value for value in values if isinstance(value, dict | list | tuple)]
            if level >= MAX_NESTING:
                return f"is nested more than {MAX_NESTING} levels deep; make it flatter"
            for each in inner:
                if isinstance(each, dict):
                    if not all(isinstance(key, str) for key in each):
                        return "has a key that is not text"
                    if violation := text_violation("".join(each)):
                        return violation
                waiting.append((each.values() if isinstance(each, dict) else each, level + 1))
    size = len(orjson.dumps(document))
    if size > MAX_DOCUMENT_BYTES:
        return f"has {size:,} bytes; at most {MAX_DOCUMENT_BYTES:,} are allowed"
    return None


def find_violation(value: object, field: str = "") -> Violation | None:
    """Return the first violation among the texts, times, numbers and documents of structs, dataclasses and lists.

    Fields are named as clients write them: `items.3.classKey`. A dict is treated as one JSON document.
    """
    waiting: list[tuple[str, object]] = [(field, value)]
    while waiting:
        name, each = waiting.pop()
        if isinstance(each, str):
            size = len(each) if each.isascii() else len(each.encode(errors="replace"))
            phrase = text_violation(each)
            if phrase is None and size > MAX_TEXT_BYTES:
                phrase = f"has {size:,} bytes; at most {MAX_TEXT_BYTES:,} are allowed"
        elif isinstance(each, int | float | None):
            phrase = _scalar_violation(each)
        elif isinstance(each, datetime):
            phrase = time_violation(each)
        elif isinstance(each, dict):
            phrase = document_violation(each)
        else:
            phrase = None
            waiting.extend(reversed([(_joined(name, part), inner) for part, inner in _parts(each)]))
        if phrase is not None:
            return Violation(name, phrase)
    return None


def _parts(value: object) -> Iterable[tuple[str, object]]:
    if isinstance(value, msgspec.Struct):
        values = (getattr(value, name) for name in value.__struct_fields__)
        return zip(value.__struct_encode_fields__, values, strict=True)
    if dataclasses.is_dataclass(value):
        members = dataclasses.fields(value)
        return [(each.metadata.get(CLIENT_NAME, each.name), getattr(value, each.name)) for each in members]
    if isinstance(value, list | tuple):
        return [(str(place), inner) for place, inner in enumerate(value)]
    return ()


def _joined(field: str, part: str) -> str:
    # The Python name becomes the client's name: `starts_with` is startsWith, `in_` is in.
    head, *rest = part.rstrip("_").split("_")
    name = head + "".join(word.capitalize() for word in rest)
    return f"{field}.{name}" if field else name


def _scalars_violation(values: Collection[object], kinds: set[type]) -> str | None:
    """Return the first violation among the scalar values of one container; `kinds` are their types."""
    # All values of a type together: one by one they would take ten times as long.
    if str in kinds and (violation := text_violation("".join(each for each in values if type(each) is str))):
        return violation
    if int in kinds:
        integers = [each for each in values if type(each) is int]
        if violation := _scalar_violation(min(integers)) or _scalar_violation(max(integers)):
            return violation
    if float in kinds and not all(math.isfinite(each) for each in values if type(each) is float):
        return _scalar_violation(math.inf)
    if kinds <= _KINDS:
        return None
    others = (each for each in values if type(each) not in _KINDS)
    return next(filter(None, map(_scalar_violation, others)), None)


def _scalar_violation(value: object) -> str | None:
    if isinstance(value, str):
        return text_violation(value)
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, int):
        if MIN_INTEGER <= value <= MAX_INTEGER:
            return None
        return "has an integer of more than 64 bits; write it as text"
    if isinstance(value, float):
        return None if math.isfinite(value) else "has a number that is not finite; leave it out or write it as text"
    return f"has a value of the type {type(value).__name__}, which JSON does not know"
