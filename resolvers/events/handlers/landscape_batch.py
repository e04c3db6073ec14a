"""State of a batch of landscape events: events are applied one by one in memory, rows are written as a set."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec
from msgspec import UNSET
from uuid_utils import uuid7

from datasources.records.configuration_items import (
    ConfigurationItemRecord,
    ConfigurationItemStatus,
    Criticality,
    Environment,
)
from datasources.records.events import EventTimesRecord, ResolvedKey
from datasources.records.relationships import RelationshipRecord
from resolvers.events.event import Event
from resolvers.events.handlers.landscape_types import (
    Data,
    ItemRetired,
    ItemUpserted,
    Key,
    RelationshipRemoved,
    RelationshipUpserted,
)
from resolvers.events.results import APPLIED, STALE, EventResult, ReceivedEvent, rejection

ITEM = "CONFIGURATION_ITEM"
RELATIONSHIP = "RELATIONSHIP"

Name = tuple[str, str, str]
# From, to, type and source.
Identity = tuple[str, str, str, str]
# The id decides between two events of the same time, so that every order of arrival gives the same result.
EventOrder = tuple[datetime, str]


def time_name(event: Event) -> Name:
    """Return the name under which the newest event times of the event's entity are stored."""
    data = event.data
    if isinstance(data, ItemUpserted | ItemRetired):
        return event.source, ITEM, join_names(data.item.source, data.item.key)
    ends = (data.from_.source, data.from_.key, data.type, data.to.source, data.to.key)
    return event.source, RELATIONSHIP, join_names(*ends)


def keys(data: Data) -> tuple[tuple[str, str], ...]:
    """Return the identification keys in an event's data."""
    if isinstance(data, ItemUpserted | ItemRetired):
        return (_pair(data.item),)
    return _pair(data.from_), _pair(data.to)


