"""What is stored about events: their newest times, and the keys that they may use."""

from datetime import datetime

from msgspec import Struct


class EventTimesRecord(Struct, frozen=True, array_like=True):
    """The times of the newest upsert and the newest end of an entity from one source, each with the id of its event."""

    source: str
    entity: str
    identity: str
    upserted_at: datetime | None
    upserted_by: str
    ended_at: datetime | None
    ended_by: str


class ResolvedKey(Struct, frozen=True, array_like=True):
    """A key of a class, a type or a team; `value` is the id of a team or the impact of a type."""

    kind: str
    key: str
    value: str
