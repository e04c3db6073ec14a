"""Definitions written: drafted, changed, published, retired and discarded, revision by revision."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import UNSET, Struct, UnsetType, structs, to_builtins
from uuid_utils import uuid7

from datasources.aurora.workflows import writes as rows
from datasources.records.workflows import WorkflowRecord, WorkflowState, WorkflowStepRecord
from resolvers import validation as rules
from resolvers.state_machine import Transition, define_state_machine
from resolvers.unit_of_work import UserError, UserErrorCode, ValidationFailed, Write, caller_id
from resolvers.workflows.checking.definitions import is_key
from resolvers.workflows.checking.publication import find_publication_problems
from resolvers.workflows.serialization import (
    InputSpec,
    StepSpec,
    TriggerSpec,
    inputs_data,
    new_steps,
    trigger_data,
)

TABLE, ENTITY = "workflows", "WORKFLOW"
STEPS, LINKS = "workflow_steps", "workflow_configuration_items"

DRAFT, PUBLISHED, RETIRED = WorkflowState.DRAFT, WorkflowState.PUBLISHED, WorkflowState.RETIRED

# Runs hold on to their revision, so what is published never changes: what comes after it is another revision.
STATE_MACHINE = define_state_machine(
    Transition("updateWorkflow", (DRAFT,)),
    Transition("publishWorkflow", (DRAFT,), (PUBLISHED,)),
    Transition("retireWorkflow", (PUBLISHED,), (RETIRED,)),
    Transition("discardWorkflow", (DRAFT,)),
    Transition("reviseWorkflow", (DRAFT, PUBLISHED, RETIRED)),
)


class CreateWorkflow(Struct, frozen=True, kw_only=True):
    """A draft: the first revision of a new key, or the next one of a known key."""

    key: str
    name: str
    description: str = ""
    trigger: TriggerSpec | None = None
    inputs: tuple[InputSpec, ...] = ()
    steps: tuple[StepSpec, ...] = ()
    configuration_item_ids: tuple[str, ...] = ()


class WorkflowCommand(Struct, frozen=True, kw_only=True):
    """A step in the life of a revision, with nothing more to say."""

    id: str
    expected_version: int


class UpdateWorkflow(WorkflowCommand, frozen=True, kw_only=True):
    """What a draft says. What is left out stays; what is given takes the place of all that was."""

    name: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    trigger: TriggerSpec | UnsetType | None = UNSET
    inputs: tuple[InputSpec, ...] | UnsetType | None = UNSET
    steps: tuple[StepSpec, ...] | UnsetType | None = UNSET
    configuration_item_ids: tuple[str, ...] | UnsetType | None = UNSET


class PublishWorkflow(WorkflowCommand, frozen=True, kw_only=True):
    """It is in use from now on."""


class RetireWorkflow(WorkflowCommand, frozen=True, kw_only=True):
    """It is no longer in use."""


class DiscardWorkflow(WorkflowCommand, frozen=True, kw_only=True):
    """It is of no use."""


class ReviseWorkflow(WorkflowCommand, frozen=True, kw_only=True):
    """What it says is to be changed."""


async def create(write: Write, command: CreateWorkflow) -> Sequence[str]:
    """The draft's id. It may have problems until it is published, but its parts must be of the right form."""
    if not is_key(command.key):
        message = f"{command.key!r} is no key; write at most 64 small letters, digits and hyphens"
        raise rules.invalid("key", f"{message}, such as restart-service")
    record = _draft(command.key, rules.require_name(command.name, "name"), command.description)
    record = structs.replace(record, trigger=trigger_data(command.trigger), inputs=inputs_data(command.inputs))
    steps = new_steps(command.steps)
    items = await rules.require_items(write.transaction, command.configuration_item_ids, "configurationItemIds")
    return [await _insert(write, record, steps, items)]


async def revise(write: Write, command: ReviseWorkflow) -> Sequence[str]:
    """The id of a draft that says what the revision says; the next one of its key."""
    before, _ = await _lock(write, command, "reviseWorkflow")
    steps = [_copy_step(step) for step in await rows.fetch_steps(write.transaction, before.id)]
    items = await rows.fetch_items(write.transaction, before.id)
    draft = _draft(before.key, before.name, before.description)
    draft = structs.replace(draft, trigger=before.trigger, inputs=before.inputs)
    return [await _insert(write, draft, steps, items)]


