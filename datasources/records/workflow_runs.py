"""Runs of workflows, of their steps, and what people decided in them."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from datasources.records.unreadable import Document


class WorkflowRunState(StrEnum):
    """Where a run is. WAITING is for a person, RUNNING for a machine or a time; COMPENSATING undoes what was done."""

    RUNNING = "RUNNING"
    WAITING = "WAITING"
    COMPENSATING = "COMPENSATING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class WorkflowStepRunState(StrEnum):
    """Where one attempt at a step is."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    WAITING = "WAITING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"
    CANCELLED = "CANCELLED"


class WorkflowDecision(StrEnum):
    """What an approver said."""

    APPROVED = "APPROVED"
    REJECTED = "REJECTED"


class WorkflowRunRecord(Struct, frozen=True, array_like=True):
    """One run of one revision of a workflow. `requested_by` is KIND:subject; empty for imported runs."""

    id: str
    number: str
    workflow_id: str
    incident_id: str | None
    configuration_item_id: str | None
    state: WorkflowRunState
    started_by_id: str | None
    started_at: datetime
    finished_at: datetime | None
    version: int
    requested_by: str
    cause_run_id: str | None
    priority: int | None
    inputs: Document
    reason: str


class LockedRunRecord(WorkflowRunRecord, frozen=True, array_like=True):
    """A run as its engine has it: with what it will be once it is undone, and the request that started it."""

    ending: WorkflowRunState | None
    request_id: str


class WorkflowStepRunRecord(Struct, frozen=True, array_like=True):
    """One attempt at a step, counted from 1."""

    id: str
    run_id: str
    step_id: str
    state: WorkflowStepRunState
    attempt: int
    started_at: datetime | None
    finished_at: datetime | None
    outcome: Document
    due_at: datetime | None
    reason: str


class WorkflowApprovalRecord(Struct, frozen=True, array_like=True):
    """What one person decided about one attempt at a step."""

    id: str
    step_run_id: str
    user_id: str | None
    decision: WorkflowDecision
    comment: str
    decided_at: datetime
    principal: str


class BlastRadiusRecord(Struct, frozen=True, array_like=True):
    """What the failure that a run is for reaches, as it was walked once. `item_ids` are the nearest items, in order of
    (hops, id), with their `depths`; `critical` names reached items of criticality CRITICAL."""

    walked_at: datetime
    total: int
    truncated: bool
    item_ids: list[str]
    depths: list[int]
    critical: list[str]
