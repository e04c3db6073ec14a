"""The number of messages that wait in a queue."""

from msgspec import Struct


class BacklogRecord(Struct, frozen=True, array_like=True):
    """The messages that wait in a queue of the main database, and its dead letters."""

    name: str
    waiting: int
    oldest_seconds: float
    dead: int
