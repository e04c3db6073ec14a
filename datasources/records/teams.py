"""Teams and the roles of their members."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct


class MembershipRole(StrEnum):
    """The role of a person in a team."""

    MEMBER = "MEMBER"
    LEAD = "LEAD"


class TeamRecord(Struct, frozen=True, array_like=True):
    """A team that owns configuration items and works on incidents."""

    id: str
    key: str
    name: str
    description: str
    contact: str
    version: int
    updated_at: datetime
