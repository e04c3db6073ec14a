"""One event that can be tried."""

from datetime import datetime
from typing import Any

from msgspec import Struct


class Event(Struct, frozen=True):
    """A CloudEvent whose type is known and whose data are of that type's struct."""

    id: str
    source: str
    type: str
    time: datetime
    # A struct of the type's own; the type says which.
    data: Any
    # SHA-256 of what it says, whatever its white space and the order of its members.
    content: bytes
    # Who sent it over HTTP, as KIND:subject; empty where that is not known.
    sender: str = ""
