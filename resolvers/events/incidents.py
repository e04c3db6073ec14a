"""Events of incidents as use cases: what another system tells of one that it knows by a key of its own."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from msgspec import UNSET

from datasources.aurora.incidents import keys
from datasources.aurora.incidents import writes as rows
from datasources.aurora.tables import references as referred
from datasources.records.incidents import IncidentRecord, IncidentRole, IncidentState
from resolvers import validation as rules
from resolvers.events.event import Event
from resolvers.events.incident_types import (
    IncidentEvent,
    IncidentNoted,
    IncidentOpened,
    IncidentResolved,
    IncidentTransitionEvent,
    IncidentUpdated,
)
from resolvers.events.key_resolution import resolve_items, resolve_team
from resolvers.events.landscape_types import Key
from resolvers.events.operation import EntityReference
from resolvers.incidents import transitions as incident_steps
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
    """Which incident an event is about."""
    return EntityReference("INCIDENT", (data.incident.source, data.incident.key))


async def handle_opened(write: Write, data: IncidentOpened, _: Event) -> Sequence[str]:
    """The new incident, known by its key from now on; one that is known is told what is said of it."""
    restricted_id = await resolve_team(write.transaction, data.restricted_team, "restrictedTeam")
    record = await _find(write, data)
    if record is not None:
        if data.restricted_team is not UNSET and restricted_id != record.restricted_team_id:
            message = "an incident is restricted when it is opened or never; leave restrictedTeam out"
            raise rules.invalid("restrictedTeam", message)
        return await _update(write, record, data)
    command = OpenIncident(
        **_given_fields(data),
        team_id=await resolve_team(write.transaction, data.team, "team"),
        restricted_team_id=restricted_id,
        affected_ids=await resolve_items(write.transaction, data.affected, "affected"),
        cause_ids=await resolve_items(write.transaction, data.causes, "causes"),
    )
    [id] = await incidents.open_incident(write, command)
    await keys.insert(write.transaction, data.incident.source, data.incident.key, id)
    return [id]


async def handle_updated(write: Write, data: IncidentUpdated, _: Event) -> Sequence[str]:
    """What is said of the incident. What it says already leaves nothing behind."""
    return await _update(write, await _require(write, data), data)


async def handle_resolved(write: Write, data: IncidentResolved, _: Event) -> Sequence[str]:
    """The incident solved; one that nobody worked on is started first."""
    return await resolve(write, await _require(write, data), data.code, data.resolution)


async def _handle_transition(
    write: Write, data: IncidentTransitionEvent, _: Event, *, name: str, target: IncidentState
) -> Sequence[str]:
    # In that state already, nothing is left to do.
    record = await _require(write, data)
    if record.state == target:
        return []
    return await transition(write, record, name, data.note)


handle_reopened = partial(_handle_transition, name="reopenIncident", target=IncidentState.IN_PROGRESS)
handle_closed = partial(_handle_transition, name="closeIncident", target=IncidentState.CLOSED)
handle_cancelled = partial(_handle_transition, name="cancelIncident", target=IncidentState.CANCELLED)


async def handle_noted(write: Write, data: IncidentNoted, _: Event) -> Sequence[str]:
    """A note among the incident's activities."""
    record = await _require(write, data)
    command = AddIncidentNote(id=record.id, expected_version=record.version, note=data.note)
    return await incidents.add_note(write, command)


async def transition(write: Write, record: IncidentRecord, name: str, note: str = "") -> Sequence[str]:
    """A locked incident taken a step further. Refused where its state does not allow it."""
    command = IncidentTransition(id=record.id, expected_version=record.version, note=note)
    return await incident_steps.transition(write, command, name=name)


async def resolve(write: Write, record: IncidentRecord, code: str, resolution: str) -> Sequence[str]:
    """A locked incident solved, unless it is; one that nobody worked on is started first."""
    if record.state == IncidentState.RESOLVED:
        return []
    if record.state == IncidentState.NEW:
        await transition(write, record, "startIncident")
        record = await reload(write, record)
    command = ResolveIncident(
        id=record.id, expected_version=record.version, resolution_code=code, resolution=resolution
    )
    return await incident_steps.resolve(write, command)


async def reload(write: Write, record: IncidentRecord) -> IncidentRecord:
    """A locked incident as this write left it so far."""
    found = await rows.lock(write.transaction, record.id, write.context.scope)
    assert found is not None  # noqa: S101
    return found


async def link(write: Write, record: IncidentRecord, role: IncidentRole, ids: Sequence[str]) -> IncidentRecord:
    """A locked incident with these items in a role; nothing is written if it has them."""
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
        message = f"incident {named} is not known; send that it was opened, then replay this event"
        raise rules.not_found("incident", message)
    return record


def _given_fields(data: IncidentOpened | IncidentUpdated) -> dict[str, Any]:
    said = {name: value for name in UPDATABLE_FIELDS if (value := getattr(data, name)) is not UNSET}
    # As the use case keeps it; blanks around it are no news.
    return said | {"title": said["title"].strip()} if "title" in said else said


async def _update(write: Write, record: IncidentRecord, data: IncidentOpened | IncidentUpdated) -> Sequence[str]:
    before = record.version
    new = {name: value for name, value in _given_fields(data).items() if value != getattr(record, name)}
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
    # Somebody of another team goes with it.
    if assignee is not None and team is not None and not await referred.is_member(write.transaction, team, assignee):
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
