"""Changes written: proposed, rewritten, linked, and taken from state to state."""

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from msgspec import UNSET, Struct, UnsetType, structs
from uuid_utils import uuid7

from datasources.aurora.changes import writes as rows
from datasources.records.changes import ChangeRecord, ChangeRisk, ChangeState, ChangeType
from resolvers import validation as rules
from resolvers.principals.principal import identity, is_person
from resolvers.state_machine import Transition, define_state_machine
from resolvers.unit_of_work import UserError, UserErrorCode, ValidationFailed, Write, audit_snapshot

TABLE, ENTITY, LINKS = "changes", "CHANGE", "change_configuration_items"

PROPOSED, APPROVED, SCHEDULED = ChangeState.PROPOSED, ChangeState.APPROVED, ChangeState.SCHEDULED
IN_PROGRESS, COMPLETED, FAILED = ChangeState.IN_PROGRESS, ChangeState.COMPLETED, ChangeState.FAILED

# What is approved is what was proposed: words and items stay as they are from then on.
STATE_MACHINE = define_state_machine(
    Transition("updateChange", (PROPOSED,)),
    Transition("linkChangeItems", (PROPOSED,)),
    Transition("unlinkChangeItems", (PROPOSED,)),
    Transition("approveChange", (PROPOSED,), (APPROVED,)),
    Transition("scheduleChange", (APPROVED, SCHEDULED), (SCHEDULED,)),
    # An emergency has no time to be scheduled.
    Transition("startChange", (APPROVED, SCHEDULED), (IN_PROGRESS,), stamps=("actual_start",)),
    Transition("finishChange", (IN_PROGRESS,), (COMPLETED, FAILED), stamps=("actual_end",)),
    Transition("cancelChange", (PROPOSED, APPROVED, SCHEDULED), (ChangeState.CANCELLED,)),
)


class ChangeOutcome(StrEnum):
    """How a change ended."""

    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


class ProposeChange(Struct, frozen=True, kw_only=True):
    """A new change."""

    title: str
    description: str = ""
    type: ChangeType = ChangeType.NORMAL
    risk: ChangeRisk = ChangeRisk.UNKNOWN
    team_id: str | None = None
    assignee_id: str | None = None
    configuration_item_ids: tuple[str, ...] = ()


class UpdateChange(Struct, frozen=True, kw_only=True):
    """What is proposed. What is left out stays."""

    id: str
    expected_version: int
    title: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    type: ChangeType | UnsetType | None = UNSET
    risk: ChangeRisk | UnsetType | None = UNSET
    team_id: str | UnsetType | None = UNSET
    assignee_id: str | UnsetType | None = UNSET


class ChangeCommand(Struct, frozen=True, kw_only=True):
    """A step with nothing more to say."""

    id: str
    expected_version: int


class ApproveChange(ChangeCommand, frozen=True, kw_only=True):
    """It may be done."""


class StartChange(ChangeCommand, frozen=True, kw_only=True):
    """Work begins."""


class CancelChange(ChangeCommand, frozen=True, kw_only=True):
    """It is called off."""


class ScheduleChange(ChangeCommand, frozen=True, kw_only=True):
    """When it is to be done."""

    planned_start: datetime
    planned_end: datetime


class FinishChange(ChangeCommand, frozen=True, kw_only=True):
    """How it ended."""

    outcome: ChangeOutcome


class LinkChangeItems(ChangeCommand, frozen=True, kw_only=True):
    """Items that it works on."""

    configuration_item_ids: tuple[str, ...]


class UnlinkChangeItems(LinkChangeItems, frozen=True, kw_only=True):
    """Items that it does not work on."""


async def propose(write: Write, command: ProposeChange) -> Sequence[str]:
    """The new change's id. Who proposes it may not approve it."""
    title = rules.require_text(command.title, "title")
    await _require_assignment(write, command.team_id, command.assignee_id)
    items = await rules.require_items(write.transaction, command.configuration_item_ids, "configurationItemIds")
    wanted = ChangeRecord(
        str(uuid7()), "", title, command.description, command.type, PROPOSED, command.risk, command.team_id,
        command.assignee_id, None, None, None, None, 1, datetime.now(UTC),
    )  # fmt: skip
    record = await rows.insert(write.transaction, wanted, write.context.principal.actor)
    await rows.link(write.transaction, record.id, items)
    write.tables.add(LINKS)
    write.record_change(TABLE, ENTITY, record.id, None, audit_snapshot(record, items=items))
    return [record.id]


