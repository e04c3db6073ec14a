"""A parsed event."""

from datetime import datetime
from typing import Any

from msgspec import Struct


class Event(Struct, frozen=True):
    """A CloudEvent of a known type with parsed data."""

    id: str
    source: str
    type: str
    time: datetime
    # An instance of the struct that belongs to the type.
    data: Any
    # SHA-256 of the content, independent of white space and the order of members.
    content: bytes
    # The principal that sent it over HTTP as KIND:subject; empty if unknown.
    sender: str = ""
