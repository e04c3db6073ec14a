"""Write workflow definitions: create, revise, update, publish, retire and discard revisions."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType, structs, to_builtins
from uuid_utils import uuid7

from datasources.aurora.workflows import writes as rows
from datasources.records.workflows import WorkflowRecord, WorkflowState, WorkflowStepRecord
from resolvers import validation
from resolvers.commands import ConfigurationItemId, ExpectedVersion, WorkflowId
from resolvers.state_machine import Transition, define_state_machine
from resolvers.unit_of_work import UserError, UserErrorCode, ValidationFailed, Write, caller_id
from resolvers.workflows.checking.definitions import is_key
from resolvers.workflows.checking.publication import find_publication_problems
from resolvers.workflows.serialization import (
    WorkflowInput,
    WorkflowStep,
    WorkflowTrigger,
    inputs_data,
    new_steps,
    trigger_data,
)

TABLE = "workflows"
ENTITY = "WORKFLOW"
STEPS = "workflow_steps"
LINKS = "workflow_configuration_items"

DRAFT = WorkflowState.DRAFT
PUBLISHED = WorkflowState.PUBLISHED
RETIRED = WorkflowState.RETIRED

# Runs refer to their revision, so a published one never changes: a change needs another revision.
STATE_MACHINE = define_state_machine(
    Transition("updateWorkflow", (DRAFT,)),
    Transition("publishWorkflow", (DRAFT,), (PUBLISHED,)),
    Transition("retireWorkflow", (PUBLISHED,), (RETIRED,)),
    Transition("discardWorkflow", (DRAFT,)),
    Transition("reviseWorkflow", (DRAFT, PUBLISHED, RETIRED)),
)


class CreateWorkflow(Struct, frozen=True, kw_only=True):
    """A draft of a workflow: the first revision of a new key, or the next one of an existing key. It can be incomplete;
    `Workflow.problems` lists what prevents publication."""

    key: Annotated[
        str,
        Meta(
            description="The key that its revisions share: lower-case letters, digits and hyphens, for example "
            "`restart-service`."
        ),
    ]
    name: Annotated[str, Meta(description="Its name.")]
    description: Annotated[str, Meta(description="What it is for.")] = ""
    trigger: Annotated[
        WorkflowTrigger | None, Meta(description="The trigger that starts it; null if it is only started manually.")
    ] = None
    inputs: Annotated[
        tuple[WorkflowInput, ...], Meta(description="The inputs of a run, in the order of a form; at most 50.")
    ] = ()
    steps: Annotated[
        tuple[WorkflowStep, ...], Meta(description="The steps, at most 100; a step waits for those it depends on.")
    ] = ()
    configuration_item_ids: Annotated[
        tuple[ConfigurationItemId, ...],
        Meta(description="The configuration items that it is intended for, at most 500."),
    ] = ()


class WorkflowCommand(Struct, frozen=True, kw_only=True):
    """The fields that all commands for one revision share."""

    id: WorkflowId
    expected_version: ExpectedVersion


class UpdateWorkflow(WorkflowCommand, frozen=True, kw_only=True):
    """New values of a draft. Omitted fields stay unchanged; a given trigger or list replaces the current one."""

    name: Annotated[str | UnsetType | None, Meta(description="Its name.")] = UNSET
    description: Annotated[str | UnsetType | None, Meta(description="What it is for.")] = UNSET
    trigger: Annotated[
        WorkflowTrigger | UnsetType | None,
        Meta(description="The trigger that starts it; null if it is only started manually."),
    ] = UNSET
    inputs: Annotated[
        tuple[WorkflowInput, ...] | UnsetType | None,
        Meta(description="The inputs of a run, in the order of a form; at most 50."),
    ] = UNSET
    steps: Annotated[tuple[WorkflowStep, ...] | UnsetType | None, Meta(description="The steps, at most 100.")] = UNSET
    configuration_item_ids: Annotated[
        tuple[ConfigurationItemId, ...] | UnsetType | None,
        Meta(description="The configuration items that it is intended for, at most 500."),
    ] = UNSET


class PublishWorkflow(WorkflowCommand, frozen=True, kw_only=True):
    """The draft to publish."""


class RetireWorkflow(WorkflowCommand, frozen=True, kw_only=True):
    """The published revision to retire."""


class DiscardWorkflow(WorkflowCommand, frozen=True, kw_only=True):
    """The draft to discard."""


class ReviseWorkflow(WorkflowCommand, frozen=True, kw_only=True):
    """The revision to copy to a new draft."""


async def create(write: Write, command: CreateWorkflow) -> Sequence[str]:
    """Return the draft's id. It may have problems until it is published, but its parts must be well-formed."""
    if not is_key(command.key):
        message = f"{command.key!r} is not a valid key; use at most 64 small letters, digits and hyphens"
        raise validation.invalid("key", f"{message}, such as restart-service")
    record = _draft(command.key, validation.require_name(command.name, "name"), command.description)
    record = structs.replace(record, trigger=trigger_data(command.trigger), inputs=inputs_data(command.inputs))
    steps = new_steps(command.steps)
    items = await validation.require_items(write.transaction, command.configuration_item_ids, "configuration_item_ids")
    return [await _insert(write, record, steps, items)]


