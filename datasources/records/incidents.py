"""Incidents and their activities."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from datasources.records.unreadable import Document


class IncidentState(StrEnum):
    """The state of an incident."""

    NEW = "NEW"
    IN_PROGRESS = "IN_PROGRESS"
    ON_HOLD = "ON_HOLD"
    RESOLVED = "RESOLVED"
    CLOSED = "CLOSED"
    CANCELLED = "CANCELLED"


class IncidentRole(StrEnum):
    """The role of a configuration item in an incident."""

    AFFECTED = "AFFECTED"
    CAUSE = "CAUSE"


class IncidentRecord(Struct, frozen=True, array_like=True):
    """An incident. Impact, urgency and priority range from 1, the highest, to 5."""

    id: str
    number: str
    title: str
    description: str
    state: IncidentState
    impact: int
    urgency: int
    priority: int
    category: str
    team_id: str | None
    assignee_id: str | None
    restricted_team_id: str | None
    change_id: str | None
    resolution_code: str
    resolution: str
    opened_at: datetime
    reopened_at: datetime | None
    resolved_at: datetime | None
    closed_at: datetime | None
    attributes: Document
    version: int
    updated_at: datetime


class IncidentActivityRecord(Struct, frozen=True, array_like=True):
    """An entry in the timeline of an incident. `kind` is the term of the source."""

    id: str
    incident_id: str
    key: str
    kind: str
    body: str
    team_id: str | None
    user_id: str | None
    document_key: str
    happened_at: datetime


class IncidentMatch(Struct, frozen=True, array_like=True):
    """A past incident that has words of another: its score, higher is better, and the share of their weight, 0 to 1."""

    incident_id: str
    score: float
    share: float


class IncidentItem(Struct, frozen=True, array_like=True):
    """A configuration item of an incident, in any role, with the key of its class."""

    id: str
    class_key: str
