"""Use cases of runs for callers: start, approve, reject, complete, fail and cancel."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from datasources.aurora.workflow_runs import triggers
from datasources.aurora.workflow_runs import writes as rows
from datasources.records.workflow_runs import LockedRunRecord, WorkflowDecision, WorkflowStepRunRecord
from datasources.records.workflows import WorkflowStepKind
from resolvers import validation
from resolvers.commands import ConfigurationItemId, IncidentId, WorkflowId, WorkflowRunId
from resolvers.principals.principal import PrincipalKind, identity, is_person
from resolvers.unit_of_work import UserError, UserErrorCode, ValidationFailed, Write, caller_id
from resolvers.validation import attributes_violation
from resolvers.workflow_runs import engine
from resolvers.workflow_runs import start as run_start
from resolvers.workflow_runs.engine import LoadedRun
from resolvers.workflow_runs.start import StartRequest
from resolvers.workflow_runs.state_machine import FORWARD_STATES, LIVE_STATES
from resolvers.workflows.definition import Approval, InvalidDefinition, Manual, Step

# In bytes of JSON, for the outcome of a step.
MAX_OUTCOME_BYTES = 65_536
# In characters, for a comment or a reason.
MAX_TEXT_LENGTH = 4_000

# The mutations for each kind of step that waits for a person.
ALLOWED_MUTATIONS = {
    WorkflowStepKind.APPROVAL: "approveWorkflowStep, rejectWorkflowStep",
    WorkflowStepKind.MANUAL: "completeWorkflowStep, failWorkflowStep",
}


class StartWorkflow(Struct, frozen=True, kw_only=True):
    """The workflow to start: give `workflowId` or `workflowKey`."""

    workflow_id: Annotated[WorkflowId | None, Meta(description="The published revision.")] = None
    workflow_key: Annotated[
        str | None, Meta(description="The key of a workflow; its newest published revision runs.")
    ] = None
    incident_id: Annotated[
        IncidentId | None, Meta(description="The incident of the run. The run gets its priority.")
    ] = None
    configuration_item_id: Annotated[
        ConfigurationItemId | None, Meta(description="The configuration item of the run.")
    ] = None
    inputs: Annotated[
        Any, Meta(description='The inputs of the workflow by name, for example `{"size": 3}`; at most 64 KB.')
    ] = None


class RunCommand(Struct, frozen=True, kw_only=True):
    """Base of commands on a run. Without an expected version it applies to any version of the run."""

    run_id: Annotated[WorkflowRunId, Meta(description="The run's global id.")]
    expected_version: Annotated[
        int | None,
        Meta(
            description="The version that you last read; if the current version differs, the error is CONFLICT. If "
            "omitted, any version."
        ),
    ] = None


class RunStepCommand(RunCommand, frozen=True, kw_only=True):
    """The fields that all commands for one step of a run share."""

    step: Annotated[str, Meta(description="The step's key, for example `agree`.")]


class ApproveWorkflowStep(RunStepCommand, frozen=True, kw_only=True):
    """The approval of a step that waits for it."""

    comment: Annotated[str, Meta(description="The reason, at most 4,000 characters.")] = ""


class RejectWorkflowStep(ApproveWorkflowStep, frozen=True, kw_only=True):
    """The rejection of a step that waits for an approval."""


class CompleteWorkflowStep(RunStepCommand, frozen=True, kw_only=True):
    """The manual step to complete."""

    outcome: Annotated[Any, Meta(description="The outcome, an object that later steps can read; at most 64 KB.")] = None


class FailWorkflowStep(RunStepCommand, frozen=True, kw_only=True):
    """The manual step that failed."""

    reason: Annotated[str, Meta(description="The reason, at most 4,000 characters.")]


class CancelWorkflowRun(RunCommand, frozen=True, kw_only=True):
    """The run to cancel."""

    reason: Annotated[str, Meta(description="The reason, at most 4,000 characters.")]


async def start(write: Write, command: StartWorkflow) -> Sequence[str]:
    """Return the new run's id."""
    if (command.workflow_id is None) == (command.workflow_key is None):
        raise validation.invalid("workflow_key", "set either workflowId or workflowKey")
    workflow_id = command.workflow_id
    if command.workflow_key is not None:
        workflow = await rows.fetch_published_workflow(write.transaction, command.workflow_key)
        if workflow is None:
            raise validation.not_found("workflow_key", "no workflow with this key is published; see `workflows`")
        workflow_id = workflow.id
    inputs = {} if command.inputs is None else command.inputs
    if not isinstance(inputs, dict):
        raise validation.invalid("inputs", 'inputs must be an object, for example {"size": 3}')
    assert workflow_id is not None  # noqa: S101
    request = StartRequest(workflow_id, command.incident_id, command.configuration_item_id, inputs)
    id = await run_start.start(write, request)
    return [] if id is None else [id]


