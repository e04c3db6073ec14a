"""Runs started: the one door, for clients and for triggers."""

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
from resolvers import validation as rules
from resolvers.unit_of_work import UserError, UserErrorCode, ValidationFailed, Write, caller_id
from resolvers.validation import attributes_violation
from resolvers.workflow_runs import engine
from resolvers.workflows.definition import Definition, InvalidDefinition, parse_definition

# Bytes of all inputs of a run, as JSON.
MAX_INPUT_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class StartRequest:
    """A run that somebody wants: of a revision, for an incident, on an item, with inputs by name.

    `requested_by` is KIND:subject, the caller where it is empty. `trigger_key` names what a run is wanted for
    automatically: there is at most one for it. `cause_run_id` is the run that led to this one.
    """

    workflow_id: str
    incident_id: str | None = None
    configuration_item_id: str | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict)
    requested_by: str = ""
    trigger_key: str | None = None
    cause_run_id: str | None = None
    # Who stands behind it, as KIND:subject; the caller where a client starts it.
    initiators: tuple[str, ...] = ()


async def start(write: Write, starting: StartRequest, now: datetime | None = None) -> str | None:
    """The new run's id, with its first steps begun; None if the trigger key had its run.

    Refused for a workflow that is unknown, not published or not readable, for an incident that the caller may not see,
    an item that is not there, and inputs that are missing or that the workflow does not know.
    """
    moment = now or datetime.now(UTC)
    definition = await _definition(write, starting.workflow_id)
    inputs = _inputs(definition, starting.inputs)
    incident = await _incident(write, starting.incident_id)
    if incident is not None and not incident.is_visible_to(
        await rows.fetch_publisher_scope(write.transaction, definition.id)
    ):
        message = "whoever published the workflow may not see this incident; let somebody publish it who may"
        raise rules.invalid("workflowId", message)
    if starting.configuration_item_id is not None:
        await rules.require_items(write.transaction, [starting.configuration_item_id], "configurationItemId")
    run = await rows.insert(
        write.transaction,
        {
            "id": str(uuid7()),
            "workflow_id": definition.id,
            "incident_id": starting.incident_id,
            "configuration_item_id": starting.configuration_item_id,
            "user_key": rules.user_key(write),
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
        raise rules.not_found("workflowId", "there is no such workflow; see `workflows`")
    _require_published(workflow)
    try:
        return parse_definition(workflow, await rows.fetch_steps(write.transaction, workflow_id))
    except InvalidDefinition as unreadable:
        message = f"the workflow cannot be run; put {unreadable.path} right in a new revision: {unreadable.reason}"
        raise rules.invalid("workflowId", message) from unreadable


def _require_published(workflow: WorkflowRecord) -> None:
    if workflow.state != WorkflowState.PUBLISHED:
        message = f"the workflow is in state {workflow.state}; only a PUBLISHED one can be started"
        raise ValidationFailed(UserError(UserErrorCode.ILLEGAL_STATE, "workflowId", message))


def _inputs(definition: Definition, given: Mapping[str, Any]) -> dict[str, Any]:
    known = {each.name: each for each in definition.inputs}
    errors: list[UserError] = []
    for name in sorted(given.keys() - known.keys()):
        message = f"the workflow knows no input {name!r}; it knows {', '.join(sorted(known)) or 'none at all'}"
        errors.append(UserError(UserErrorCode.INVALID, "inputs", message))
    for name in sorted(known.keys() - given.keys()):
        if known[name].default is UNSET:
            errors.append(UserError(UserErrorCode.INVALID, "inputs", f"the input {name} is missing; give it a value"))
    if errors:
        raise ValidationFailed(*errors)
    inputs = {each.name: given.get(each.name, each.default) for each in definition.inputs}
    if reason := attributes_violation(inputs):
        raise rules.invalid("inputs", reason.replace("attributes", "inputs"))
    if len(msgspec.json.encode(inputs)) > MAX_INPUT_BYTES:
        raise rules.invalid("inputs", f"the inputs have more than {MAX_INPUT_BYTES:,} bytes; refer to what is large")
    return inputs


async def _incident(write: Write, id: str | None) -> IncidentContext | None:
    if id is None:
        return None
    found = await rows.fetch_incident(write.transaction, id, write.context.scope)
    if found is None:
        raise rules.not_found("incidentId", "there is no such incident; see `incidents`")
    return found
