"""What is kept of events: their newest times, and the names that they may use."""

from datetime import datetime

from msgspec import Struct


class EventTimesRecord(Struct, frozen=True, array_like=True):
    """The newest events of an entity from one source: when it was upserted and when ended, each with the event's id."""

    source: str
    entity: str
    identity: str
    upserted_at: datetime | None
    upserted_by: str
    ended_at: datetime | None
    ended_by: str


class ResolvedKey(Struct, frozen=True, array_like=True):
    """A key of a class, type or team; `value` is a team's id or a type's impact."""

    kind: str
    key: str
    value: str
