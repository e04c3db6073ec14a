"""Incidents written: opened, described anew, assigned, noted upon and linked. Their states are in incident_steps."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import UNSET, Struct, UnsetType, structs
from uuid_utils import uuid7

from datasources.aurora.incidents import writes as rows
from datasources.aurora.tables import references as referred
from datasources.records.incidents import IncidentRecord, IncidentRole, IncidentState
from resolvers import validation as rules
from resolvers.incidents.state_machine import STATE_MACHINE, derive_priority
from resolvers.state_machine import Transition
from resolvers.unit_of_work import AuditSnapshot, Write, audit_snapshot

TABLE, ENTITY = "incidents", "INCIDENT"
LINKS, ACTIVITIES = "incident_configuration_items", "incident_activities"

# What of a restricted incident only its team may read; audit entries are read by others.
CONFIDENTIAL_COLUMNS = frozenset({"title", "description", "category", "resolution_code", "resolution", "attributes"})


class OpenIncident(Struct, frozen=True, kw_only=True):
    """A new incident."""

    title: str
    description: str = ""
    impact: int = 3
    urgency: int = 3
    category: str = ""
    team_id: str | None = None
    assignee_id: str | None = None
    restricted_team_id: str | None = None
    affected_ids: tuple[str, ...] = ()
    cause_ids: tuple[str, ...] = ()
    change_id: str | None = None


class UpdateIncident(Struct, frozen=True, kw_only=True):
    """What is said of an incident. What is left out stays."""

    id: str
    expected_version: int
    title: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    impact: int | UnsetType | None = UNSET
    urgency: int | UnsetType | None = UNSET
    category: str | UnsetType | None = UNSET


class AssignIncident(Struct, frozen=True, kw_only=True):
    """Who works on an incident. What is left out stays; null is nobody."""

    id: str
    expected_version: int
    team_id: str | UnsetType | None = UNSET
    assignee_id: str | UnsetType | None = UNSET


class AddIncidentNote(Struct, frozen=True, kw_only=True):
    """Something to remember about an incident."""

    id: str
    expected_version: int
    note: str


class LinkIncidentItems(Struct, frozen=True, kw_only=True):
    """Items that an incident affects or was caused by."""

    id: str
    expected_version: int
    role: IncidentRole
    configuration_item_ids: tuple[str, ...]


class UnlinkIncidentItems(LinkIncidentItems, frozen=True, kw_only=True):
    """Items that an incident neither affects nor was caused by."""


async def open_incident(write: Write, command: OpenIncident) -> Sequence[str]:
    """The new incident's id. It may be restricted only to a team whose incidents the caller sees."""
    title = rules.require_text(command.title, "title")
    impact = rules.require_in_range(command.impact, "impact", 1, 5)
    urgency = rules.require_in_range(command.urgency, "urgency", 1, 5)
    await rules.require_team(write.transaction, command.team_id, "teamId")
    await _check_restriction(write, command.restricted_team_id)
    await rules.require_user(write.transaction, command.assignee_id, "assigneeId")
    await rules.require_membership(write.transaction, command.team_id, command.assignee_id)
    if command.change_id and command.change_id not in await referred.lock_changes(
        write.transaction, [command.change_id]
    ):
        raise rules.not_found("changeId", "there is no such change; see `changes`")
    affected = await rules.require_items(write.transaction, command.affected_ids, "affectedIds")
    causes = await rules.require_items(write.transaction, command.cause_ids, "causeIds")
    now = datetime.now(UTC)
    wanted = IncidentRecord(
        str(uuid7()), "", title, command.description, IncidentState.NEW, impact, urgency,
        derive_priority(impact, urgency), command.category, command.team_id, command.assignee_id,
        command.restricted_team_id, command.change_id, "", "", now, None, None, None, {}, 1, now,
    )  # fmt: skip
    record = await rows.insert(write.transaction, wanted)
    await rows.link(write.transaction, record.id, IncidentRole.AFFECTED, affected)
    await rows.link(write.transaction, record.id, IncidentRole.CAUSE, causes)
    await record_activity(write, record.id, "Opened")
    write.tables.add(LINKS)
    write.record_change(TABLE, ENTITY, record.id, None, incident_snapshot(record, affected=affected, causes=causes))
    return [record.id]


async def update(write: Write, command: UpdateIncident) -> Sequence[str]:
    """What is said of the incident; its priority follows its impact and urgency where one of them is given."""
    before, step = await lock_for_transition(write, command.id, command.expected_version, "updateIncident")
    impact = rules.require_in_range(rules.or_current(command.impact, before.impact, "impact"), "impact", 1, 5)
    urgency = rules.require_in_range(rules.or_current(command.urgency, before.urgency, "urgency"), "urgency", 1, 5)
    # A source may have its own idea of the priority; it stays until somebody judges anew.
    judged = command.impact is not UNSET or command.urgency is not UNSET
    after = structs.replace(
        before,
        title=rules.require_text(rules.or_current(command.title, before.title, "title"), "title"),
        description=rules.or_current(command.description, before.description, "description"),
        impact=impact,
        urgency=urgency,
        priority=derive_priority(impact, urgency) if judged else before.priority,
        category=rules.or_current(command.category, before.category, "category"),
    )
    return await write_transition(write, before, after, step)


