"""Alerts from monitoring, as their incidents show them."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from datasources.records.unreadable import Document


class AlertStatus(StrEnum):
    """Whether the condition that an alert watches is true now."""

    FIRING = "FIRING"
    RESOLVED = "RESOLVED"


class AlertRecord(Struct, frozen=True, array_like=True):
    """One firing of one alert. `fingerprint` is the same for all firings; `ends_at` is None while it fires."""

    receiver: str
    fingerprint: str
    status: AlertStatus
    labels: Document
    annotations: Document
    generator_url: str
    starts_at: datetime
    ends_at: datetime | None