async def update(write: Write, command: UpdateWorkflow) -> Sequence[str]:
    """What the draft says."""
    before, _ = await _lock(write, command, "updateWorkflow")
    after = structs.replace(
        before,
        name=rules.require_name(rules.or_current(command.name, before.name, "name"), "name"),
        description=rules.or_current(command.description, before.description, "description"),
        trigger=before.trigger if command.trigger is UNSET else trigger_data(command.trigger),
        inputs=before.inputs
        if command.inputs is UNSET
        else inputs_data(rules.or_current(command.inputs, (), "inputs")),
    )
    was = await _workflow_snapshot(write, before)
    if command.steps is not UNSET:
        steps = new_steps(rules.or_current(command.steps, (), "steps"))
        await _require_unused(write, before, "its steps")
        await rows.replace_steps(write.transaction, before.id, steps)
        write.tables.add(STEPS)
    if command.configuration_item_ids is not UNSET:
        ids = rules.or_current(command.configuration_item_ids, (), "configurationItemIds")
        items = await rules.require_items(write.transaction, ids, "configurationItemIds")
        await rows.replace_items(write.transaction, before.id, items)
        write.tables.add(LINKS)
    record = await rows.update(write.transaction, after)
    write.record_change(TABLE, ENTITY, record.id, was, await _workflow_snapshot(write, record))
    return [record.id]


async def publish(write: Write, command: PublishWorkflow) -> Sequence[str]:
    """The revision in use, and the one before of its key in use no longer; its runs go on. Refused with everything
    that is wrong with the definition."""
    # First of all: who waits for it must not hold a row that its holder wants.
    await rows.lock_publishing(write.transaction)
    before, _ = await _lock(write, command, "publishWorkflow")
    steps = await rows.fetch_steps(write.transaction, before.id)
    found = await find_publication_problems(write.transaction, [(before, steps)])
    if errors := found[before.id]:
        raise ValidationFailed(*errors)
    for old in await rows.lock_published(write.transaction, before.key):
        await _in_state(write, old, RETIRED)
    await rows.write_publisher(write.transaction, before.id, caller_id(write.context), write.context.scope)
    return [await _in_state(write, before, PUBLISHED)]


async def retire(write: Write, command: RetireWorkflow) -> Sequence[str]:
    """The revision in use no longer. Its runs go on; no new ones begin."""
    before, _ = await _lock(write, command, "retireWorkflow")
    return [await _in_state(write, before, RETIRED)]


async def discard(write: Write, command: DiscardWorkflow) -> Sequence[str]:
    """The id of a draft that is gone."""
    before, _ = await _lock(write, command, "discardWorkflow")
    await _require_unused(write, before, "the draft")
    told = await _workflow_snapshot(write, before)
    await rows.delete(write.transaction, before.id)
    write.tables |= {STEPS, LINKS}
    write.record_change(TABLE, ENTITY, before.id, told, None)
    return [before.id]


def _draft(key: str, name: str, description: str) -> WorkflowRecord:
    return WorkflowRecord(str(uuid7()), key, 0, name, description, DRAFT, {}, 1, datetime.now(UTC), [])


async def _insert(write: Write, draft: WorkflowRecord, steps: Sequence[rows.NewStep], items: Sequence[str]) -> str:
    await rows.lock_key(write.transaction, draft.key)
    record = await rows.insert(write.transaction, draft)
    await rows.replace_steps(write.transaction, record.id, steps)
    await rows.replace_items(write.transaction, record.id, items)
    write.tables |= {STEPS, LINKS}
    write.record_change(TABLE, ENTITY, record.id, None, await _workflow_snapshot(write, record))
    return record.id


async def _in_state(write: Write, before: WorkflowRecord, state: WorkflowState) -> str:
    record = await rows.update(write.transaction, structs.replace(before, state=state))
    write.record_change(TABLE, ENTITY, record.id, _columns(before), _columns(record))
    return record.id


async def _lock(write: Write, command: WorkflowCommand, name: str) -> tuple[WorkflowRecord, Transition]:
    found = await rows.lock(write.transaction, command.id)
    record = rules.require_version(found, "workflow", command.expected_version)
    try:
        return record, STATE_MACHINE.require_transition(name, record.state)
    except ValidationFailed as refused:
        [error] = refused.errors
        message = f"{error.message}; what it says is changed in its next revision, which reviseWorkflow makes"
        raise ValidationFailed(UserError(error.code, error.field, message)) from refused


async def _require_unused(write: Write, record: WorkflowRecord, what: str) -> None:
    if await rows.is_used(write.transaction, record.id):
        message = f"there are runs of this revision, so {what} must stay; make the next revision by reviseWorkflow"
        raise ValidationFailed(UserError(UserErrorCode.ILLEGAL_STATE, None, message))


def _copy_step(step: WorkflowStepRecord) -> rows.NewStep:
    return rows.NewStep(step.key, step.name, step.kind, step.depends_on, step.configuration)


async def _workflow_snapshot(write: Write, record: WorkflowRecord) -> dict[str, Any]:
    """A revision by column for an audit entry, with its steps and the items that it is meant for."""
    steps = await rows.fetch_steps(write.transaction, record.id)
    told = [{name: value for name, value in structs.asdict(step).items() if name != "workflow_id"} for step in steps]
    more = {"steps": to_builtins(told), "items": await rows.fetch_items(write.transaction, record.id)}
    return _columns(record) | more


def _columns(record: WorkflowRecord) -> dict[str, Any]:
    plain: dict[str, Any] = to_builtins(structs.asdict(record))
    return plain