async def approve(write: Write, command: ApproveWorkflowStep) -> Sequence[str]:
    """Record the caller's approval. With enough approvals the step succeeds."""
    running, step, attempt = await _require_open_step(write, command, WorkflowStepKind.APPROVAL)
    wanted = await _record_decision(write, running, step, attempt, WorkflowDecision.APPROVED, command.comment)
    approvers = await rows.fetch_approvers(write.transaction, attempt.id)
    if len(approvers) >= wanted.approvals:
        running.machine.succeed(attempt, {"approvedBy": approvers})
    running.notes.append(("Workflow step approved", f"{_named(running, step)} by {caller_id(write.context)}"))
    return [(await engine.advance_run(write, running)).id]


async def reject(write: Write, command: RejectWorkflowStep) -> Sequence[str]:
    """Record the caller's rejection. One is enough to fail the step finally."""
    running, step, attempt = await _require_open_step(write, command, WorkflowStepKind.APPROVAL)
    await _record_decision(write, running, step, attempt, WorkflowDecision.REJECTED, command.comment)
    running.machine.fail(attempt, f"rejected by {caller_id(write.context)}", again=False)
    running.notes.append(("Workflow step rejected", f"{_named(running, step)} by {caller_id(write.context)}"))
    return [(await engine.advance_run(write, running)).id]


async def complete(write: Write, command: CompleteWorkflowStep) -> Sequence[str]:
    """Complete a manual step."""
    outcome = validate_outcome(command.outcome)
    running, step, attempt = await _require_open_step(write, command, WorkflowStepKind.MANUAL)
    _require_team_member(write, step)
    running.machine.succeed(attempt, outcome)
    running.notes.append(("Workflow step done", _named(running, step)))
    return [(await engine.advance_run(write, running)).id]


async def fail(write: Write, command: FailWorkflowStep) -> Sequence[str]:
    """Fail a manual step. It is retried if its workflow allows it."""
    reason = _require_length(validation.require_text(command.reason, "reason"), "reason")
    running, step, attempt = await _require_open_step(write, command, WorkflowStepKind.MANUAL)
    _require_team_member(write, step)
    running.machine.fail(attempt, reason)
    running.notes.append(("Workflow step failed", _named(running, step)))
    return [(await engine.advance_run(write, running)).id]


async def cancel(write: Write, command: CancelWorkflowRun) -> Sequence[str]:
    """Cancel a run; completed steps are compensated."""
    reason = _require_length(validation.require_text(command.reason, "reason"), "reason")
    run = await _lock(write, command)
    if run.state not in FORWARD_STATES:
        hint = "wait until compensation ends" if run.state in LIVE_STATES else "it has ended"
        raise _illegal(f"{run.number} is {run.state} and can no longer be cancelled; {hint}")
    running = await _load_run(write, run)
    running.machine.cancel(reason)
    return [(await engine.advance_run(write, running)).id]


def validate_outcome(value: Any, error: Callable[[str, str], Exception] = validation.invalid) -> dict[str, Any]:
    """Return the outcome of a step. `error` creates the exception for an outcome that cannot be stored."""
    outcome = {} if value is None else value
    if reason := attributes_violation(outcome):
        raise error("outcome", reason.replace("attributes", "outcomes"))
    if len(msgspec.json.encode(outcome)) > MAX_OUTCOME_BYTES:
        raise error("outcome", f"the outcome has more than {MAX_OUTCOME_BYTES:,} bytes; refer to large data")
    fit: dict[str, Any] = outcome
    return fit


