"""Alert events: in any order of arrival, the incident of a group is open while one of its alerts fires.

A firing alert joins the open incident of its group, reopens one that was resolved recently, or opens a new one. When
the last alert of an incident ends, the incident is resolved. Repeated events change nothing.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from datasources.aurora.alerts import writes as rows
from datasources.aurora.alerts.writes import AlertGroup, AlertItem, AlertSummary, Firing
from datasources.aurora.incidents import writes as incident_writes
from datasources.records.incidents import IncidentRecord, IncidentRole, IncidentState
from resolvers import validation
from resolvers.events.event import Event
from resolvers.events.handlers.alert_types import AlertEvent, AlertFired, AlertResolved
from resolvers.events.handlers.incidents import link, reload, resolve, transition
from resolvers.events.handlers.landscape_batch import join_names
from resolvers.incidents import use_cases as incidents
from resolvers.incidents.state_machine import ACTIVE_STATES, STATE_MACHINE
from resolvers.incidents.use_cases import OpenIncident, UpdateIncident
from resolvers.unit_of_work import Write

TABLE = "alerts"
CATEGORY = "alert"
RESOLUTION_CODE = "ALERT_RESOLVED"

# An alert reopens a resolved incident of its group within this time after the last alert ended, else it opens a new
# one. Measured by the times of the alerts, not of their arrival.
REOPEN_WINDOW = timedelta(hours=24)


async def handle_fired(write: Write, data: AlertFired, _: Event) -> Sequence[str]:
    """Return the incident that the alert now belongs to."""
    group, firing = _group(data), _firing(data)
    current = await rows.lock_group(write.transaction, group, data.group_key)
    labels, annotations = data.labels, data.annotations
    if not await rows.write_firing(write.transaction, firing, group, labels, annotations, data.generator_url):
        return []
    write.tables.add(TABLE)
    # The end of the alert may have been reported before its start.
    await rows.end_firings(write.transaction, firing, data.starts_at)
    item = await rows.find_item(write.transaction, [(key.source, key.key) for key in data.items])
    record = await _joinable(write, current, data.starts_at)
    if record is None:
        record = await _open_incident(write, data, item)
        await rows.set_group_incident(write.transaction, group, record.id)
        if await rows.attach_firing(write.transaction, firing, record.id) is not None:
            await resolve(write, record, RESOLUTION_CODE, "Its alert had already ended when it was reported.")
        return [record.id]
    ended_at = await rows.attach_firing(write.transaction, firing, record.id)
    if record.state == IncidentState.RESOLVED and ended_at is None:
        await transition(write, record, "reopenIncident", f"Alert fires: {data.title}")
        record = await reload(write, record)
    await _join(write, record, data, item)
    return [record.id]


async def handle_resolved(write: Write, data: AlertResolved, _: Event) -> Sequence[str]:
    """Return the incidents of the ended firings; each is resolved if none of its other alerts fires."""
    if data.ends_at < data.starts_at:
        raise validation.invalid("ends_at", "the alert ends before it starts; correct the clock of its source")
    group, firing = _group(data), _firing(data)
    await rows.lock_group(write.transaction, group, data.group_key)
    await rows.write_resolution(write.transaction, firing, group, data.labels, data.ends_at)
    ids = await rows.end_firings(write.transaction, firing, data.ends_at)
    write.tables.add(TABLE)
    for id in ids:
        await _quieter(write, id, data)
    return ids


async def _joinable(write: Write, id: str | None, starts_at: datetime) -> IncidentRecord | None:
    record = None if id is None else await incident_writes.lock(write.transaction, id, write.context.scope)
    if record is None or record.state in ACTIVE_STATES:
        return record
    if record.state != IncidentState.RESOLVED:
        return None
    standing = await rows.summarize_alerts(write.transaction, record.id)
    # Resolved manually while an alert still fires: the same problem continues.
    if standing.firing or standing.last_end is None or starts_at - standing.last_end <= REOPEN_WINDOW:
        return record
    return None


async def _open_incident(write: Write, data: AlertFired, item: AlertItem | None) -> IncidentRecord:
    command = OpenIncident(
        title=data.title,
        description=data.annotations.get("description", ""),
        impact=data.impact,
        urgency=data.urgency,
        category=CATEGORY,
        team_id=None if item is None else item.team_id,
        affected_ids=() if item is None else (item.id,),
    )
    [id] = await incidents.open_incident(write, command)
    record = await incident_writes.lock(write.transaction, id, write.context.scope)
    assert record is not None  # noqa: S101
    await _note(write, record, f"Opened by an alert: {data.title}{_unmatched(item)}")
    return await reload(write, record)


async def _join(write: Write, record: IncidentRecord, data: AlertFired, item: AlertItem | None) -> None:
    impact, urgency = min(record.impact, data.impact), min(record.urgency, data.urgency)
    if (impact, urgency) != (record.impact, record.urgency):
        escalation = UpdateIncident(id=record.id, expected_version=record.version, impact=impact, urgency=urgency)
        await incidents.update(write, escalation)
        record = await reload(write, record)
    if item is not None:
        record = await link(write, record, IncidentRole.AFFECTED, [item.id])
    await _note(write, record, f"Alert joined: {data.title}{_unmatched(item)}")


async def _quieter(write: Write, id: str, data: AlertResolved) -> None:
    record = await incident_writes.lock(write.transaction, id, write.context.scope)
    # The incident may have been deleted together with its alerts.
    if record is None:
        return
    standing = await rows.summarize_alerts(write.transaction, id)
    name = data.labels.get("alertname") or data.fingerprint
    if standing.firing == 0 and record.state in ACTIVE_STATES:
        await resolve(write, record, RESOLUTION_CODE, f"No alert fires any more; the last to end was {name}.")
    else:
        await _note(write, record, f"Alert resolved: {name}; {_number(standing)} still firing")


async def _note(write: Write, record: IncidentRecord, text: str) -> None:
    # The incident is locked already, so its row is not read again for each alert of a large group.
    await incidents.write_transition(
        write, record, record, STATE_MACHINE.require_transition("addIncidentNote", record.state), body=text
    )


def _number(standing: AlertSummary) -> str:
    return f"{standing.firing}" if standing.firing < rows.MAX_COUNTED else f"{rows.MAX_COUNTED} or more"


def _unmatched(item: AlertItem | None) -> str:
    return "" if item is not None else " (no configuration item matches its labels; link what it affects)"


def _group(data: AlertEvent) -> AlertGroup:
    return AlertGroup(data.receiver, join_names(data.group_key))


def _firing(data: AlertEvent) -> Firing:
    return Firing(data.receiver, data.fingerprint, data.starts_at)
