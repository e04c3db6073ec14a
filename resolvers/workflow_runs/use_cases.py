"""Runs as people lead them: started, approved, done by hand, and called off."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct

from datasources.aurora.workflow_runs import triggers
from datasources.aurora.workflow_runs import writes as rows
from datasources.records.workflow_runs import LockedRunRecord, WorkflowDecision, WorkflowStepRunRecord
from datasources.records.workflows import WorkflowStepKind
from resolvers import validation as rules
from resolvers.principals.principal import PrincipalKind, identity, is_person
from resolvers.unit_of_work import UserError, UserErrorCode, ValidationFailed, Write, caller_id
from resolvers.validation import attributes_violation
from resolvers.workflow_runs import engine
from resolvers.workflow_runs import start as starting
from resolvers.workflow_runs.engine import LoadedRun
from resolvers.workflow_runs.start import StartRequest
from resolvers.workflow_runs.state_machine import FORWARD_STATES, LIVE_STATES
from resolvers.workflows.definition import Approval, InvalidDefinition, Manual, Step

# Bytes of what came of a step, as JSON; characters of a comment or a reason.
MAX_OUTCOME_BYTES = 65_536
MAX_TEXT_LENGTH = 4_000

# What each kind of step that waits for a person can be told.
ALLOWED_MUTATIONS = {
    WorkflowStepKind.APPROVAL: "approveWorkflowStep, rejectWorkflowStep",
    WorkflowStepKind.MANUAL: "completeWorkflowStep, failWorkflowStep",
}


class StartWorkflow(Struct, frozen=True, kw_only=True):
    """A run that somebody wants: of a revision, or of the newest published one of a key."""

    workflow_id: str | None = None
    workflow_key: str | None = None
    incident_id: str | None = None
    configuration_item_id: str | None = None
    inputs: Any = None


class RunCommand(Struct, frozen=True, kw_only=True):
    """Something about a run. Without an expected version it is done at whatever version the run is."""

    run_id: str
    expected_version: int | None = None


class ApproveWorkflowStep(RunCommand, frozen=True, kw_only=True):
    """A yes."""

    step: str
    comment: str = ""


class RejectWorkflowStep(ApproveWorkflowStep, frozen=True, kw_only=True):
    """A no."""


class CompleteWorkflowStep(RunCommand, frozen=True, kw_only=True):
    """A step was done by hand, and what came of it."""

    step: str
    outcome: Any = None


class FailWorkflowStep(RunCommand, frozen=True, kw_only=True):
    """A step could not be done by hand, and why."""

    step: str
    reason: str


class CancelWorkflowRun(RunCommand, frozen=True, kw_only=True):
    """A run is called off, and why."""

    reason: str


async def start(write: Write, command: StartWorkflow) -> Sequence[str]:
    """The new run's id."""
    if (command.workflow_id is None) == (command.workflow_key is None):
        raise rules.invalid("workflowKey", "give either workflowId or workflowKey")
    workflow_id = command.workflow_id
    if command.workflow_key is not None:
        found = await rows.fetch_published_workflow(write.transaction, command.workflow_key)
        if found is None:
            raise rules.not_found("workflowKey", "no workflow of this key is published; see `workflows`")
        workflow_id = found.id
    inputs = {} if command.inputs is None else command.inputs
    if not isinstance(inputs, dict):
        raise rules.invalid("inputs", 'inputs are an object, for example {"size": 3}')
    assert workflow_id is not None  # noqa: S101
    wanted = StartRequest(workflow_id, command.incident_id, command.configuration_item_id, inputs)
    id = await starting.start(write, wanted)
    return [] if id is None else [id]


