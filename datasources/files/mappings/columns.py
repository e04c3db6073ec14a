"""Reads columns of a row, and converts their values to text."""

import math
from collections.abc import Callable
from datetime import date, time
from typing import Any

import msgspec

from datasources.files.formats.csv_rows import normalize_column_name
from datasources.files.rejects import InvalidRow
from datasources.values import document_violation

Getter = Callable[[Any], Any]

_ENCODER = msgspec.json.Encoder(enc_hook=str)


def as_text(value: Any) -> str:
    """Return a value as staged text: documents as JSON, booleans as true or false, None as the empty string.

    Raise InvalidRow for values that JSON cannot represent: numbers that are not finite, documents that are too deep.
    """
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return encode_document(value, "the value")
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidRow("a number is not finite; leave it out or write it as text")
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value)


def encode_document(value: Any, what: str) -> str:
    """Return a document as JSON text. Raise InvalidRow if it can't be stored and read back unchanged."""
    if violation := document_violation(value):
        raise InvalidRow(f"{what} {violation}")
    return _ENCODER.encode(value).decode()


def compile_column(column: str, header: list[str] | None) -> Getter:
    """Return a function that reads a column: a position in a table's row, or a dotted path (`teams.0`: the first)."""
    if header is not None:
        position = header.index(normalize_column_name(column))
        return lambda row: row[position]
    steps = column.split(".")

    def walk(row: Any) -> Any:
        for step in steps:
            if isinstance(row, dict):
                row = row.get(step)
            elif isinstance(row, list) and step.isdecimal() and len(step) < 10 and int(step) < len(row):
                row = row[int(step)]
            else:
                return None
        return row

    return walk
