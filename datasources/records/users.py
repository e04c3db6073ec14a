"""People who work on incidents and changes, and their memberships in teams."""

from datetime import datetime

from msgspec import Struct

from datasources.records.teams import MembershipRole


class UserRecord(Struct, frozen=True, array_like=True):
    """A person. One who has left is stored as not active, so that old work still has a name."""

    id: str
    key: str
    name: str
    email: str
    active: bool
    version: int
    updated_at: datetime


class MembershipRecord(Struct, frozen=True, array_like=True):
    """The membership of one person in one team."""

    team_id: str
    user_id: str
    role: MembershipRole