@dataclass(slots=True)
class LandscapeBatch:
    """Rows that a batch may change: `*_before` as stored, the others after the events applied so far."""

    ids: dict[tuple[str, str], str]
    times: dict[Name, EventTimesRecord]
    items_before: dict[str, ConfigurationItemRecord]
    names: Iterable[ResolvedKey]
    relationships_before: dict[Identity, RelationshipRecord]
    items: dict[str, ConfigurationItemRecord] = field(init=False)
    relationships: dict[Identity, RelationshipRecord] = field(init=False)
    new_keys: dict[tuple[str, str], str] = field(default_factory=dict)
    new_times: dict[Name, EventTimesRecord] = field(default_factory=dict)
    # The last event that changed an entity, by the entity's id.
    touched: dict[str, ReceivedEvent] = field(default_factory=dict)
    _known: dict[tuple[str, str], str] = field(init=False)

    def __post_init__(self) -> None:
        self.items = dict(self.items_before)
        self.relationships = dict(self.relationships_before)
        self._known = {(each.kind, each.key): each.value for each in self.names}

    def apply(self, arrived: ReceivedEvent) -> EventResult:
        """Apply an event and return the result. Rejected events change nothing."""
        data = arrived.event.data
        if isinstance(data, ItemUpserted):
            return self._item_upserted(arrived, data)
        if isinstance(data, ItemRetired):
            return self._item_retired(arrived, data)
        if isinstance(data, RelationshipUpserted):
            return self._relationship_upserted(arrived, data)
        return self._relationship_removed(arrived, data)

    def _item_upserted(self, arrived: ReceivedEvent, data: ItemUpserted) -> EventResult:
        mark, upserted, ended = self._marks(arrived.event)
        if upserted is not None and mark <= upserted:
            return STALE
        if ("class", data.class_key) not in self._known:
            return rejection(f"there is no class {data.class_key}")
        if isinstance(data.owner, str) and ("team", data.owner) not in self._known:
            return rejection(f"there is no team {data.owner}")
        id = self.ids.get(_pair(data.item))
        before = None if id is None else self.items[id]
        if before is None:
            before = _new_item(data)
            self.ids[_pair(data.item)] = self.new_keys[_pair(data.item)] = before.id
        self.items[before.id] = msgspec.structs.replace(
            before,
            name=data.name.strip(),
            class_key=data.class_key,
            status=_status(data, before, mark, ended),
            environment=before.environment if data.environment is UNSET else data.environment,
            criticality=before.criticality if data.criticality is UNSET else data.criticality,
            owner_team_id=before.owner_team_id if data.owner is UNSET else self._team(data.owner),
            attributes=before.attributes if data.attributes is UNSET else data.attributes,
        )
        self.touched[before.id] = arrived
        self._mark_upserted(arrived.event)
        return APPLIED

    def _item_retired(self, arrived: ReceivedEvent, data: ItemRetired) -> EventResult:
        mark, upserted, ended = self._marks(arrived.event)
        if ended is not None and mark <= ended:
            return STALE
        self._mark_ended(arrived.event)
        if upserted is not None and mark < upserted:
            return STALE
        id = self.ids.get(_pair(data.item))
        # An unknown item is created as RETIRED if an older upsert arrives later.
        if id is not None:
            self.items[id] = msgspec.structs.replace(self.items[id], status=ConfigurationItemStatus.RETIRED)
            self.touched[id] = arrived
        return APPLIED

    def _relationship_upserted(self, arrived: ReceivedEvent, data: RelationshipUpserted) -> EventResult:
        mark, upserted, ended = self._marks(arrived.event)
        if (upserted is not None and mark <= upserted) or (ended is not None and mark < ended):
            return STALE
        if ("type", data.type) not in self._known:
            return rejection(f"there is no relationship type {data.type}")
        identity = self.identity(arrived.event, data)
        if identity is None:
            missing = [each for each in (data.from_, data.to) if _pair(each) not in self.ids]
            named = " and ".join(f"{each.key} of {each.source}" for each in missing)
            return rejection(f"configuration item {named} is not known; send it first, then replay this event")
        if identity[0] == identity[1]:
            return rejection("a configuration item cannot have a relationship to itself")
        record = self.relationships.get(identity) or self.relationships_before.get(identity) or _new(identity)
        attributes = {} if data.attributes is UNSET else data.attributes
        self.relationships[identity] = msgspec.structs.replace(record, attributes=attributes)
        self.touched[record.id] = arrived
        self._mark_upserted(arrived.event)
        return APPLIED

    def _relationship_removed(self, arrived: ReceivedEvent, data: RelationshipRemoved) -> EventResult:
        mark, upserted, ended = self._marks(arrived.event)
        if ended is not None and mark <= ended:
            return STALE
        self._mark_ended(arrived.event)
        if upserted is not None and mark < upserted:
            return STALE
        identity = self.identity(arrived.event, data)
        removed = None if identity is None else self.relationships.pop(identity, None)
        if removed is not None:
            self.touched[removed.id] = arrived
        return APPLIED

    def identity(self, event: Event, data: RelationshipUpserted | RelationshipRemoved) -> Identity | None:
        """Return the identity of a relationship; None while an end is unknown."""
        from_id, to_id = self.ids.get(_pair(data.from_)), self.ids.get(_pair(data.to))
        return None if from_id is None or to_id is None else (from_id, to_id, data.type, event.source)

    def _team(self, key: str | None) -> str | None:
        return None if key is None else self._known["team", key]

    def _marks(self, event: Event) -> tuple[EventOrder, EventOrder | None, EventOrder | None]:
        times = self._times(event)
        upserted = None if times.upserted_at is None else (times.upserted_at, times.upserted_by)
        ended = None if times.ended_at is None else (times.ended_at, times.ended_by)
        return (event.time, event.id), upserted, ended

    def _times(self, event: Event) -> EventTimesRecord:
        name = time_name(event)
        return self.new_times.get(name) or self.times[name]

    def _mark_upserted(self, event: Event) -> None:
        self.new_times[time_name(event)] = msgspec.structs.replace(
            self._times(event), upserted_at=event.time, upserted_by=event.id
        )

    def _mark_ended(self, event: Event) -> None:
        self.new_times[time_name(event)] = msgspec.structs.replace(
            self._times(event), ended_at=event.time, ended_by=event.id
        )


def _status(
    data: ItemUpserted, before: ConfigurationItemRecord, mark: EventOrder, ended: EventOrder | None
) -> ConfigurationItemStatus:
    if ended is not None and mark < ended:
        return ConfigurationItemStatus.RETIRED
    if data.status is not UNSET:
        return data.status
    # The same source retired it before and reports it again.
    back = ended is not None and before.status == ConfigurationItemStatus.RETIRED
    return ConfigurationItemStatus.ACTIVE if back else before.status


def _new_item(data: ItemUpserted) -> ConfigurationItemRecord:
    return ConfigurationItemRecord(
        id=str(uuid7()),
        name=data.name,
        class_key=data.class_key,
        status=ConfigurationItemStatus.ACTIVE,
        environment=Environment.UNKNOWN,
        criticality=Criticality.MEDIUM,
        owner_team_id=None,
        attributes={},
        version=1,
        valid_from=datetime.now(UTC),
    )


def _new(identity: Identity) -> RelationshipRecord:
    from_id, to_id, type_key, source = identity
    return RelationshipRecord(
        id=str(uuid7()), from_id=from_id, to_id=to_id, type_key=type_key, source=source, attributes={},
        redundancy_group_id=None, version=1, valid_from=datetime.now(UTC),
    )  # fmt: skip


def _pair(key: Key) -> tuple[str, str]:
    return key.source, key.key


def join_names(*parts: str) -> str:
    """Return one short text for the names of an entity."""
    # A digest fits into an index, however long the names are.
    return hashlib.blake2b("\x1f".join(parts).encode(), digest_size=16).hexdigest()
