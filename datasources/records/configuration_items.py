"""Configuration items, their classes and their identification keys."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from datasources.records.unreadable import Document


class ConfigurationItemStatus(StrEnum):
    """The stage of an item's life."""

    PLANNED = "PLANNED"
    ACTIVE = "ACTIVE"
    MAINTENANCE = "MAINTENANCE"
    RETIRED = "RETIRED"


class Environment(StrEnum):
    """The environment that an item belongs to."""

    PRODUCTION = "PRODUCTION"
    STAGING = "STAGING"
    TEST = "TEST"
    DEVELOPMENT = "DEVELOPMENT"
    UNKNOWN = "UNKNOWN"


class Criticality(StrEnum):
    """How much the organisation depends on an item."""

    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"
    CRITICAL = "CRITICAL"


class ConfigurationItemRecord(Struct, frozen=True, array_like=True):
    """The current version of a configuration item."""

    id: str
    name: str
    class_key: str
    status: ConfigurationItemStatus
    environment: Environment
    criticality: Criticality
    owner_team_id: str | None
    attributes: Document
    version: int
    valid_from: datetime


class ConfigurationItemClassRecord(Struct, frozen=True, array_like=True):
    """A class in the taxonomy; a root class has no parent."""

    key: str
    parent_key: str | None
    name: str
    description: str


class IdentificationKeyRecord(Struct, frozen=True, array_like=True):
    """The key by which a source knows an item."""

    source: str
    key: str
