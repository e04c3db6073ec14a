"""Conversion of column values to and from Python. Every value that PostgreSQL can store can be loaded."""

from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec
import orjson
import psycopg
from psycopg.adapt import AdaptersMap, Dumper, Loader
from psycopg.types.string import TextLoader

from datasources.aurora.driver.bounded_rows import charge_row_bytes
from datasources.records.unreadable import UnreadableValue
from datasources.request import current_request

# Levels of a stored document that a response can contain: orjson writes 254, and a response adds its own levels.
MAX_STORED_NESTING = 200


def register(adapters: AdaptersMap) -> None:
    """Register the loaders and dumpers of this module for a connection."""
    # As text: no caller computes with ids. This loader is written in C.
    adapters.register_loader("uuid", TextLoader)
    adapters.register_loader("json", DocumentLoader)
    adapters.register_loader("jsonb", DocumentLoader)
    adapters.register_loader("timestamptz", TimeLoader)
    adapters.register_dumper(UnreadableValue, UnreadableDumper)


class DocumentLoader(Loader):
    """Loads jsonb as its Python value and counts its bytes; UnreadableValue for a number out of range and for a
    document that is nested too deeply."""

    def load(self, data: psycopg.abc.Buffer) -> object:
        text = bytes(data)
        charge_row_bytes(current_request(), len(text), "main")
        try:
            document = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            return UnreadableValue(f"the JSON can't be read: {error.msg}", text.decode(), {})
        # Counting brackets is cheap, and almost no document has so many.
        if text.count(b"[") + text.count(b"{") > MAX_STORED_NESTING and _levels(document) > MAX_STORED_NESTING:
            reason = f"the JSON is nested more than {MAX_STORED_NESTING} levels deep"
            return UnreadableValue(reason, text.decode(), {})
        return document


class TimeLoader(Loader):
    """Loads timestamptz in UTC, whatever the zone of the session; UnreadableValue outside the years 1 to 9999."""

    def load(self, data: psycopg.abc.Buffer) -> datetime | UnreadableValue:
        text = str(data, "ascii")
        try:
            time = datetime.fromisoformat(text)
            # Sessions are in UTC, so almost all times are written this way.
            return time if text.endswith("+00") else time.astimezone(UTC)
        except (ValueError, OverflowError):
            nearest = datetime.min if text.startswith("-") or text.endswith("BC") else datetime.max
            return UnreadableValue(f"the time {text} is outside the years 1 to 9999", text, nearest.replace(tzinfo=UTC))


class UnreadableDumper(Dumper):
    """Dumps an unreadable value as PostgreSQL wrote it."""

    def dump(self, obj: UnreadableValue) -> bytes:
        return obj.stored.encode()


def dump_document(document: object) -> str:
    """Return a document as JSON for a column; an unreadable one as it was stored."""
    # Unlike orjson, msgspec accepts integers of any size, as jsonb does.
    return document.stored if isinstance(document, UnreadableValue) else msgspec.json.encode(document).decode()


def _levels(document: object) -> int:
    """Return the levels of lists and objects, without recursion, at most MAX_STORED_NESTING + 1."""
    level, containers = 0, _containers([document])
    while containers and level <= MAX_STORED_NESTING:
        level += 1
        containers = [
            inner for each in containers for inner in _containers(each.values() if isinstance(each, dict) else each)
        ]
    return level


def _containers(values: Iterable[object]) -> list[dict[str, object] | list[object]]:
    return [value for value in values if isinstance(value, dict | list)]