async def approve(write: Write, command: ApproveWorkflowStep) -> Sequence[str]:
    """A yes of the caller. With enough of them the step is over."""
    running, step, attempt = await _require_open_step(write, command, command.step, WorkflowStepKind.APPROVAL)
    wanted = await _record_decision(write, running, step, attempt, WorkflowDecision.APPROVED, command.comment)
    approvers = await rows.fetch_approvers(write.transaction, attempt.id)
    if len(approvers) >= wanted.approvals:
        running.machine.succeed(attempt, {"approvedBy": approvers})
    running.notes.append(("Workflow step approved", f"{_named(running, step)} by {caller_id(write.context)}"))
    return [(await engine.advance_run(write, running)).id]


async def reject(write: Write, command: RejectWorkflowStep) -> Sequence[str]:
    """A no of the caller. One is enough, and nobody is asked again."""
    running, step, attempt = await _require_open_step(write, command, command.step, WorkflowStepKind.APPROVAL)
    await _record_decision(write, running, step, attempt, WorkflowDecision.REJECTED, command.comment)
    running.machine.fail(attempt, f"rejected by {caller_id(write.context)}", again=False)
    running.notes.append(("Workflow step rejected", f"{_named(running, step)} by {caller_id(write.context)}"))
    return [(await engine.advance_run(write, running)).id]


async def complete(write: Write, command: CompleteWorkflowStep) -> Sequence[str]:
    """A step done by hand."""
    outcome = validate_outcome(command.outcome)
    running, step, attempt = await _require_open_step(write, command, command.step, WorkflowStepKind.MANUAL)
    _require_team_member(write, step)
    running.machine.succeed(attempt, outcome)
    running.notes.append(("Workflow step done", _named(running, step)))
    return [(await engine.advance_run(write, running)).id]


async def fail(write: Write, command: FailWorkflowStep) -> Sequence[str]:
    """A step that could not be done by hand. It may be tried again, as its workflow says."""
    reason = _require_length(rules.require_text(command.reason, "reason"), "reason")
    running, step, attempt = await _require_open_step(write, command, command.step, WorkflowStepKind.MANUAL)
    _require_team_member(write, step)
    running.machine.fail(attempt, reason)
    running.notes.append(("Workflow step failed", _named(running, step)))
    return [(await engine.advance_run(write, running)).id]


async def cancel(write: Write, command: CancelWorkflowRun) -> Sequence[str]:
    """A run called off; what it had done is undone."""
    reason = _require_length(rules.require_text(command.reason, "reason"), "reason")
    run = await _lock(write, command)
    if run.state not in FORWARD_STATES:
        legal = "wait until it is over" if run.state in LIVE_STATES else "it is over"
        raise _illegal(f"{run.number} is {run.state} and cannot be cancelled any more; {legal}")
    running = await _load_run(write, run)
    running.machine.cancel(reason)
    return [(await engine.advance_run(write, running)).id]


def validate_outcome(value: Any, error: Callable[[str, str], Exception] = rules.invalid) -> dict[str, Any]:
    """What came of a step, as it is kept. `error` makes what is raised for what cannot be kept."""
    outcome = {} if value is None else value
    if reason := attributes_violation(outcome):
        raise error("outcome", reason.replace("attributes", "outcomes"))
    if len(msgspec.json.encode(outcome)) > MAX_OUTCOME_BYTES:
        raise error("outcome", f"the outcome has more than {MAX_OUTCOME_BYTES:,} bytes; refer to what is large")
    fit: dict[str, Any] = outcome
    return fit


async def _lock(write: Write, command: RunCommand) -> LockedRunRecord:
    run = await rows.lock(write.transaction, command.run_id, write.context.scope)
    if run is None:
        raise rules.not_found("runId", "there is no such run; pass the id of one that you can read")
    if command.expected_version is not None and command.expected_version != run.version:
        message = f"it is at version {run.version} now; look at it again and repeat the call with that version"
        raise ValidationFailed(UserError(UserErrorCode.CONFLICT, "expectedVersion", message), id=run.id)
    return run


async def _load_run(write: Write, run: LockedRunRecord) -> LoadedRun:
    try:
        return await engine.load_run(write, run, datetime.now(UTC))
    except InvalidDefinition as unreadable:
        raise _illegal(f"{run.number} cannot go on: its workflow cannot be read: {unreadable}") from unreadable


