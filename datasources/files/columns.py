"""Columns of a row and the text of their values."""

import math
from collections.abc import Callable
from datetime import date, time
from typing import Any

import msgspec

from datasources.files.csv_rows import normalize_column_name
from datasources.files.rejects import InvalidRow
from datasources.values import document_violation

Getter = Callable[[Any], Any]

_ENCODER = msgspec.json.Encoder(enc_hook=str)


def as_text(value: Any) -> str:
    """A value as staged text: documents as JSON, truth as true or false, nothing as the empty string.

    Unusable for what JSON could not carry: numbers that are not finite, documents that are too deep.
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
    """A document as JSON text. Unusable when it can't be stored and read back equal."""
    if violation := document_violation(value):
        raise InvalidRow(f"{what} {violation}")
    return _ENCODER.encode(value).decode()


def compile_column(column: str, header: list[str] | None) -> Getter:
    """How to read a column: its position in a table's row, or a dotted path in a document (`teams.0`: the first)."""
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
