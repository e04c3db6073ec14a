"""Incident events as use cases: another system reports an incident that it identifies by its own key."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from msgspec import UNSET

from datasources.aurora.incidents import keys
from datasources.aurora.incidents import writes as rows
from datasources.aurora.tables import references
from datasources.records.incidents import IncidentRecord, IncidentRole, IncidentState
from resolvers import validation
from resolvers.events.event import Event
from resolvers.events.handlers.incident_types import (
    IncidentEvent,
    IncidentNoted,
    IncidentOpened,
    IncidentResolved,
    IncidentTransitionEvent,
    IncidentUpdated,
)
from resolvers.events.handlers.key_resolution import resolve_items, resolve_team
from resolvers.events.handlers.landscape_types import Key
from resolvers.events.operation import EntityReference
from resolvers.incidents import transitions
from resolvers.incidents import use_cases as incidents
from resolvers.incidents.transitions import IncidentTransition, ResolveIncident
from resolvers.incidents.use_cases import (
    AddIncidentNote,
    AssignIncident,
    LinkIncidentItems,
    OpenIncident,
    UpdateIncident,
)
from resolvers.unit_of_work import Write

UPDATABLE_FIELDS = ("title", "description", "impact", "urgency", "category")


def entity_of(data: IncidentEvent) -> EntityReference:
    """Return the incident that an event is about."""
    return EntityReference("INCIDENT", (data.incident.source, data.incident.key))


async def handle_opened(write: Write, data: IncidentOpened, _: Event) -> Sequence[str]:
    """Open an incident and store its key; if the key is known, update that incident."""
    restricted_id = await resolve_team(write.transaction, data.restricted_team, "restricted_team")
    record = await _find(write, data)
    if record is not None:
        if data.restricted_team is not UNSET and restricted_id != record.restricted_team_id:
            message = "an incident can be restricted only when it is opened; leave out restrictedTeam"
            raise validation.invalid("restricted_team", message)
        return await _update(write, record, data)
    command = OpenIncident(
        **_present_fields(data),
        team_id=await resolve_team(write.transaction, data.team, "team"),
        restricted_team_id=restricted_id,
        affected_ids=await resolve_items(write.transaction, data.affected, "affected"),
        cause_ids=await resolve_items(write.transaction, data.causes, "causes"),
    )
    [id] = await incidents.open_incident(write, command)
    await keys.insert(write.transaction, data.incident.source, data.incident.key, id)
    return [id]


async def handle_updated(write: Write, data: IncidentUpdated, _: Event) -> Sequence[str]:
    """Update the incident; nothing is written if it already has these values."""
    return await _update(write, await _require(write, data), data)


async def handle_resolved(write: Write, data: IncidentResolved, _: Event) -> Sequence[str]:
    """Resolve the incident; start it first if it is new."""
    return await resolve(write, await _require(write, data), data.code, data.resolution)


async def _handle_transition(
    write: Write, data: IncidentTransitionEvent, _: Event, *, name: str, target: IncidentState
) -> Sequence[str]:
    # Nothing to do if it already has the target state.
    record = await _require(write, data)
    if record.state == target:
        return []
    return await transition(write, record, name, data.note)


handle_reopened = partial(_handle_transition, name="reopenIncident", target=IncidentState.IN_PROGRESS)
handle_closed = partial(_handle_transition, name="closeIncident", target=IncidentState.CLOSED)
handle_cancelled = partial(_handle_transition, name="cancelIncident", target=IncidentState.CANCELLED)


async def handle_noted(write: Write, data: IncidentNoted, _: Event) -> Sequence[str]:
    """Add a note to the incident's activities."""
    record = await _require(write, data)
    command = AddIncidentNote(id=record.id, expected_version=record.version, note=data.note)
    return await incidents.add_note(write, command)


