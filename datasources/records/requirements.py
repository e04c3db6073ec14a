"""Requirements: what configuration items must do or be."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct


class RequirementKind(StrEnum):
    """What a requirement is about."""

    FUNCTIONAL = "FUNCTIONAL"
    AVAILABILITY = "AVAILABILITY"
    PERFORMANCE = "PERFORMANCE"
    SECURITY = "SECURITY"
    COMPLIANCE = "COMPLIANCE"


class RequirementState(StrEnum):
    """Where a requirement is in its life."""

    PROPOSED = "PROPOSED"
    ACCEPTED = "ACCEPTED"
    MET = "MET"
    REJECTED = "REJECTED"
    WITHDRAWN = "WITHDRAWN"


class RequirementPriority(StrEnum):
    """How much depends on a requirement."""

    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"
    CRITICAL = "CRITICAL"


class RequirementRecord(Struct, frozen=True, array_like=True):
    """A requirement, from the requirements database."""

    id: str
    key: str
    title: str
    description: str
    kind: RequirementKind
    state: RequirementState
    priority: RequirementPriority
    version: int
    updated_at: datetime
