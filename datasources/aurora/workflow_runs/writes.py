"""Writes of workflow runs: statements inside a transaction."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from msgspec.structs import asdict
from uuid_utils import uuid7

from datasources.aurora.driver.column_values import dump_document
from datasources.aurora.driver.row_factory import EnumRecord
from datasources.aurora.driver.transaction import Transaction
from datasources.aurora.statements import statements
from datasources.records.queries import Scope
from datasources.records.workflow_runs import LockedRunRecord, WorkflowDecision, WorkflowStepRunRecord
from datasources.records.workflows import WorkflowRecord, WorkflowStepRecord

R = TypeVar("R")

_RUN = EnumRecord(LockedRunRecord)


class IncidentContext(NamedTuple):
    """What a run may read of its incident: no free text."""

    id: str
    number: str
    priority: int
    impact: int
    urgency: int
    state: str
    category: str
    # The key of the team that the incident is restricted to.
    restricted_team: str | None

    @property
    def is_restricted(self) -> bool:
        """Whether the incident is restricted to its team."""
        return self.restricted_team is not None

    def is_visible_to(self, scope: Scope) -> bool:
        """Return whether a scope includes the incident."""
        return self.restricted_team is None or scope.sees_restricted or self.restricted_team in scope.team_keys


class ItemContext(NamedTuple):
    """What a run may read of a configuration item."""

    id: str
    name: str
    class_key: str
    environment: str
    criticality: str
    status: str
    attributes: dict[str, Any]


class CauseContext(NamedTuple):
    """The run that led to another one."""

    workflow: str
    number: str
    state: str


class OutgoingMessage(NamedTuple):
    """A message to be sent after the transaction that writes it."""

    id: str
    queue: str
    group: str
    body: str
    request_id: str


async def fetch_workflow(transaction: Transaction, id: str) -> WorkflowRecord | None:
    """Return a revision of a workflow."""
    return _one(await _fetch(transaction, "run_workflow", {"id": id}, WorkflowRecord))


async def fetch_published_workflow(transaction: Transaction, key: str) -> WorkflowRecord | None:
    """Return the newest published revision of a key."""
    return _one(await _fetch(transaction, "run_workflow_by_key", {"key": key}, WorkflowRecord))


async def fetch_steps(transaction: Transaction, workflow_id: str) -> list[WorkflowStepRecord]:
    """Return the steps of a revision, ordered by position."""
    return await _fetch(transaction, "run_steps", {"id": workflow_id}, WorkflowStepRecord)


async def insert(transaction: Transaction, bound: dict[str, Any]) -> LockedRunRecord | None:
    """Insert a run, RUNNING, with the next free number; return None if its trigger key has a run already.

    Taken numbers are skipped in steps of one, two, four and so on, so that a long series of imported ones ends soon.
    """
    bound, step = bound | {"inputs": dump_document(bound["inputs"])}, 1
    while True:
        [number] = await _fetch(transaction, "run_number", {"step": step}, str)
        rows = await _fetch(transaction, "run_insert", bound | {"number": number}, _RUN)
        if rows:
            return rows[0]
        key = {"trigger_key": bound["trigger_key"]}
        if key["trigger_key"] is not None and await _fetch(transaction, "run_triggered", key, bool):
            return None
        step *= 2


async def lock(transaction: Transaction, id: str, scope: Scope) -> LockedRunRecord | None:
    """Lock the run until the transaction ends, and return it; None if the caller may not see it."""
    bound = {"id": id} | _scope(scope)
    return _one(await _fetch(transaction, "run_locked", bound, _RUN))


async def lock_if_free(transaction: Transaction, id: str) -> LockedRunRecord | None:
    """Like `lock` for a caller that can see all; None also if another transaction holds the lock."""
    return _one(await _fetch(transaction, "run_locked_if_free", {"id": id}, _RUN))


async def fetch_attempts(transaction: Transaction, run_id: str) -> list[WorkflowStepRunRecord]:
    """Return the attempts at the steps of a run, the first ones first."""
    return await _fetch(transaction, "run_attempts", {"id": run_id}, EnumRecord(WorkflowStepRunRecord))


async def write_attempts(transaction: Transaction, records: Sequence[WorkflowStepRunRecord]) -> None:
    """Insert new attempts and update changed ones."""
    await transaction.execute(
        statements("workflow_runs/writes")["run_attempts_written"],
        {
            "ids": [each.id for each in records],
            "run_ids": [each.run_id for each in records],
            "step_ids": [each.step_id for each in records],
            "states": [each.state.value for each in records],
            "attempts": [each.attempt for each in records],
            "started_ats": [each.started_at for each in records],
            "finished_ats": [each.finished_at for each in records],
            "outcomes": [dump_document(each.outcome) for each in records],
            "due_ats": [each.due_at for each in records],
            "reasons": [each.reason for each in records],
        },
    )


async def update(transaction: Transaction, record: LockedRunRecord, actor: str) -> LockedRunRecord:
    """Update a locked run; the version increases. `actor` is the principal who acted on it, as KIND:subject."""
    bound = {name: asdict(record)[name] for name in ("id", "state", "finished_at", "reason", "ending")} | {
        "actor": actor
    }
    [updated] = await _fetch(transaction, "run_update", bound, _RUN)
    return updated


async def find_run_of_attempt(transaction: Transaction, step_run_id: str) -> str | None:
    """Return the id of the run that an attempt belongs to."""
    return _one(await _fetch(transaction, "run_of_attempt", {"id": step_run_id}, str))


async def fetch_cause(transaction: Transaction, run_id: str) -> CauseContext | None:
    """Return the readable part of a run that led to another one."""
    return _one(await _fetch(transaction, "run_cause", {"id": run_id}, CauseContext))


async def fetch_incident(transaction: Transaction, id: str, scope: Scope) -> IncidentContext | None:
    """Return the readable part of an incident; None if the caller may not see it."""
    return _one(await _fetch(transaction, "run_incident", {"id": id} | _scope(scope), IncidentContext))


async def fetch_publisher_scope(transaction: Transaction, workflow_id: str) -> Scope:
    """Return the scope of a workflow's publisher; all rows for an imported workflow, which an operator provided."""
    rows = await _fetch(transaction, "run_publisher", {"id": workflow_id}, _to_scope)
    return rows[0] if rows else Scope(sees_restricted=True)