async def _lock(write: Write, command: RunCommand) -> LockedRunRecord:
    run = await rows.lock(write.transaction, command.run_id, write.context.scope)
    if run is None:
        raise validation.not_found("run_id", "there is no run with this id; pass the id of one that you can read")
    if command.expected_version is not None and command.expected_version != run.version:
        message = f"it is now at version {run.version}; read it again and repeat the call with that version"
        raise ValidationFailed(UserError(UserErrorCode.CONFLICT, "expected_version", message), id=run.id)
    return run


async def _load_run(write: Write, run: LockedRunRecord) -> LoadedRun:
    try:
        return await engine.load_run(write, run, datetime.now(UTC))
    except InvalidDefinition as unreadable:
        raise _illegal(f"{run.number} cannot continue: its workflow is invalid: {unreadable}") from unreadable


async def _require_open_step(
    write: Write, command: RunStepCommand, kind: WorkflowStepKind
) -> tuple[LoadedRun, Step, WorkflowStepRunRecord]:
    run = await _lock(write, command)
    if run.state not in LIVE_STATES:
        raise _illegal(f"{run.number} is {run.state}; its steps can no longer be changed")
    running, key = await _load_run(write, run), command.step
    steps = {step.key: step for step in running.definition.steps}
    if key not in steps:
        raise validation.not_found("step", f"{run.number} has no step with this key; its steps are {', '.join(steps)}")
    open_attempt = running.open_attempt(key)
    if open_attempt is None or steps[key].kind != kind:
        raise _illegal(
            f"step {key} of {run.number} does not wait for {kind.lower()}; waiting: {_allowed_mutations(running)}"
        )
    return running, *open_attempt


def _allowed_mutations(running: LoadedRun) -> str:
    waiting = [
        f"{step.key} ({ALLOWED_MUTATIONS[step.kind]})"
        for step in running.definition.steps
        if step.kind in ALLOWED_MUTATIONS and running.open_attempt(step.key) is not None
    ]
    return ", ".join(waiting) or "none"


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
        raise validation.invalid("step", f"only {' or '.join(named)} can decide; ask one of them")
    key, one = validation.user_key(write), identity(principal.actor)
    words, now = _require_length(comment, "comment"), running.machine.now
    if not await rows.insert_approval(write.transaction, attempt.id, decision, words, who, one, key, now):
        raise validation.invalid(
            "step", "you have already decided about it; another person must make the next decision"
        )
    write.tables.add(engine.APPROVALS_TABLE)
    running.touched = True
    return wanted


async def _require_four_eyes(write: Write, run_id: str) -> None:
    """Refuse programs, and everyone who requested or caused the run, with any credential."""
    principal = write.context.principal
    if not is_person(principal.kind):
        message = "a program cannot decide under the four-eyes rule; a person must decide with a personal token"
        raise validation.invalid("step", message)
    behind = await triggers.fetch_initiators(write.transaction, run_id)
    if identity(principal.actor) in {identity(each) for each in behind}:
        raise validation.invalid("step", "you requested or caused this run; another person must decide about it")


def _require_team_member(write: Write, step: Step) -> None:
    assert isinstance(step.configuration, Manual)  # noqa: S101
    team = step.configuration.team
    if not _is_one_of(write, team, ()):
        raise validation.invalid("step", f"only the team {team} can do it; ask one of its members")


def _is_one_of(write: Write, team: str | None, users: Sequence[str]) -> bool:
    # The developer of a local server has no colleagues there.
    if write.context.principal.kind == PrincipalKind.DEVELOPMENT or (team is None and not users):
        return True
    return team in write.context.scope.team_keys or validation.user_key(write) in users


def _require_length(text: str, field: str) -> str:
    if len(text) > MAX_TEXT_LENGTH:
        raise validation.invalid(field, f"{field} has {len(text):,} characters; use at most {MAX_TEXT_LENGTH:,}")
    return text


def _named(running: LoadedRun, step: Step) -> str:
    return f"{step.key} of {running.definition.name} ({running.before.number})"


def _illegal(message: str) -> ValidationFailed:
    return ValidationFailed(UserError(UserErrorCode.ILLEGAL_STATE, None, message))
