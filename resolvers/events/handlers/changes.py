"""Change events as use cases: another system reports a change that it identifies by its own key."""

from collections.abc import Sequence
from typing import Any

from msgspec import UNSET

from datasources.aurora.changes import keys
from datasources.aurora.changes import writes as rows
from datasources.aurora.tables import references
from datasources.records.changes import ChangeRecord, ChangeState
from resolvers import validation
from resolvers.changes import use_cases as changes
from resolvers.changes.use_cases import (
    ChangeCommand,
    FinishChange,
    LinkChangeItems,
    ProposeChange,
    ScheduleChange,
    UpdateChange,
)
from resolvers.events.event import Event
from resolvers.events.handlers.change_types import (
    ChangeCancelled,
    ChangeEvent,
    ChangeFinished,
    ChangeProposed,
    ChangeScheduled,
    ChangeStarted,
)
from resolvers.events.handlers.key_resolution import resolve_items, resolve_team
from resolvers.events.operation import EntityReference
from resolvers.unit_of_work import Write

UPDATABLE_FIELDS = ("title", "description", "type", "risk")


def entity_of(data: ChangeEvent) -> EntityReference:
    """Return the change that an event is about."""
    return EntityReference("CHANGE", (data.change.source, data.change.key))


async def handle_proposed(write: Write, data: ChangeProposed, _: Event) -> Sequence[str]:
    """Propose a change and store its key; if the key is known, update that change."""
    items = await resolve_items(write.transaction, data.items, "items")
    team = await resolve_team(write.transaction, data.team, "team")
    record = await _find(write, data)
    if record is not None:
        return await _update(write, record, data, items, team)
    command = ProposeChange(**_present_fields(data), team_id=team, configuration_item_ids=items)
    [id] = await changes.propose(write, command)
    await keys.insert(write.transaction, data.change.source, data.change.key, id)
    return [id]


async def handle_scheduled(write: Write, data: ChangeScheduled, _: Event) -> Sequence[str]:
    """Schedule the change; nothing is written if it already has this time window."""
    record = await _require(write, data)
    window = (data.planned_start, data.planned_end)
    if record.state == ChangeState.SCHEDULED and (record.planned_start, record.planned_end) == window:
        return []
    command = ScheduleChange(
        id=record.id,
        expected_version=record.version,
        planned_start=data.planned_start,
        planned_end=data.planned_end,
    )
    return await changes.schedule(write, command)


async def handle_started(write: Write, data: ChangeStarted, _: Event) -> Sequence[str]:
    """Start the change."""
    return await _handle_transition(write, data, "startChange", ChangeState.IN_PROGRESS)


async def handle_cancelled(write: Write, data: ChangeCancelled, _: Event) -> Sequence[str]:
    """Cancel the change."""
    return await _handle_transition(write, data, "cancelChange", ChangeState.CANCELLED)


async def handle_finished(write: Write, data: ChangeFinished, _: Event) -> Sequence[str]:
    """Finish the change, successfully or not."""
    record = await _require(write, data)
    if record.state == ChangeState(data.outcome):
        return []
    command = FinishChange(id=record.id, expected_version=record.version, outcome=data.outcome)
    return await changes.finish(write, command)


async def _handle_transition(write: Write, data: ChangeEvent, name: str, target: ChangeState) -> Sequence[str]:
    record = await _require(write, data)
    if record.state == target:
        return []
    return await changes.transition(write, ChangeCommand(id=record.id, expected_version=record.version), name=name)


async def _find(write: Write, data: ChangeEvent) -> ChangeRecord | None:
    id = await keys.find(write.transaction, data.change.source, data.change.key)
    return None if id is None else await rows.lock(write.transaction, id)


async def _require(write: Write, data: ChangeEvent) -> ChangeRecord:
    record = await _find(write, data)
    if record is None:
        named = f"{data.change.key} of {data.change.source}"
        message = f"change {named} is not known; send its proposal first, then replay this event"
        raise validation.not_found("change", message)
    return record


def _present_fields(data: ChangeProposed) -> dict[str, Any]:
    values = {name: value for name in UPDATABLE_FIELDS if (value := getattr(data, name)) is not UNSET}
    # Stripped as the use case stores it, so that white space alone is no update.
    return values | {"title": data.title.strip()}


async def _update(
    write: Write, record: ChangeRecord, data: ChangeProposed, items: Sequence[str], team: str | None
) -> Sequence[str]:
    before = record
    new = {name: value for name, value in _present_fields(data).items() if value != getattr(record, name)}
    if data.team is not UNSET and team != record.team_id:
        new["team_id"] = team
        assignee = record.assignee_id
        # An assignee who is not a member of the new team is removed.
        if assignee and team and not await references.is_member(write.transaction, team, assignee):
            new["assignee_id"] = None
    if new:
        await changes.update(write, UpdateChange(id=record.id, expected_version=record.version, **new))
        record = await _require(write, data)
    missing = await keys.filter_unlinked(write.transaction, record.id, items) if items else []
    if missing:
        link = LinkChangeItems(id=record.id, expected_version=record.version, configuration_item_ids=tuple(missing))
        await changes.link_items(write, link)
    return [record.id] if missing or record.version != before.version else []
