"""The engine of runs: lock a run, report events to its state machine, and write the results, in one transaction.

Safe with any number of workers and with a crash at any point: a worker that locks a run continues after the last
transaction, and messages to executors are rows of the same transaction.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from msgspec import structs, to_builtins

from datasources.aurora.incidents import writes as incident_writes
from datasources.aurora.workflow_runs import writes as rows
from datasources.records.workflow_runs import (
    LockedRunRecord,
    WorkflowRunState,
    WorkflowStepRunRecord,
    WorkflowStepRunState,
)
from resolvers import validation
from resolvers.unit_of_work import Write
from resolvers.workflow_runs import expression_context
from resolvers.workflow_runs.expression_context import ExpressionContext, ExpressionEvaluator
from resolvers.workflow_runs.messages import build_message
from resolvers.workflow_runs.state_machine import LIVE_STATES, RunStateMachine
from resolvers.workflows.definition import Definition, InvalidDefinition, Step, parse_definition
from resolvers.workflows.expressions.thread import run_in_thread

TABLE = "workflow_runs"
ENTITY = "WORKFLOW_RUN"
# Prefix of the request ids of writes by a run itself; the run's id follows.
REQUEST_ID_PREFIX = "run:"
# Tables that a run writes besides its own row; the last one only if the run is for an incident.
ATTEMPTS_TABLE = "workflow_step_runs"
APPROVALS_TABLE = "workflow_approvals"
ACTIVITIES_TABLE = "incident_activities"

# For a run of a restricted incident, only readers of the incident may see these; audit entries have other readers.
CONFIDENTIAL_COLUMNS = frozenset({"inputs", "reason"})

END_NOTES = {
    WorkflowRunState.SUCCEEDED: "Workflow finished",
    WorkflowRunState.FAILED: "Workflow failed",
    WorkflowRunState.CANCELLED: "Workflow cancelled",
}


@dataclass(slots=True)
class LoadedRun:
    """A locked run with everything that determines its next transitions."""

    before: LockedRunRecord
    definition: Definition
    facts: ExpressionContext
    machine: RunStateMachine
    # Other rows were written, for example an approval: the run gets a new version in any case.
    touched: bool = False
    notes: list[tuple[str, str]] = field(default_factory=list)

    def open_attempt(self, key: str) -> tuple[Step, WorkflowStepRunRecord] | None:
        """Return the step with this key and its last attempt; None if the step does not exist or is not in progress."""
        for step in self.definition.steps:
            last = self.machine.last_attempt(step.key)
            if step.key == key and last is not None and last.state in (
                WorkflowStepRunState.RUNNING, WorkflowStepRunState.WAITING,
            ):  # fmt: skip
                return step, last
        return None


async def load_run(write: Write, run: LockedRunRecord, now: datetime) -> LoadedRun:
    """Load a locked run. Raises InvalidDefinition if its definition is invalid, as an imported one may be."""
    transaction = write.transaction
    workflow = await rows.fetch_workflow(transaction, run.workflow_id)
    assert workflow is not None  # noqa: S101
    definition = parse_definition(workflow, await rows.fetch_steps(transaction, run.workflow_id))
    facts = await expression_context.load_context(transaction, run, definition)
    attempts = await rows.fetch_attempts(transaction, run.id)
    return LoadedRun(
        run, definition, facts, RunStateMachine(definition, run, attempts, now, ExpressionEvaluator(run, facts))
    )


async def advance_run(write: Write, running: LoadedRun) -> LockedRunRecord:
    """Advance the run as far as possible, write the results, and return the run."""
    machine = running.machine
    await run_in_thread(machine.advance)
    changed = list(machine.changed.values())
    if not changed and machine.run == running.before and not running.touched:
        return running.before
    if changed:
        await rows.write_attempts(write.transaction, changed)
        write.tables.add(ATTEMPTS_TABLE)
    request_id = write.context.request.request_id
    started = [
        build_message(running.definition, machine.run, running.facts, each, request_id) for each in machine.started
    ]
    if messages := [each for each in started if each is not None]:
        await rows.write_messages(write.transaction, messages, machine.now)
    after = await rows.update(write.transaction, machine.run, write.context.principal.actor)
    restricted = running.facts.incident is not None and running.facts.incident.is_restricted
    write.record_change(
        TABLE,
        ENTITY,
        after.id,
        run_snapshot(running.before, restricted=restricted),
        run_snapshot(after, restricted=restricted),
    )
    for kind, body in running.notes:
        await append_note(write, after, kind, body)
    if running.before.state in LIVE_STATES and after.state not in LIVE_STATES:
        await append_note(write, after, END_NOTES[after.state], f"{running.definition.name} ({after.number})")
    return after


async def fail_unreadable(
    write: Write, run: LockedRunRecord, unreadable: InvalidDefinition, now: datetime
) -> LockedRunRecord:
    """End a run as FAILED because its definition is invalid."""
    return await fail_run(write, run, f"its workflow is invalid: {unreadable}", now)


async def fail_run(write: Write, run: LockedRunRecord, reason: str, now: datetime) -> LockedRunRecord:
    """End a run as FAILED with a reason; open attempts are cancelled."""
    attempts = [
        structs.replace(
            each, state=WorkflowStepRunState.CANCELLED, finished_at=now, due_at=None, reason="the run cannot continue"
        )
        for each in await rows.fetch_attempts(write.transaction, run.id)
        if each.finished_at is None
    ]
    if attempts:
        await rows.write_attempts(write.transaction, attempts)
    ended = structs.replace(run, state=WorkflowRunState.FAILED, finished_at=now, reason=reason)
    after = await rows.update(write.transaction, ended, write.context.principal.actor)
    write.tables.add(ATTEMPTS_TABLE)
    write.record_change(
        TABLE, ENTITY, after.id, run_snapshot(run, restricted=True), run_snapshot(after, restricted=True)
    )
    await append_note(write, after, END_NOTES[after.state], after.number)
    return after


async def append_note(write: Write, run: LockedRunRecord, kind: str, body: str) -> None:
    """Add a note to the activities of the run's incident, if it has one. The incident's row does not change."""
    if run.incident_id is not None:
        await incident_writes.append_activity(
            write.transaction, run.incident_id, kind, body, team_id=None, user_key=validation.user_key(write)
        )
        write.tables.add(ACTIVITIES_TABLE)


def run_snapshot(run: LockedRunRecord, *, restricted: bool) -> dict[str, Any]:
    """Return a run as columns for an audit entry, without confidential ones if its incident is restricted."""
    columns = structs.asdict(run)
    if restricted:
        columns = {name: value for name, value in columns.items() if name not in CONFIDENTIAL_COLUMNS}
    plain: dict[str, Any] = to_builtins(columns)
    return plain
