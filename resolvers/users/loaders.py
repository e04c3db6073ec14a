"""Loaders of users and their memberships."""

from datasources.aurora.users.table import USERS
from datasources.records.users import MembershipRecord, UserRecord
from resolvers.loading.tables import PagesBy, RelatedBy, RowBy


class UserById(RowBy[UserRecord]):
    table = USERS


class UserByKey(RowBy[UserRecord]):
    table = USERS
    by = "keys"


class Users(PagesBy[UserRecord]):
    table = USERS


class MembershipsByUser(RelatedBy[MembershipRecord]):
    domain = "users"
    statement = "memberships_by_users"
    record = MembershipRecord
    tables = ("team_memberships", "teams")


class MembershipsByTeam(RelatedBy[MembershipRecord]):
    domain = "users"
    statement = "memberships_by_teams"
    record = MembershipRecord
    tables = ("team_memberships", "users")
