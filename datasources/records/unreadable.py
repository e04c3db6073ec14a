"""The substitute for a stored value that Python or JSON cannot represent."""

from datetime import datetime
from typing import Any

from msgspec import Struct


class UnreadableValue(Struct, frozen=True, array_like=True, tag="unreadable"):
    """A document or a time, stored by an earlier version or by direct SQL, that cannot be represented.

    The row is still read: displaying the value reports `reason`, and writing the row writes `stored`, PostgreSQL's
    text. `substitute` is the nearest value of the column's type: an empty object, or the first or last moment
    of the calendar. This struct also occurs in columns of times, whose annotations say `datetime`.
    """

    reason: str
    stored: str
    substitute: dict[str, Any] | datetime


Document = dict[str, Any] | UnreadableValue


def readable(document: Document) -> dict[str, Any]:
    """Return the document for reading only; an empty one if it is unreadable or not an object."""
    return document if isinstance(document, dict) else {}
