"""What stands in a record for a stored value that Python or JSON has no form for."""

from datetime import datetime
from typing import Any

from msgspec import Struct


class UnreadableValue(Struct, frozen=True, array_like=True, tag="unreadable"):
    """A document or a time that an earlier version, or somebody by SQL, stored and that can't be shown.

    The row is read all the same: what shows the value reports `reason`, and what writes the row writes `stored`, the
    text that PostgreSQL holds. `substitute` is the nearest value of the column's type: an empty object, or the first or
    last moment of the calendar. It stands in columns of times too, whose annotations say `datetime`.
    """

    reason: str
    stored: str
    substitute: dict[str, Any] | datetime


Document = dict[str, Any] | UnreadableValue


def readable(document: Document) -> dict[str, Any]:
    """The document for what only looks into it: an empty one where it can't be read, or is no object."""
    return document if isinstance(document, dict) else {}
