"""Changes: planned work on configuration items."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct


class ChangeType(StrEnum):
    """The type of a change, which decides how much approval it needs."""

    STANDARD = "STANDARD"
    NORMAL = "NORMAL"
    EMERGENCY = "EMERGENCY"


class ChangeState(StrEnum):
    """The state of a change."""

    PROPOSED = "PROPOSED"
    APPROVED = "APPROVED"
    SCHEDULED = "SCHEDULED"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class ChangeRisk(StrEnum):
    """How likely a change is to cause a failure."""

    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"
    UNKNOWN = "UNKNOWN"


class ChangeRecord(Struct, frozen=True, array_like=True):
    """A change. An end is never before its start; each of the four times may be missing."""

    id: str
    number: str
    title: str
    description: str
    type: ChangeType
    state: ChangeState
    risk: ChangeRisk
    team_id: str | None
    assignee_id: str | None
    planned_start: datetime | None
    planned_end: datetime | None
    actual_start: datetime | None
    actual_end: datetime | None
    version: int
    updated_at: datetime
