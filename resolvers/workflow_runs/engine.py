"""The engine of runs: lock a run, tell its machine what happened, and write what follows, all in one transaction.

Safe with any number of workers and with a crash at any point: who locks a run finds it where the last transaction left
it, and messages to executors are rows of the same transaction.
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
from resolvers import validation as rules
from resolvers.unit_of_work import Write
from resolvers.workflow_runs import expression_context as known
from resolvers.workflow_runs.expression_context import ExpressionContext, ExpressionEvaluator
from resolvers.workflow_runs.messages import build_message
from resolvers.workflow_runs.state_machine import LIVE_STATES, RunStateMachine
from resolvers.workflows.definition import Definition, InvalidDefinition, Step, parse_definition
from resolvers.workflows.expressions.thread import run_in_thread

TABLE, ENTITY = "workflow_runs", "WORKFLOW_RUN"
# What the requests begin with in which a run writes by itself; the rest is its id.
REQUEST_ID_PREFIX = "run:"
# What a run writes beside its own row; the last only where it is for an incident.
ATTEMPTS_TABLE, APPROVALS_TABLE, ACTIVITIES_TABLE = "workflow_step_runs", "workflow_approvals", "incident_activities"

# What only those may read who see the incident of a run, if it is restricted; audit entries are read by others.
CONFIDENTIAL_COLUMNS = frozenset({"inputs", "reason"})

END_NOTES = {
    WorkflowRunState.SUCCEEDED: "Workflow finished",
    WorkflowRunState.FAILED: "Workflow failed",
    WorkflowRunState.CANCELLED: "Workflow cancelled",
}


@dataclass(slots=True)
class LoadedRun:
    """A locked run with all that its next move depends on."""

    before: LockedRunRecord
    definition: Definition
    facts: ExpressionContext
    machine: RunStateMachine
    # Something was written beside the attempts, such as an approval: the run is one version further in any case.
    touched: bool = False
    notes: list[tuple[str, str]] = field(default_factory=list)

    def open_attempt(self, key: str) -> tuple[Step, WorkflowStepRunRecord] | None:
        """The last attempt at a step of this key; None if there is no such step, or it is not under way."""
        for step in self.definition.steps:
            last = self.machine.last_attempt(step.key)
            if step.key == key and last is not None and last.state in (
                WorkflowStepRunState.RUNNING, WorkflowStepRunState.WAITING,
            ):  # fmt: skip
                return step, last
        return None


async def load_run(write: Write, run: LockedRunRecord, now: datetime) -> LoadedRun:
    """A locked run in memory. Unreadable if its definition is no more, as an imported one may be."""
    transaction = write.transaction
    workflow = await rows.fetch_workflow(transaction, run.workflow_id)
    assert workflow is not None  # noqa: S101
    definition = parse_definition(workflow, await rows.fetch_steps(transaction, run.workflow_id))
    facts = await known.load_context(transaction, run, definition)
    attempts = await rows.fetch_attempts(transaction, run.id)
    return LoadedRun(
        run, definition, facts, RunStateMachine(definition, run, attempts, now, ExpressionEvaluator(run, facts))
    )


async def advance_run(write: Write, running: LoadedRun) -> LockedRunRecord:
    """Everything that follows from what the run was told, written; the run as it then is."""
    course = running.machine
    await run_in_thread(course.advance)
    changed = list(course.changed.values())
    if not changed and course.run == running.before and not running.touched:
        return running.before
    if changed:
        await rows.write_attempts(write.transaction, changed)
        write.tables.add(ATTEMPTS_TABLE)
    request_id = write.context.request.request_id
    told = [build_message(running.definition, course.run, running.facts, each, request_id) for each in course.started]
    if messages := [each for each in told if each is not None]:
        await rows.write_messages(write.transaction, messages, course.now)
    after = await rows.update(write.transaction, course.run, write.context.principal.actor)
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
    """Write that a run can't go on because nobody can say how."""
    return await fail_run(write, run, f"its workflow cannot be read: {unreadable}", now)


async def fail_run(write: Write, run: LockedRunRecord, reason: str, now: datetime) -> LockedRunRecord:
    """Write that a run can't go on, and why; what of it is under way is called off."""
    attempts = [
        structs.replace(
            each, state=WorkflowStepRunState.CANCELLED, finished_at=now, due_at=None, reason="the run cannot go on"
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
    """Something for the activities of the run's incident, if it has one. Its own row stays as it is."""
    if run.incident_id is not None:
        await incident_writes.append_activity(
            write.transaction, run.incident_id, kind, body, team_id=None, user_key=rules.user_key(write)
        )
        write.tables.add(ACTIVITIES_TABLE)


def run_snapshot(run: LockedRunRecord, *, restricted: bool) -> dict[str, Any]:
    """A run by column for an audit entry; of a restricted incident's only what anyone may read."""
    columns = structs.asdict(run)
    if restricted:
        columns = {name: value for name, value in columns.items() if name not in CONFIDENTIAL_COLUMNS}
    plain: dict[str, Any] = to_builtins(columns)
    return plain
