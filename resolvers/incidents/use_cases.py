"""Write incidents: open, update, assign, add notes, link and unlink items. Transitions are in `transitions`."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType, structs
from uuid_utils import uuid7

from datasources.aurora.incidents import writes as rows
from datasources.aurora.tables import references
from datasources.records.incidents import IncidentRecord, IncidentRole, IncidentState
from resolvers import validation
from resolvers.commands import ChangeId, ConfigurationItemId, ExpectedVersion, IncidentId, TeamId, UserId
from resolvers.incidents.state_machine import STATE_MACHINE, derive_priority
from resolvers.state_machine import Transition
from resolvers.unit_of_work import AuditSnapshot, Write, audit_snapshot

TABLE = "incidents"
ENTITY = "INCIDENT"
LINKS = "incident_configuration_items"
ACTIVITIES = "incident_activities"

# Only the team of a restricted incident may read these columns; audit entries have other readers.
CONFIDENTIAL_COLUMNS = frozenset({"title", "description", "category", "resolution_code", "resolution", "attributes"})


class OpenIncident(Struct, frozen=True, kw_only=True):
    """A new incident. Its priority is computed from impact and urgency."""

    title: Annotated[str, Meta(description="What is wrong, in one line.")]
    description: Annotated[str, Meta(description="What is wrong, in detail.")] = ""
    impact: Annotated[int, Meta(description="Its impact, from 1 (highest) to 5.")] = 3
    urgency: Annotated[int, Meta(description="Its urgency, from 1 (highest) to 5.")] = 3
    category: Annotated[str, Meta(description="Its category, for example `network`.")] = ""
    team_id: Annotated[TeamId | None, Meta(description="The team that will work on it.")] = None
    assignee_id: Annotated[
        UserId | None, Meta(description="The person who will work on it; a member of the team, if one is given.")
    ] = None
    restricted_team_id: Annotated[
        TeamId | None,
        Meta(
            description="The only team that can see the restricted incident; a team whose restricted incidents you "
            "can see."
        ),
    ] = None
    affected_ids: Annotated[
        tuple[ConfigurationItemId, ...], Meta(description="The configuration items that it affects, at most 500.")
    ] = ()
    cause_ids: Annotated[
        tuple[ConfigurationItemId, ...], Meta(description="The configuration items that cause it, at most 500.")
    ] = ()
    change_id: Annotated[ChangeId | None, Meta(description="The change it is related to.")] = None


class IncidentCommand(Struct, frozen=True, kw_only=True):
    """The fields that all commands for one incident share."""

    id: IncidentId
    expected_version: ExpectedVersion


class UpdateIncident(IncidentCommand, frozen=True, kw_only=True):
    """New values of an incident. Omitted fields stay unchanged."""

    title: Annotated[str | UnsetType | None, Meta(description="What is wrong, in one line.")] = UNSET
    description: Annotated[str | UnsetType | None, Meta(description="What is wrong, in detail.")] = UNSET
    impact: Annotated[int | UnsetType | None, Meta(description="Its impact, from 1 (highest) to 5.")] = UNSET
    urgency: Annotated[int | UnsetType | None, Meta(description="Its urgency, from 1 (highest) to 5.")] = UNSET
    category: Annotated[str | UnsetType | None, Meta(description="Its category, for example `network`.")] = UNSET


class AssignIncident(IncidentCommand, frozen=True, kw_only=True):
    """The assignment of an incident. Omitted fields stay unchanged; null removes the assignment."""

    team_id: Annotated[TeamId | UnsetType | None, Meta(description="The team.")] = UNSET
    assignee_id: Annotated[
        UserId | UnsetType | None, Meta(description="The person; a member of the team, if there is one.")
    ] = UNSET


class AddIncidentNote(IncidentCommand, frozen=True, kw_only=True):
    """A note about an incident."""

    note: Annotated[str, Meta(description="The text of the note.")]


class LinkIncidentItems(IncidentCommand, frozen=True, kw_only=True):
    """Configuration items to link to an incident in a role."""

    role: Annotated[IncidentRole, Meta(description="Their role: AFFECTED or CAUSE.")]
    configuration_item_ids: Annotated[tuple[ConfigurationItemId, ...], Meta(description="The items, at most 500.")]


class UnlinkIncidentItems(LinkIncidentItems, frozen=True, kw_only=True):
    """Configuration items to unlink from an incident in a role."""


async def open_incident(write: Write, command: OpenIncident) -> Sequence[str]:
    """Return the new incident's id. It can be restricted only to a team whose incidents the caller can see."""
    title = validation.require_text(command.title, "title")
    impact = validation.require_in_range(command.impact, "impact", 1, 5)
    urgency = validation.require_in_range(command.urgency, "urgency", 1, 5)
    await validation.require_team(write.transaction, command.team_id, "team_id")
    await _check_restriction(write, command.restricted_team_id)
    await validation.require_user(write.transaction, command.assignee_id, "assignee_id")
    await validation.require_membership(write.transaction, command.team_id, command.assignee_id)
    if command.change_id and command.change_id not in await references.lock_changes(
        write.transaction, [command.change_id]
    ):
        raise validation.not_found("change_id", "there is no change with this id; see `changes`")
    affected = await validation.require_items(write.transaction, command.affected_ids, "affected_ids")
    causes = await validation.require_items(write.transaction, command.cause_ids, "cause_ids")
    now = datetime.now(UTC)
    wanted = IncidentRecord(
        id=str(uuid7()), number="", title=title, description=command.description, state=IncidentState.NEW,
        impact=impact, urgency=urgency, priority=derive_priority(impact, urgency), category=command.category,
        team_id=command.team_id, assignee_id=command.assignee_id, restricted_team_id=command.restricted_team_id,
        change_id=command.change_id, resolution_code="", resolution="", opened_at=now, reopened_at=None,
        resolved_at=None, closed_at=None, attributes={}, version=1, updated_at=now,
    )  # fmt: skip
    record = await rows.insert(write.transaction, wanted)
    await rows.link(write.transaction, record.id, IncidentRole.AFFECTED, affected)
    await rows.link(write.transaction, record.id, IncidentRole.CAUSE, causes)
    await record_activity(write, record.id, "Opened")
    write.tables.add(LINKS)
    write.record_change(TABLE, ENTITY, record.id, None, incident_snapshot(record, affected=affected, causes=causes))
    return [record.id]