async def assign(write: Write, command: AssignIncident) -> Sequence[str]:
    """Who works on the incident: a team, a person, or a person of that team."""
    before, step = await lock_for_transition(write, command.id, command.expected_version, "assignIncident")
    team_id = before.team_id if command.team_id is UNSET else command.team_id
    assignee_id = before.assignee_id if command.assignee_id is UNSET else command.assignee_id
    if command.team_id is not UNSET:
        await rules.require_team(write.transaction, team_id, "teamId")
    if command.assignee_id is not UNSET:
        await rules.require_user(write.transaction, assignee_id, "assigneeId")
    await rules.require_membership(write.transaction, team_id, assignee_id)
    after = structs.replace(before, team_id=team_id, assignee_id=assignee_id)
    return await write_transition(write, before, after, step, team_id=team_id)


async def add_note(write: Write, command: AddIncidentNote) -> Sequence[str]:
    """A note among the incident's activities; it is in no audit entry."""
    before, step = await lock_for_transition(write, command.id, command.expected_version, "addIncidentNote")
    return await write_transition(write, before, before, step, body=rules.require_text(command.note, "note"))


async def link_items(write: Write, command: LinkIncidentItems) -> Sequence[str]:
    """The items in their role; those that have it already keep it."""
    before, step = await lock_for_transition(write, command.id, command.expected_version, "linkIncidentItems")
    items = await rules.require_items(write.transaction, command.configuration_item_ids, "configurationItemIds")
    linked = await rows.link(write.transaction, before.id, command.role, items)
    write.tables.add(LINKS)
    return await write_transition(write, before, before, step, linked=sorted(linked), role=command.role.value)


async def unlink_items(write: Write, command: UnlinkIncidentItems) -> Sequence[str]:
    """The items without their role. Refused if one of them does not have it."""
    before, step = await lock_for_transition(write, command.id, command.expected_version, "unlinkIncidentItems")
    wanted = set(command.configuration_item_ids)
    unlinked = await rows.unlink(write.transaction, before.id, command.role, sorted(wanted))
    if strangers := sorted(wanted - set(unlinked)):
        message = f"ci_{strangers[0]} is not linked as {command.role}; see the incident's configurationItems"
        raise rules.not_found("configurationItemIds", message)
    write.tables.add(LINKS)
    return await write_transition(write, before, before, step, unlinked=sorted(unlinked), role=command.role.value)


async def lock_for_transition(write: Write, id: str, version: int, step: str) -> tuple[IncidentRecord, Transition]:
    """The incident, if the caller sees it at this version, and the step, if its state allows it."""
    found = await rows.lock(write.transaction, id, write.context.scope)
    record = rules.require_version(found, "incident", version)
    return record, STATE_MACHINE.require_transition(step, record.state)


async def write_transition(
    write: Write,
    before: IncidentRecord,
    after: IncidentRecord,
    step: Transition,
    body: str = "",
    team_id: str | None = None,
    **links: Any,
) -> Sequence[str]:
    """Write what a step makes of a locked incident, the activity, and the audit entry with changed links."""
    record = await rows.update(write.transaction, after, step.stamps, step.clears)
    await record_activity(write, record.id, step.activity_kind, body, team_id)
    write.record_change(TABLE, ENTITY, record.id, incident_snapshot(before), incident_snapshot(record, **links))
    return [record.id]


async def record_activity(write: Write, id: str, kind: str, body: str = "", team_id: str | None = None) -> None:
    """Something that the caller did to an incident."""
    await rows.append_activity(write.transaction, id, kind, body, team_id=team_id, user_key=rules.user_key(write))
    write.tables.add(ACTIVITIES)


def incident_snapshot(record: IncidentRecord, **links: Any) -> AuditSnapshot:
    """An incident for an audit entry; of a restricted one only what anyone may read."""
    return (
        audit_snapshot(record, **links)
        if record.restricted_team_id is None
        else audit_snapshot(record, CONFIDENTIAL_COLUMNS)
    )


async def _check_restriction(write: Write, team_id: str | None) -> None:
    key = await rules.require_team(write.transaction, team_id, "restrictedTeamId")
    scope = write.context.scope
    if key is not None and not scope.sees_restricted and key not in scope.team_keys:
        message = "you could not see the incident yourself; restrict it to a team of yours"
        raise rules.invalid("restrictedTeamId", message)
