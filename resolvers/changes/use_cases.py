"""Write changes: propose, update, link and unlink items, and apply transitions."""

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType, structs
from uuid_utils import uuid7

from datasources.aurora.changes import writes as rows
from datasources.records.changes import ChangeRecord, ChangeRisk, ChangeState, ChangeType
from resolvers import validation
from resolvers.commands import ChangeId, ConfigurationItemId, ExpectedVersion, TeamId, UserId
from resolvers.principals.principal import identity, is_person
from resolvers.state_machine import Transition, define_state_machine
from resolvers.unit_of_work import UserError, UserErrorCode, ValidationFailed, Write, audit_snapshot

TABLE = "changes"
ENTITY = "CHANGE"
LINKS = "change_configuration_items"

PROPOSED = ChangeState.PROPOSED
APPROVED = ChangeState.APPROVED
SCHEDULED = ChangeState.SCHEDULED
IN_PROGRESS = ChangeState.IN_PROGRESS
COMPLETED = ChangeState.COMPLETED
FAILED = ChangeState.FAILED

# The approval refers to the proposal, so texts and items cannot change after it.
STATE_MACHINE = define_state_machine(
    Transition("updateChange", (PROPOSED,)),
    Transition("linkChangeItems", (PROPOSED,)),
    Transition("unlinkChangeItems", (PROPOSED,)),
    Transition("approveChange", (PROPOSED,), (APPROVED,)),
    Transition("scheduleChange", (APPROVED, SCHEDULED), (SCHEDULED,)),
    # An emergency change starts without being scheduled.
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

    title: Annotated[str, Meta(description="What will be done, in one line.")]
    description: Annotated[str, Meta(description="What will be done, in detail.")] = ""
    type: Annotated[ChangeType, Meta(description="How much approval it needs.")] = ChangeType.NORMAL
    risk: Annotated[ChangeRisk, Meta(description="How likely it is to cause harm.")] = ChangeRisk.UNKNOWN
    team_id: Annotated[TeamId | None, Meta(description="The team that will do the work.")] = None
    assignee_id: Annotated[
        UserId | None, Meta(description="The person who will do the work; a member of the team, if one is given.")
    ] = None
    configuration_item_ids: Annotated[
        tuple[ConfigurationItemId, ...], Meta(description="The configuration items that it modifies, at most 500.")
    ] = ()


class ChangeCommand(Struct, frozen=True, kw_only=True):
    """The fields that all commands for one change share."""

    id: ChangeId
    expected_version: ExpectedVersion


class UpdateChange(ChangeCommand, frozen=True, kw_only=True):
    """New values of a proposed change. Omitted fields stay unchanged."""

    title: Annotated[str | UnsetType | None, Meta(description="What will be done, in one line.")] = UNSET
    description: Annotated[str | UnsetType | None, Meta(description="What will be done, in detail.")] = UNSET
    type: Annotated[ChangeType | UnsetType | None, Meta(description="How much approval it needs.")] = UNSET
    risk: Annotated[ChangeRisk | UnsetType | None, Meta(description="How likely it is to cause harm.")] = UNSET
    team_id: Annotated[TeamId | UnsetType | None, Meta(description="The team; null for none.")] = UNSET
    assignee_id: Annotated[
        UserId | UnsetType | None, Meta(description="The person; a member of the team, if there is one; null for none.")
    ] = UNSET


class ApproveChange(ChangeCommand, frozen=True, kw_only=True):
    """The change to approve."""


class ScheduleChange(ChangeCommand, frozen=True, kw_only=True):
    """The planned time of a change."""

    planned_start: Annotated[
        datetime, Meta(description="When the work will begin, with a time zone, for example `2026-05-01T08:00Z`.")
    ]
    planned_end: Annotated[datetime, Meta(description="When the work will end; later than the start.")]


class FinishChange(ChangeCommand, frozen=True, kw_only=True):
    """The change to finish, and its outcome."""

    outcome: Annotated[ChangeOutcome, Meta(description="How it ended: COMPLETED or FAILED.")]


class LinkChangeItems(ChangeCommand, frozen=True, kw_only=True):
    """Configuration items to link to a change."""

    configuration_item_ids: Annotated[tuple[ConfigurationItemId, ...], Meta(description="The items, at most 500.")]


class UnlinkChangeItems(LinkChangeItems, frozen=True, kw_only=True):
    """Configuration items to unlink from a change."""


async def propose(write: Write, command: ProposeChange) -> Sequence[str]:
    """Return the new change's id. The proposer cannot approve it."""
    title = validation.require_text(command.title, "title")
    await _require_assignment(write, command.team_id, command.assignee_id)
    items = await validation.require_items(write.transaction, command.configuration_item_ids, "configuration_item_ids")
    wanted = ChangeRecord(
        id=str(uuid7()), number="", title=title, description=command.description, type=command.type, state=PROPOSED,
        risk=command.risk, team_id=command.team_id, assignee_id=command.assignee_id, planned_start=None,
        planned_end=None, actual_start=None, actual_end=None, version=1, updated_at=datetime.now(UTC),
    )  # fmt: skip
    record = await rows.insert(write.transaction, wanted, write.context.principal.actor)
    await rows.link(write.transaction, record.id, items)
    write.tables.add(LINKS)
    write.record_change(TABLE, ENTITY, record.id, None, audit_snapshot(record, items=items))
    return [record.id]


async def update(write: Write, command: UpdateChange) -> Sequence[str]:
    """Update the proposal. The caller then counts as a proposer too and cannot approve it."""
    before, step = await _lock(write, command, "updateChange")
    after = structs.replace(
        before,
        title=validation.require_text(validation.or_current(command.title, before.title, "title"), "title"),
        description=validation.or_current(command.description, before.description, "description"),
        type=validation.or_current(command.type, before.type, "type"),
        risk=validation.or_current(command.risk, before.risk, "risk"),
        team_id=before.team_id if command.team_id is UNSET else command.team_id,
        assignee_id=before.assignee_id if command.assignee_id is UNSET else command.assignee_id,
    )
    if (after.team_id, after.assignee_id) != (before.team_id, before.assignee_id):
        await _require_assignment(write, after.team_id, after.assignee_id)
    return await _write_transition(write, before, after, step, write.context.principal.actor)


async def approve(write: Write, command: ApproveChange) -> Sequence[str]:
    """Approve the change. Programs are refused, and so is anyone who proposed or updated it, with any credential."""
    before, step = await _lock(write, command, "approveChange")
    principal = write.context.principal
    if not is_person(principal.kind):
        message = "a program cannot approve a change; a person must approve it with a personal token"
        raise ValidationFailed(UserError(UserErrorCode.INVALID, None, message))
    proposers = await rows.fetch_proposers(write.transaction, before.id)
    if identity(principal.actor) in {identity(each) for each in proposers}:
        message = "you proposed or updated this change; another person must approve it"
        raise ValidationFailed(UserError(UserErrorCode.INVALID, None, message))
    return await _write_transition(write, before, structs.replace(before, state=APPROVED), step)


async def schedule(write: Write, command: ScheduleChange) -> Sequence[str]:
    """Set the planned time window; can be repeated with another one."""
    for field, moment in (("planned_start", command.planned_start), ("planned_end", command.planned_end)):
        if moment.tzinfo is None:
            raise validation.invalid(field, f"{field} has no time zone; write for example 2026-05-01T08:00Z")
    if command.planned_start >= command.planned_end:
        raise validation.invalid("planned_end", "the planned end is not after the planned start; correct one of them")
    before, step = await _lock(write, command, "scheduleChange")
    after = structs.replace(
        before, state=SCHEDULED, planned_start=command.planned_start, planned_end=command.planned_end
    )
    return await _write_transition(write, before, after, step)


async def finish(write: Write, command: FinishChange) -> Sequence[str]:
    """Finish the change, successfully or not."""
    before, step = await _lock(write, command, "finishChange")
    return await _write_transition(write, before, structs.replace(before, state=ChangeState(command.outcome)), step)


async def transition(write: Write, command: ChangeCommand, *, name: str) -> Sequence[str]:
    """Apply the transition `name`, a mutation that has one target state and no further arguments."""
    before, step = await _lock(write, command, name)
    [target] = step.targets
    return await _write_transition(write, before, structs.replace(before, state=ChangeState(target)), step)


async def link_items(write: Write, command: LinkChangeItems) -> Sequence[str]:
    """Link the items; those that are already linked stay."""
    before, step = await _lock(write, command, "linkChangeItems")
    items = await validation.require_items(write.transaction, command.configuration_item_ids, "configuration_item_ids")
    linked = await rows.link(write.transaction, before.id, items)
    write.tables.add(LINKS)
    return await _write_transition(write, before, before, step, write.context.principal.actor, linked=sorted(linked))


async def unlink_items(write: Write, command: UnlinkChangeItems) -> Sequence[str]:
    """Unlink the items. Refused if one of them is not linked."""
    before, step = await _lock(write, command, "unlinkChangeItems")
    wanted = set(command.configuration_item_ids)
    unlinked = await rows.unlink(write.transaction, before.id, sorted(wanted))
    if strangers := sorted(wanted - set(unlinked)):
        message = f"ci_{strangers[0]} is not linked; see the change's configurationItems"
        raise validation.not_found("configuration_item_ids", message)
    write.tables.add(LINKS)
    return await _write_transition(
        write, before, before, step, write.context.principal.actor, unlinked=sorted(unlinked)
    )


async def _require_assignment(write: Write, team_id: str | None, assignee_id: str | None) -> None:
    await validation.require_team(write.transaction, team_id, "team_id")
    await validation.require_user(write.transaction, assignee_id, "assignee_id")
    await validation.require_membership(write.transaction, team_id, assignee_id)


async def _lock(write: Write, command: ChangeCommand, name: str) -> tuple[ChangeRecord, Transition]:
    current = await rows.lock(write.transaction, command.id)
    record = validation.require_version(current, "change", command.expected_version)
    return record, STATE_MACHINE.require_transition(name, record.state)


async def _write_transition(
    write: Write, before: ChangeRecord, after: ChangeRecord, step: Transition, proposer: str | None = None, **links: Any
) -> Sequence[str]:
    record = await rows.update(write.transaction, after, step.stamps, proposer)
    write.record_change(TABLE, ENTITY, record.id, audit_snapshot(before), audit_snapshot(record, **links))
    return [record.id]
