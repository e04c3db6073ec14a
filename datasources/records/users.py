"""People who work on incidents and changes, and what they are in their teams."""

from datetime import datetime

from msgspec import Struct

from datasources.records.teams import MembershipRole


class UserRecord(Struct, frozen=True, array_like=True):
    """A person. One who left stays, not active, so that old work keeps its name."""

    id: str
    key: str
    name: str
    email: str
    active: bool
    version: int
    updated_at: datetime


class MembershipRecord(Struct, frozen=True, array_like=True):
    """One person in one team."""

    team_id: str
    user_id: str
    role: MembershipRole