async def fetch_items(
    transaction: Transaction, configuration_item_id: str | None, incident_id: str | None, most: int
) -> list[ItemContext]:
    """Return the item, or else those that the incident affects, ordered by name."""
    bound = {"configuration_item_id": configuration_item_id, "incident_id": incident_id, "most": most}
    return await _fetch(transaction, "run_items", bound, ItemContext)


async def insert_approval(
    transaction: Transaction,
    step_run_id: str,
    decision: WorkflowDecision,
    comment: str,
    principal: str,
    identity: str,
    user_key: str | None,
    now: datetime,
) -> bool:
    """Store a decision; return False if the same person has decided before, by any key or token."""
    bound = {
        "id": str(uuid7()), "step_run_id": step_run_id, "decision": decision.value, "comment": comment,
        "principal": principal, "identity": identity, "user_key": user_key, "decided_at": now,
    }  # fmt: skip
    return bool(await _fetch(transaction, "run_approval_insert", bound, bool))


async def fetch_approvers(transaction: Transaction, step_run_id: str) -> list[str]:
    """Return the principals who approved, oldest first."""
    return await _fetch(transaction, "run_approvers", {"id": step_run_id}, str)


async def fetch_due(transaction: Transaction, now: datetime, most: int) -> list[str]:
    """Return ids of runs with something due, the longest due first."""
    return await _fetch(transaction, "run_due", {"now": now, "most": most}, str)


async def write_messages(transaction: Transaction, messages: Sequence[OutgoingMessage], now: datetime) -> None:
    """Store messages to be sent, in this order."""
    ids, queues, groups, bodies, request_ids = zip(*messages, strict=True)
    bound = {
        "ids": list(ids), "queues": list(queues), "groups": list(groups), "bodies": list(bodies),
        "request_ids": list(request_ids), "now": now,
    }  # fmt: skip
    await transaction.execute(statements("workflow_runs/writes")["messages_written"], bound)


def _to_scope(sees_restricted: bool, team_keys: list[str]) -> Scope:
    return Scope(sees_restricted=sees_restricted, team_keys=tuple(team_keys))


def _scope(scope: Scope) -> dict[str, object]:
    return {"sees_restricted": scope.sees_restricted, "team_keys": list(scope.team_keys)}


async def _fetch(transaction: Transaction, name: str, bound: dict[str, Any], record: Callable[..., R]) -> list[R]:
    return await transaction.fetch(statements("workflow_runs/writes")[name], bound, record)


def _one(rows: list[R]) -> R | None:
    return rows[0] if rows else None