async def update(write: Write, command: UpdateIncident) -> Sequence[str]:
    """Update the incident; its priority is derived again if impact or urgency is set."""
    before, step = await lock_for_transition(write, command.id, command.expected_version, "updateIncident")
    impact = validation.require_in_range(validation.or_current(command.impact, before.impact, "impact"), "impact", 1, 5)
    urgency = validation.require_in_range(
        validation.or_current(command.urgency, before.urgency, "urgency"), "urgency", 1, 5
    )
    # A source may set its own priority; it stays until impact or urgency is set.
    derives_priority = command.impact is not UNSET or command.urgency is not UNSET
    after = structs.replace(
        before,
        title=validation.require_text(validation.or_current(command.title, before.title, "title"), "title"),
        description=validation.or_current(command.description, before.description, "description"),
        impact=impact,
        urgency=urgency,
        priority=derive_priority(impact, urgency) if derives_priority else before.priority,
        category=validation.or_current(command.category, before.category, "category"),
    )
    return await write_transition(write, before, after, step)


async def assign(write: Write, command: AssignIncident) -> Sequence[str]:
    """Assign the incident to a team, a person, or a person of that team."""
    before, step = await lock_for_transition(write, command.id, command.expected_version, "assignIncident")
    team_id = before.team_id if command.team_id is UNSET else command.team_id
    assignee_id = before.assignee_id if command.assignee_id is UNSET else command.assignee_id
    if command.team_id is not UNSET:
        await validation.require_team(write.transaction, team_id, "team_id")
    if command.assignee_id is not UNSET:
        await validation.require_user(write.transaction, assignee_id, "assignee_id")
    await validation.require_membership(write.transaction, team_id, assignee_id)
    after = structs.replace(before, team_id=team_id, assignee_id=assignee_id)
    return await write_transition(write, before, after, step, team_id=team_id)


async def add_note(write: Write, command: AddIncidentNote) -> Sequence[str]:
    """Add a note to the incident's activities; the audit entry does not contain it."""
    before, step = await lock_for_transition(write, command.id, command.expected_version, "addIncidentNote")
    return await write_transition(write, before, before, step, body=validation.require_text(command.note, "note"))


async def link_items(write: Write, command: LinkIncidentItems) -> Sequence[str]:
    """Link the items in a role; those that already have it stay."""
    before, step = await lock_for_transition(write, command.id, command.expected_version, "linkIncidentItems")
    items = await validation.require_items(write.transaction, command.configuration_item_ids, "configuration_item_ids")
    linked = await rows.link(write.transaction, before.id, command.role, items)
    write.tables.add(LINKS)
    return await write_transition(write, before, before, step, linked=sorted(linked), role=command.role.value)


async def unlink_items(write: Write, command: UnlinkIncidentItems) -> Sequence[str]:
    """Unlink the items from a role. Refused if one of them does not have it."""
    before, step = await lock_for_transition(write, command.id, command.expected_version, "unlinkIncidentItems")
    wanted = set(command.configuration_item_ids)
    unlinked = await rows.unlink(write.transaction, before.id, command.role, sorted(wanted))
    if strangers := sorted(wanted - set(unlinked)):
        message = f"ci_{strangers[0]} is not linked as {command.role}; see the incident's configurationItems"
        raise validation.not_found("configuration_item_ids", message)
    write.tables.add(LINKS)
    return await write_transition(write, before, before, step, unlinked=sorted(unlinked), role=command.role.value)


async def lock_for_transition(write: Write, id: str, version: int, step: str) -> tuple[IncidentRecord, Transition]:
    """Return the incident if the caller can see it at this version, and the transition if its state allows it."""
    current = await rows.lock(write.transaction, id, write.context.scope)
    record = validation.require_version(current, "incident", version)
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
    """Write a transition of a locked incident, its activity, and the audit entry with changed links."""
    record = await rows.update(write.transaction, after, step.stamps, step.clears)
    await record_activity(write, record.id, step.activity_kind, body, team_id)
    write.record_change(TABLE, ENTITY, record.id, incident_snapshot(before), incident_snapshot(record, **links))
    return [record.id]


async def record_activity(write: Write, id: str, kind: str, body: str = "", team_id: str | None = None) -> None:
    """Record an activity of the caller."""
    await rows.append_activity(write.transaction, id, kind, body, team_id=team_id, user_key=validation.user_key(write))
    write.tables.add(ACTIVITIES)


def incident_snapshot(record: IncidentRecord, **links: Any) -> AuditSnapshot:
    """Return an incident for an audit entry, without confidential columns if it is restricted."""
    return (
        audit_snapshot(record, **links)
        if record.restricted_team_id is None
        else audit_snapshot(record, CONFIDENTIAL_COLUMNS)
    )


async def _check_restriction(write: Write, team_id: str | None) -> None:
    key = await validation.require_team(write.transaction, team_id, "restricted_team_id")
    scope = write.context.scope
    if key is not None and not scope.sees_restricted and key not in scope.team_keys:
        message = "you could not see the incident yourself; restrict it to one of your teams"
        raise validation.invalid("restricted_team_id", message)
