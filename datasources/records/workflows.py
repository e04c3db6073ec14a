"""Workflows: versioned definitions and their steps."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct

from datasources.records.unreadable import Document


class WorkflowState(StrEnum):
    """The state of a revision of a workflow."""

    DRAFT = "DRAFT"
    PUBLISHED = "PUBLISHED"
    RETIRED = "RETIRED"


class WorkflowStepKind(StrEnum):
    """The kind of a step, which decides who or what performs it."""

    MANUAL = "MANUAL"
    APPROVAL = "APPROVAL"
    REMEDIATION = "REMEDIATION"
    NOTIFICATION = "NOTIFICATION"
    WAIT = "WAIT"


class WorkflowRecord(Struct, frozen=True, array_like=True):
    """One revision of a workflow. `version` counts writes of this row, `revision` the definitions of one key."""

    id: str
    key: str
    revision: int
    name: str
    description: str
    state: WorkflowState
    trigger: Document
    version: int
    updated_at: datetime
    # Or an UnreadableValue, which msgspec can't distinguish from a list: a cached one is a miss.
    inputs: list[dict[str, Any]]


class WorkflowTriggerProblemRecord(Struct, frozen=True, array_like=True):
    """Why a trigger did not start a run the last time, without values of rows."""

    happened_at: datetime
    reason: str


class WorkflowStepRecord(Struct, frozen=True, array_like=True):
    """A step of one revision. `depends_on` holds keys of steps of the same revision that must finish first."""

    id: str
    workflow_id: str
    key: str
    position: int
    name: str
    kind: WorkflowStepKind
    depends_on: list[str]
    configuration: Document