async def _require_open_step(
    write: Write, command: RunCommand, key: str, kind: WorkflowStepKind
) -> tuple[LoadedRun, Step, WorkflowStepRunRecord]:
    run = await _lock(write, command)
    if run.state not in LIVE_STATES:
        raise _illegal(f"{run.number} is {run.state}; nothing can be done in it any more")
    running = await _load_run(write, run)
    steps = {step.key: step for step in running.definition.steps}
    if key not in steps:
        raise rules.not_found("step", f"{run.number} has no such step; its steps are {', '.join(steps)}")
    found = running.open_attempt(key)
    if found is None or steps[key].kind != kind:
        raise _illegal(
            f"step {key} of {run.number} waits for no {kind.lower()}; waiting: {_allowed_mutations(running)}"
        )
    return running, *found


def _allowed_mutations(running: LoadedRun) -> str:
    waiting = [
        f"{step.key} ({ALLOWED_MUTATIONS[step.kind]})"
        for step in running.definition.steps
        if step.kind in ALLOWED_MUTATIONS and running.open_attempt(step.key) is not None
    ]
    return ", ".join(waiting) or "no step at all"


async def _record_decision(
    write: Write,
    running: LoadedRun,
    step: Step,
    attempt: WorkflowStepRunRecord,
    decision: WorkflowDecision,
    comment: str,
) -> Approval:
    wanted, who, principal = step.configuration, caller_id(write.context), write.context.principal
    assert isinstance(wanted, Approval)  # noqa: S101
    if wanted.four_eyes:
        await _require_four_eyes(write, running.before.id)
    if not _is_one_of(write, wanted.team, wanted.users):
        named = [*((f"the team {wanted.team}",) if wanted.team else ()), *wanted.users]
        raise rules.invalid("step", f"it is for {' or '.join(named)} to decide; ask one of them")
    key, one = rules.user_key(write), identity(principal.actor)
    words, now = _require_length(comment, "comment"), running.machine.now
    if not await rows.insert_approval(write.transaction, attempt.id, decision, words, who, one, key, now):
        raise rules.invalid("step", "you have decided about it already; somebody else is asked for the next decision")
    write.tables.add(engine.APPROVALS_TABLE)
    running.touched = True
    return wanted


async def _require_four_eyes(write: Write, run_id: str) -> None:
    """Refused for programs, and for whoever asked for the run or caused it, by whichever key or token."""
    principal = write.context.principal
    if not is_person(principal.kind):
        message = "a program may not decide where four eyes are asked for; let a person decide with their own token"
        raise rules.invalid("step", message)
    behind = await triggers.fetch_initiators(write.transaction, run_id)
    if identity(principal.actor) in {identity(each) for each in behind}:
        raise rules.invalid("step", "you asked for this run, or caused it; somebody else must decide about it")


def _require_team_member(write: Write, step: Step) -> None:
    assert isinstance(step.configuration, Manual)  # noqa: S101
    team = step.configuration.team
    if not _is_one_of(write, team, ()):
        raise rules.invalid("step", f"it is for the team {team} to do; ask somebody of it")


def _is_one_of(write: Write, team: str | None, users: Sequence[str]) -> bool:
    # On a laptop there is nobody else to ask.
    if write.context.principal.kind == PrincipalKind.DEVELOPMENT or (team is None and not users):
        return True
    return team in write.context.scope.team_keys or rules.user_key(write) in users


def _require_length(text: str, field: str) -> str:
    if len(text) > MAX_TEXT_LENGTH:
        raise rules.invalid(field, f"{field} has {len(text):,} characters; use at most {MAX_TEXT_LENGTH:,}")
    return text


def _named(running: LoadedRun, step: Step) -> str:
    return f"{step.key} of {running.definition.name} ({running.before.number})"


def _illegal(message: str) -> ValidationFailed:
    return ValidationFailed(UserError(UserErrorCode.ILLEGAL_STATE, None, message))
