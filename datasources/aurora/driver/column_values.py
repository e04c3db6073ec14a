"""Column values as Python has them and back: every value that PostgreSQL holds is loaded, whatever it is."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import msgspec
import orjson
import psycopg
from psycopg.adapt import AdaptersMap, Dumper, Loader

from datasources.aurora.driver.bounded_rows import charge_row_bytes
from datasources.records.unreadable import UnreadableValue
from datasources.request import current_request

# Levels of a stored document that an answer can still show: orjson writes 254, and an answer adds its own levels.
MAX_STORED_NESTING = 200

_NO_OFFSET = timedelta(0)


def register(adapters: AdaptersMap) -> None:
    """Let a connection load the values of its rows, and dump those that can't be read, as this module says."""
    adapters.register_loader("uuid", UuidLoader)
    adapters.register_loader("json", DocumentLoader)
    adapters.register_loader("jsonb", DocumentLoader)
    adapters.register_loader("timestamptz", TimeLoader)
    adapters.register_dumper(UnreadableValue, UnreadableDumper)


class UuidLoader(Loader):
    """uuid as text: nothing above this floor computes with ids, and text costs a fifth of UUID objects."""

    def load(self, data: psycopg.abc.Buffer) -> str:
        return bytes(data).decode()


class DocumentLoader(Loader):
    """jsonb as its Python value, its bytes counted; UnreadableValue for a number out of range and for what is nested
    too deeply."""

    def load(self, data: psycopg.abc.Buffer) -> object:
        text = bytes(data)
        charge_row_bytes(current_request(), len(text), "main")
        try:
            document = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            return UnreadableValue(f"the JSON can't be read: {error.msg}", text.decode(), {})
        # Counting brackets costs little, and almost no document has so many.
        if text.count(b"[") + text.count(b"{") > MAX_STORED_NESTING and _levels(document) > MAX_STORED_NESTING:
            reason = f"the JSON is nested more than {MAX_STORED_NESTING} levels deep"
            return UnreadableValue(reason, text.decode(), {})
        return document


class TimeLoader(Loader):
    """timestamptz in UTC, whatever the zone of the session; UnreadableValue outside the years 1 to 9999."""

    def load(self, data: psycopg.abc.Buffer) -> datetime | UnreadableValue:
        text = bytes(data).decode()
        try:
            time = datetime.fromisoformat(text)
            return time if time.utcoffset() == _NO_OFFSET else time.astimezone(UTC)
        except (ValueError, OverflowError):
            nearest = datetime.min if text.startswith("-") or text.endswith("BC") else datetime.max
            return UnreadableValue(f"the time {text} is outside the years 1 to 9999", text, nearest.replace(tzinfo=UTC))


class UnreadableDumper(Dumper):
    """What can't be read, as PostgreSQL had written it."""

    def dump(self, obj: UnreadableValue) -> bytes:
        return obj.stored.encode()


def dump_document(document: object) -> str:
    """A document as JSON for a column; one that can't be read as it was stored."""
    # Unlike orjson it takes integers of any size, as jsonb does.
    return document.stored if isinstance(document, UnreadableValue) else msgspec.json.encode(document).decode()


def _levels(document: object) -> int:
    """Levels of lists and objects, counted without recursion and at most one above MAX_STORED_NESTING."""
    level, containers = 0, _containers([document])
    while containers and level <= MAX_STORED_NESTING:
        level += 1
        containers = [
            inner for each in containers for inner in _containers(each.values() if isinstance(each, dict) else each)
        ]
    return level


def _containers(values: Iterable[object]) -> list[dict[str, object] | list[object]]:
    return [value for value in values if isinstance(value, dict | list)]
