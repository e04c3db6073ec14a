"""How much there is to do in a queue."""

from msgspec import Struct


class BacklogRecord(Struct, frozen=True, array_like=True):
    """What waits in a queue that is kept in the main database, and what lies dead."""

    name: str
    waiting: int
    oldest_seconds: float
    dead: int