async def transition(write: Write, record: IncidentRecord, name: str, note: str = "") -> Sequence[str]:
    """Apply a transition to a locked incident. Refused if its state does not allow it."""
    command = IncidentTransition(id=record.id, expected_version=record.version, note=note)
    return await transitions.transition(write, command, name=name)


async def resolve(write: Write, record: IncidentRecord, code: str, resolution: str) -> Sequence[str]:
    """Resolve a locked incident unless it is resolved; start it first if it is new."""
    if record.state == IncidentState.RESOLVED:
        return []
    if record.state == IncidentState.NEW:
        await transition(write, record, "startIncident")
        record = await reload(write, record)
    command = ResolveIncident(
        id=record.id, expected_version=record.version, resolution_code=code, resolution=resolution
    )
    return await transitions.resolve(write, command)


async def reload(write: Write, record: IncidentRecord) -> IncidentRecord:
    """Return a locked incident with the writes of this transaction."""
    current = await rows.lock(write.transaction, record.id, write.context.scope)
    assert current is not None  # noqa: S101
    return current


async def link(write: Write, record: IncidentRecord, role: IncidentRole, ids: Sequence[str]) -> IncidentRecord:
    """Link the items to a locked incident in a role; nothing is written if they are linked."""
    missing = await keys.filter_unlinked(write.transaction, record.id, role, ids) if ids else []
    if not missing:
        return record
    command = LinkIncidentItems(
        id=record.id, expected_version=record.version, role=role, configuration_item_ids=tuple(missing)
    )
    await incidents.link_items(write, command)
    return await reload(write, record)


async def _find(write: Write, data: IncidentEvent) -> IncidentRecord | None:
    id = await keys.find(write.transaction, data.incident.source, data.incident.key)
    return None if id is None else await rows.lock(write.transaction, id, write.context.scope)


async def _require(write: Write, data: IncidentEvent) -> IncidentRecord:
    record = await _find(write, data)
    if record is None:
        named = f"{data.incident.key} of {data.incident.source}"
        message = f"incident {named} is not known; send the event that opens it first, then replay this event"
        raise validation.not_found("incident", message)
    return record


def _present_fields(data: IncidentOpened | IncidentUpdated) -> dict[str, Any]:
    values = {name: value for name in UPDATABLE_FIELDS if (value := getattr(data, name)) is not UNSET}
    # Stripped as the use case stores it, so that white space alone is no update.
    return values | {"title": values["title"].strip()} if "title" in values else values


async def _update(write: Write, record: IncidentRecord, data: IncidentOpened | IncidentUpdated) -> Sequence[str]:
    before = record.version
    new = {name: value for name, value in _present_fields(data).items() if value != getattr(record, name)}
    if new:
        await incidents.update(write, UpdateIncident(id=record.id, expected_version=record.version, **new))
        record = await reload(write, record)
    record = await _reassign(write, record, data)
    for role, named, field in (
        (IncidentRole.AFFECTED, data.affected, "affected"),
        (IncidentRole.CAUSE, data.causes, "causes"),
    ):
        record = await _link_by_keys(write, record, role, named, field)
    return [record.id] if record.version != before else []


async def _reassign(write: Write, record: IncidentRecord, data: IncidentOpened | IncidentUpdated) -> IncidentRecord:
    team = await resolve_team(write.transaction, data.team, "team")
    if data.team is UNSET or team == record.team_id:
        return record
    assignee = record.assignee_id
    # An assignee who is not a member of the new team is removed.
    if assignee is not None and team is not None and not await references.is_member(write.transaction, team, assignee):
        assignee = None
    command = AssignIncident(
        id=record.id,
        expected_version=record.version,
        team_id=team,
        assignee_id=UNSET if assignee == record.assignee_id else None,
    )
    await incidents.assign(write, command)
    return await reload(write, record)


async def _link_by_keys(
    write: Write, record: IncidentRecord, role: IncidentRole, named: Sequence[Key], field: str
) -> IncidentRecord:
    return await link(write, record, role, await resolve_items(write.transaction, named, field))
