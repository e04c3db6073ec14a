"""Start runs, for clients and for triggers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import UNSET
from uuid_utils import uuid7

from datasources.aurora.workflow_runs import writes as rows
from datasources.aurora.workflow_runs.schedule import request_blast_radius
from datasources.aurora.workflow_runs.writes import IncidentContext
from datasources.records.workflows import WorkflowRecord, WorkflowState
from resolvers import validation
from resolvers.unit_of_work import UserError, UserErrorCode, ValidationFailed, Write, caller_id
from resolvers.validation import attributes_violation
from resolvers.workflow_runs import engine
from resolvers.workflows.definition import Definition, InvalidDefinition, parse_definition

# Maximum size of all inputs of a run, in bytes of JSON.
MAX_INPUT_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class StartRequest:
    """Request to start a run: of a revision, for an incident, on an item, with inputs by name.

    `requested_by` is KIND:subject, by default the caller. `trigger_key` identifies the reason of an automatic run:
    there is at most one run for it. `cause_run_id` is the run that caused this one.
    """

    workflow_id: str
    incident_id: str | None = None
    configuration_item_id: str | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict)
    requested_by: str = ""
    trigger_key: str | None = None
    cause_run_id: str | None = None
    # The responsible principals as KIND:subject; the caller if a client starts the run.
    initiators: tuple[str, ...] = ()


async def start(write: Write, starting: StartRequest, now: datetime | None = None) -> str | None:
    """Return the new run's id, after starting its first steps; None if a run with the trigger key exists.

    Refused for a workflow that is unknown, unpublished or invalid, for an incident that the caller cannot see, an item
    that does not exist, and inputs that are missing or unknown.
    """
    moment = now or datetime.now(UTC)
    definition = await _definition(write, starting.workflow_id)
    inputs = _inputs(definition, starting.inputs)
    incident = await _incident(write, starting.incident_id)
    if incident is not None and not incident.is_visible_to(
        await rows.fetch_publisher_scope(write.transaction, definition.id)
    ):
        message = "the publisher of the workflow cannot see this incident; a person who can must publish it"
        raise validation.invalid("workflow_id", message)
    if starting.configuration_item_id is not None:
        await validation.require_items(write.transaction, [starting.configuration_item_id], "configuration_item_id")
    run = await rows.insert(
        write.transaction,
        {
            "id": str(uuid7()),
            "workflow_id": definition.id,
            "incident_id": starting.incident_id,
            "configuration_item_id": starting.configuration_item_id,
            "user_key": validation.user_key(write),
            "started_at": moment,
            "requested_by": starting.requested_by or caller_id(write.context),
            "request_id": write.context.request.request_id,
            "trigger_key": starting.trigger_key,
            "cause_run_id": starting.cause_run_id,
            "priority": None if incident is None else incident.priority,
            "inputs": inputs,
            "initiators": list(starting.initiators) or [write.context.principal.actor],
        },
    )
    if run is None:
        return None
    restricted = incident is not None and incident.is_restricted
    write.record_change(engine.TABLE, engine.ENTITY, run.id, None, engine.run_snapshot(run, restricted=restricted))
    if run.incident_id is not None or run.configuration_item_id is not None:
        await request_blast_radius(write.transaction, run.id)
    running = await engine.load_run(write, run, moment)
    await engine.append_note(write, run, "Workflow started", f"{definition.name} ({run.number})")
    await engine.advance_run(write, running)
    return run.id


async def _definition(write: Write, workflow_id: str) -> Definition:
    workflow = await rows.fetch_workflow(write.transaction, workflow_id)
    if workflow is None:
        raise validation.not_found("workflow_id", "there is no workflow with this id; see `workflows`")
    _require_published(workflow)
    try:
        return parse_definition(workflow, await rows.fetch_steps(write.transaction, workflow_id))
    except InvalidDefinition as unreadable:
        message = f"the workflow cannot be run; correct {unreadable.path} in a new revision: {unreadable.reason}"
        raise validation.invalid("workflow_id", message) from unreadable


def _require_published(workflow: WorkflowRecord) -> None:
    if workflow.state != WorkflowState.PUBLISHED:
        message = f"the workflow is in state {workflow.state}; only a PUBLISHED workflow can be started"
        raise ValidationFailed(UserError(UserErrorCode.ILLEGAL_STATE, "workflow_id", message))


def _inputs(definition: Definition, values: Mapping[str, Any]) -> dict[str, Any]:
    known = {each.name: each for each in definition.inputs}
    errors: list[UserError] = []
    for name in sorted(values.keys() - known.keys()):
        message = f"the workflow has no input {name!r}; its inputs are {', '.join(sorted(known)) or 'none'}"
        errors.append(UserError(UserErrorCode.INVALID, "inputs", message))
    for name in sorted(known.keys() - values.keys()):
        if known[name].default is UNSET:
            errors.append(UserError(UserErrorCode.INVALID, "inputs", f"the input {name} is missing; set a value"))
    if errors:
        raise ValidationFailed(*errors)
    inputs = {each.name: values.get(each.name, each.default) for each in definition.inputs}
    if reason := attributes_violation(inputs):
        raise validation.invalid("inputs", reason.replace("attributes", "inputs"))
    if len(msgspec.json.encode(inputs)) > MAX_INPUT_BYTES:
        raise validation.invalid("inputs", f"the inputs have more than {MAX_INPUT_BYTES:,} bytes; refer to large data")
    return inputs


async def _incident(write: Write, id: str | None) -> IncidentContext | None:
    if id is None:
        return None
    incident = await rows.fetch_incident(write.transaction, id, write.context.scope)
    if incident is None:
        raise validation.not_found("incident_id", "there is no incident with this id; see `incidents`")
    return incident