async def revise(write: Write, command: ReviseWorkflow) -> Sequence[str]:
    """Return the id of a new draft, the next revision of the key with the same contents."""
    before, _ = await _lock(write, command, "reviseWorkflow")
    steps = [_copy_step(step) for step in await rows.fetch_steps(write.transaction, before.id)]
    items = await rows.fetch_items(write.transaction, before.id)
    draft = _draft(before.key, before.name, before.description)
    draft = structs.replace(draft, trigger=before.trigger, inputs=before.inputs)
    return [await _insert(write, draft, steps, items)]


async def update(write: Write, command: UpdateWorkflow) -> Sequence[str]:
    """Update the draft."""
    before, _ = await _lock(write, command, "updateWorkflow")
    after = structs.replace(
        before,
        name=validation.require_name(validation.or_current(command.name, before.name, "name"), "name"),
        description=validation.or_current(command.description, before.description, "description"),
        trigger=before.trigger if command.trigger is UNSET else trigger_data(command.trigger),
        inputs=before.inputs
        if command.inputs is UNSET
        else inputs_data(validation.or_current(command.inputs, (), "inputs")),
    )
    was = await _workflow_snapshot(write, before)
    if command.steps is not UNSET:
        steps = new_steps(validation.or_current(command.steps, (), "steps"))
        await _require_unused(write, before, "its steps")
        await rows.replace_steps(write.transaction, before.id, steps)
        write.tables.add(STEPS)
    if command.configuration_item_ids is not UNSET:
        ids = validation.or_current(command.configuration_item_ids, (), "configuration_item_ids")
        items = await validation.require_items(write.transaction, ids, "configuration_item_ids")
        await rows.replace_items(write.transaction, before.id, items)
        write.tables.add(LINKS)
    record = await rows.update(write.transaction, after)
    write.record_change(TABLE, ENTITY, record.id, was, await _workflow_snapshot(write, record))
    return [record.id]


async def publish(write: Write, command: PublishWorkflow) -> Sequence[str]:
    """Publish the revision and retire the published one of its key, whose runs continue. Refused with all problems of
    the definition."""
    # Taken first: while waiting for it, this write must hold no row that the holder needs.
    await rows.lock_publishing(write.transaction)
    before, _ = await _lock(write, command, "publishWorkflow")
    steps = await rows.fetch_steps(write.transaction, before.id)
    problems = await find_publication_problems(write.transaction, [(before, steps)])
    if errors := problems[before.id]:
        raise ValidationFailed(*errors)
    for old in await rows.lock_published(write.transaction, before.key):
        await _in_state(write, old, RETIRED)
    await rows.write_publisher(write.transaction, before.id, caller_id(write.context), write.context.scope)
    return [await _in_state(write, before, PUBLISHED)]


async def retire(write: Write, command: RetireWorkflow) -> Sequence[str]:
    """Retire the revision. Its runs continue; no new ones start."""
    before, _ = await _lock(write, command, "retireWorkflow")
    return [await _in_state(write, before, RETIRED)]


async def discard(write: Write, command: DiscardWorkflow) -> Sequence[str]:
    """Return the id of the deleted draft."""
    before, _ = await _lock(write, command, "discardWorkflow")
    await _require_unused(write, before, "the draft")
    snapshot = await _workflow_snapshot(write, before)
    await rows.delete(write.transaction, before.id)
    write.tables |= {STEPS, LINKS}
    write.record_change(TABLE, ENTITY, before.id, snapshot, None)
    return [before.id]


def _draft(key: str, name: str, description: str) -> WorkflowRecord:
    return WorkflowRecord(
        id=str(uuid7()), key=key, revision=0, name=name, description=description, state=DRAFT, trigger={}, version=1,
        updated_at=datetime.now(UTC), inputs=[],
    )  # fmt: skip


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
    current = await rows.lock(write.transaction, command.id)
    record = validation.require_version(current, "workflow", command.expected_version)
    try:
        return record, STATE_MACHINE.require_transition(name, record.state)
    except ValidationFailed as refused:
        [error] = refused.errors
        message = f"{error.message}; create the next revision with reviseWorkflow and change that"
        raise ValidationFailed(UserError(error.code, error.field, message)) from refused


async def _require_unused(write: Write, record: WorkflowRecord, what: str) -> None:
    if await rows.is_used(write.transaction, record.id):
        message = f"there are runs of this revision, so {what} must stay; create the next revision with reviseWorkflow"
        raise ValidationFailed(UserError(UserErrorCode.ILLEGAL_STATE, None, message))


def _copy_step(step: WorkflowStepRecord) -> rows.NewStep:
    return rows.NewStep(
        key=step.key, name=step.name, kind=step.kind, depends_on=step.depends_on, configuration=step.configuration
    )


async def _workflow_snapshot(write: Write, record: WorkflowRecord) -> dict[str, Any]:
    """Return a revision as columns for an audit entry, with its steps and linked items."""
    steps = await rows.fetch_steps(write.transaction, record.id)
    columns = [{name: value for name, value in structs.asdict(step).items() if name != "workflow_id"} for step in steps]
    more = {"steps": to_builtins(columns), "items": await rows.fetch_items(write.transaction, record.id)}
    return _columns(record) | more


def _columns(record: WorkflowRecord) -> dict[str, Any]:
    plain: dict[str, Any] = to_builtins(structs.asdict(record))
    return plain
