"""Events of workflow steps: what a machine tells of an attempt that it was asked for by a message."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from datasources.aurora.workflow_runs import writes as rows
from datasources.records.workflow_runs import WorkflowStepRunRecord, WorkflowStepRunState
from datasources.records.workflows import WorkflowStepKind
from resolvers import validation as rules
from resolvers.events.event import Event
from resolvers.unit_of_work import UserError, UserErrorCode, ValidationFailed, Write, is_same_json
from resolvers.workflow_runs import engine
from resolvers.workflow_runs import use_cases as running
from resolvers.workflow_runs.state_machine import LIVE_STATES
from resolvers.workflows.definition import InvalidDefinition

Id = Annotated[str, Meta(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", description="The id of the message.")]


class StepFinished(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An attempt is over. `outcome` is for later steps to look at, at most 64 KB as JSON."""

    id: Id
    state: Literal["SUCCEEDED", "FAILED"]
    outcome: dict[str, Any] = {}
    # Why it failed.
    reason: Annotated[str, Meta(max_length=4_000)] = ""


async def handle_finished(write: Write, data: StepFinished, _: Event) -> Sequence[str]:
    """The run goes on. Refused for an attempt that nobody waits for any more; the same result again is none."""
    outcome = running.validate_outcome(data.outcome)
    run_id = await rows.find_run_of_attempt(write.transaction, data.id)
    run = None if run_id is None else await rows.lock(write.transaction, run_id, write.context.scope)
    if run is None:
        raise rules.not_found("id", f"no attempt at a step has the id {data.id}; send the id of the message")
    try:
        under_way = await engine.load_run(write, run, datetime.now(UTC))
    except InvalidDefinition as unreadable:
        raise _illegal(f"{run.number} cannot go on: its workflow cannot be read: {unreadable}") from unreadable
    [attempt] = [each for each in under_way.machine.attempts if each.id == data.id]
    step = under_way.machine.step_of(attempt)
    named = f"attempt {attempt.attempt} at step {step.key} of {run.number}"
    if step.kind != WorkflowStepKind.REMEDIATION:
        raise _illegal(f"{named} is {step.kind.lower()}; only remediations are reported by events")
    if attempt.state is not WorkflowStepRunState.RUNNING or run.state not in LIVE_STATES:
        if _is_duplicate(attempt, data):
            return []
        # What people wrote about a restricted incident is for no letter that others read.
        tells = attempt.reason and not (under_way.facts.incident and under_way.facts.incident.is_restricted)
        why = f": {attempt.reason}" if tells else ""
        raise _illegal(f"{named} is {attempt.state} already{why}; a result that comes later changes nothing")
    if data.state == "SUCCEEDED":
        under_way.machine.succeed(attempt, outcome)
    else:
        under_way.machine.fail(attempt, data.reason or "its executor gave no reason", outcome)
    return [(await engine.advance_run(write, under_way)).id]


def _is_duplicate(attempt: WorkflowStepRunRecord, data: StepFinished) -> bool:
    if attempt.state != data.state or not is_same_json(attempt.outcome, data.outcome):
        return False
    return data.state == "SUCCEEDED" or attempt.reason == (data.reason or "its executor gave no reason")


def _illegal(message: str) -> ValidationFailed:
    return ValidationFailed(UserError(UserErrorCode.ILLEGAL_STATE, None, message))