async def update(write: Write, command: UpdateChange) -> Sequence[str]:
    """What is proposed. Who writes has a hand in the proposal from then on, and may not approve it either."""
    before, step = await _lock(write, command, "updateChange")
    after = structs.replace(
        before,
        title=rules.require_text(rules.or_current(command.title, before.title, "title"), "title"),
        description=rules.or_current(command.description, before.description, "description"),
        type=rules.or_current(command.type, before.type, "type"),
        risk=rules.or_current(command.risk, before.risk, "risk"),
        team_id=before.team_id if command.team_id is UNSET else command.team_id,
        assignee_id=before.assignee_id if command.assignee_id is UNSET else command.assignee_id,
    )
    if (after.team_id, after.assignee_id) != (before.team_id, before.assignee_id):
        await _require_assignment(write, after.team_id, after.assignee_id)
    return await _write_transition(write, before, after, step, write.context.principal.actor)


async def approve(write: Write, command: ApproveChange) -> Sequence[str]:
    """The change may be done. Refused for programs, and for whoever had a hand in its proposal, by whichever key."""
    before, step = await _lock(write, command, "approveChange")
    principal = write.context.principal
    if not is_person(principal.kind):
        message = "a program may not approve a change; let a person approve it with a token of their own"
        raise ValidationFailed(UserError(UserErrorCode.INVALID, None, message))
    proposers = await rows.fetch_proposers(write.transaction, before.id)
    if identity(principal.actor) in {identity(each) for each in proposers}:
        message = "you proposed it, or changed the proposal; somebody else must approve it"
        raise ValidationFailed(UserError(UserErrorCode.INVALID, None, message))
    return await _write_transition(write, before, structs.replace(before, state=APPROVED), step)


async def schedule(write: Write, command: ScheduleChange) -> Sequence[str]:
    """When the change is to be done; again for another time."""
    for field, moment in (("plannedStart", command.planned_start), ("plannedEnd", command.planned_end)):
        if moment.tzinfo is None:
            raise rules.invalid(field, f"{field} has no time zone; write 2026-05-01T08:00Z, for example")
    if command.planned_start >= command.planned_end:
        raise rules.invalid("plannedEnd", "the planned end is not after the planned start; swap or move them")
    before, step = await _lock(write, command, "scheduleChange")
    after = structs.replace(
        before, state=SCHEDULED, planned_start=command.planned_start, planned_end=command.planned_end
    )
    return await _write_transition(write, before, after, step)


async def finish(write: Write, command: FinishChange) -> Sequence[str]:
    """The change done, as it was meant or not."""
    before, step = await _lock(write, command, "finishChange")
    return await _write_transition(write, before, structs.replace(before, state=ChangeState(command.outcome)), step)


async def transition(write: Write, command: ChangeCommand, *, name: str) -> Sequence[str]:
    """The change after a step that has one target and nothing more to say. `name` is the mutation's."""
    before, step = await _lock(write, command, name)
    [target] = step.targets
    return await _write_transition(write, before, structs.replace(before, state=ChangeState(target)), step)


async def link_items(write: Write, command: LinkChangeItems) -> Sequence[str]:
    """The items that the change works on, with those that it did."""
    before, step = await _lock(write, command, "linkChangeItems")
    items = await rules.require_items(write.transaction, command.configuration_item_ids, "configurationItemIds")
    linked = await rows.link(write.transaction, before.id, items)
    write.tables.add(LINKS)
    return await _write_transition(write, before, before, step, write.context.principal.actor, linked=sorted(linked))


async def unlink_items(write: Write, command: UnlinkChangeItems) -> Sequence[str]:
    """The items that the change does not work on. Refused if it never did on one of them."""
    before, step = await _lock(write, command, "unlinkChangeItems")
    wanted = set(command.configuration_item_ids)
    unlinked = await rows.unlink(write.transaction, before.id, sorted(wanted))
    if strangers := sorted(wanted - set(unlinked)):
        message = f"ci_{strangers[0]} is not linked; see the change's configurationItems"
        raise rules.not_found("configurationItemIds", message)
    write.tables.add(LINKS)
    return await _write_transition(
        write, before, before, step, write.context.principal.actor, unlinked=sorted(unlinked)
    )


async def _require_assignment(write: Write, team_id: str | None, assignee_id: str | None) -> None:
    await rules.require_team(write.transaction, team_id, "teamId")
    await rules.require_user(write.transaction, assignee_id, "assigneeId")
    await rules.require_membership(write.transaction, team_id, assignee_id)


async def _lock(write: Write, command: ChangeCommand | UpdateChange, name: str) -> tuple[ChangeRecord, Transition]:
    found = await rows.lock(write.transaction, command.id)
    record = rules.require_version(found, "change", command.expected_version)
    return record, STATE_MACHINE.require_transition(name, record.state)


async def _write_transition(
    write: Write, before: ChangeRecord, after: ChangeRecord, step: Transition, proposer: str | None = None, **links: Any
) -> Sequence[str]:
    record = await rows.update(write.transaction, after, step.stamps, proposer)
    write.record_change(TABLE, ENTITY, record.id, audit_snapshot(before), audit_snapshot(record, **links))
    return [record.id]
