"""Workflow runs, their step runs, and the approvals in them."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from datasources.records.unreadable import Document


class WorkflowRunState(StrEnum):
    """The state of a run: WAITING for a person, RUNNING for a program or a time, COMPENSATING to undo steps."""

    RUNNING = "RUNNING"
    WAITING = "WAITING"
    COMPENSATING = "COMPENSATING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class WorkflowStepRunState(StrEnum):
    """The state of one attempt at a step."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    WAITING = "WAITING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"
    CANCELLED = "CANCELLED"


class WorkflowDecision(StrEnum):
    """The decision of an approver."""

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
    """A run as its engine reads it: with its state after compensation, and the id of the request that started it."""

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
    """The decision of one person about one attempt at a step."""

    id: str
    step_run_id: str
    user_id: str | None
    decision: WorkflowDecision
    comment: str
    decided_at: datetime
    principal: str


class BlastRadiusRecord(Struct, frozen=True, array_like=True):
    """The blast radius of the failure that a run handles, computed once. `item_ids` are the nearest items, ordered by
    (hops, id), with their `depths`; `critical` names the reached items of criticality CRITICAL."""

    walked_at: datetime
    total: int
    truncated: bool
    item_ids: list[str]
    depths: list[int]
    critical: list[str]
