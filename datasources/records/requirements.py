"""Requirements that configuration items must meet."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct


class RequirementKind(StrEnum):
    """The subject of a requirement."""

    FUNCTIONAL = "FUNCTIONAL"
    AVAILABILITY = "AVAILABILITY"
    PERFORMANCE = "PERFORMANCE"
    SECURITY = "SECURITY"
    COMPLIANCE = "COMPLIANCE"


class RequirementState(StrEnum):
    """The state of a requirement."""

    PROPOSED = "PROPOSED"
    ACCEPTED = "ACCEPTED"
    MET = "MET"
    REJECTED = "REJECTED"
    WITHDRAWN = "WITHDRAWN"


class RequirementPriority(StrEnum):
    """The importance of a requirement."""

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
