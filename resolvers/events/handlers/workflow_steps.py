"""Events of workflow steps: an executor reports the result of an attempt that it received by a message."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from datasources.aurora.workflow_runs import writes as rows
from datasources.records.workflow_runs import WorkflowStepRunRecord, WorkflowStepRunState
from datasources.records.workflows import WorkflowStepKind
from resolvers import validation
from resolvers.events.event import Event
from resolvers.unit_of_work import UserError, UserErrorCode, ValidationFailed, Write, is_same_json
from resolvers.workflow_runs import engine, use_cases
from resolvers.workflow_runs.state_machine import LIVE_STATES
from resolvers.workflows.definition import InvalidDefinition

Id = Annotated[str, Meta(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", description="The id of the message.")]


class StepFinished(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An attempt is finished. Later steps can read `outcome`, at most 64 KB as JSON."""

    id: Id
    state: Literal["SUCCEEDED", "FAILED"]
    outcome: dict[str, Any] = {}
    # The reason of a failure.
    reason: Annotated[str, Meta(max_length=4_000)] = ""


async def handle_finished(write: Write, data: StepFinished, _: Event) -> Sequence[str]:
    """Record the result and continue the run. Refused if the attempt is not running; a repeated result is ignored."""
    outcome = use_cases.validate_outcome(data.outcome)
    run_id = await rows.find_run_of_attempt(write.transaction, data.id)
    run = None if run_id is None else await rows.lock(write.transaction, run_id, write.context.scope)
    if run is None:
        raise validation.not_found("id", f"no attempt has the id {data.id}; send the id of the message")
    try:
        running_run = await engine.load_run(write, run, datetime.now(UTC))
    except InvalidDefinition as unreadable:
        raise _illegal(f"{run.number} cannot continue: its workflow is invalid: {unreadable}") from unreadable
    [attempt] = [each for each in running_run.machine.attempts if each.id == data.id]
    step = running_run.machine.step_of(attempt)
    named = f"attempt {attempt.attempt} at step {step.key} of {run.number}"
    if step.kind != WorkflowStepKind.REMEDIATION:
        raise _illegal(f"{named} is {step.kind.lower()}; only remediations are reported by events")
    if attempt.state is not WorkflowStepRunState.RUNNING or run.state not in LIVE_STATES:
        if _is_duplicate(attempt, data):
            return []
        # People's notes about a restricted incident must not reach dead letters, which others read.
        show_reason = attempt.reason and not (running_run.facts.incident and running_run.facts.incident.is_restricted)
        why = f": {attempt.reason}" if show_reason else ""
        raise _illegal(f"{named} is already {attempt.state}{why}; a later result changes nothing")
    if data.state == "SUCCEEDED":
        running_run.machine.succeed(attempt, outcome)
    else:
        running_run.machine.fail(attempt, data.reason or "its executor gave no reason", outcome)
    return [(await engine.advance_run(write, running_run)).id]


def _is_duplicate(attempt: WorkflowStepRunRecord, data: StepFinished) -> bool:
    if attempt.state != data.state or not is_same_json(attempt.outcome, data.outcome):
        return False
    return data.state == "SUCCEEDED" or attempt.reason == (data.reason or "its executor gave no reason")


def _illegal(message: str) -> ValidationFailed:
    return ValidationFailed(UserError(UserErrorCode.ILLEGAL_STATE, None, message))
