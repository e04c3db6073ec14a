"""Users and their memberships in teams."""

from datetime import datetime

import strawberry

from datasources.records.queries import Order
from datasources.records.teams import MembershipRole
from datasources.records.users import MembershipRecord, UserRecord
from resolvers.teams.loaders import TeamById, TeamsByUser
from resolvers.users.loaders import MembershipsByUser, UserById, UserByKey, Users
from schema.declarations.connections import Connection, PageDeclaration, connection
from schema.declarations.enums import register_enum
from schema.declarations.fields import Argument, attribute, link
from schema.declarations.filters import (
    BooleanFilter,
    IdFilter,
    TextFilter,
    ToMany,
    all_of,
    any_of,
    condition,
    none_of,
    order_input,
)
from schema.declarations.lookup import by_unique_key
from schema.declarations.node import Node, id_field
from schema.lazy_types import TEAM_PAGES, LazyTeam, LazyTeamConnection, LazyTeamFilter

READ_PERMISSION = "users:read"

register_enum(
    MembershipRole,
    "The role of a person in a team.",
    MEMBER="Works in the team.",
    LEAD="Leads the team.",
)


@strawberry.type(description="The membership of one person in one team.")
class Membership:
    record = MembershipRecord

    role: MembershipRole = attribute("The role of the person in the team, for example `LEAD`.")
    team: LazyTeam | None = link(TeamById, "The team.", key="team_id", needs="teams:read")
    user: "User | None" = link(UserById, "The person.", key="user_id", needs=READ_PERMISSION)


@strawberry.type(description="A person who works on incidents and changes.")
class User(Node):
    record = UserRecord
    prefix = "user"
    by_id = UserById
    needs = READ_PERMISSION

    id: strawberry.ID = id_field("user")
    key: str = attribute("Their short name, unique, for example `ada`.")
    name: str = attribute("Their full name, for example `Ada Lovelace`.")
    email: str = attribute("Their e-mail address, for example `ada@example.org`; can be empty.")
    active: bool = attribute("Whether they still work here. The names of former users remain on old work.")
    version: int = attribute("Increases by one with each write.")
    updated_at: datetime = attribute("When it last changed.")
    memberships: list[Membership] | None = link(
        MembershipsByUser,
        "Their memberships in teams, by name of the team. One statement.",
        key="id",
        needs="teams:read",
        size=5,
    )
    teams: LazyTeamConnection | None = connection(
        TeamsByUser,
        "The teams they belong to, by name.",
        key="id",
        pages=TEAM_PAGES,
    )


@strawberry.type(description="A page of users.")
class UserConnection(Connection[User]):
    pass


@strawberry.input(description="Conditions on users; all given conditions must hold.")
class UserFilter:
    id: IdFilter | None = condition("Its global id.")
    key: TextFilter | None = condition("Their key.")
    name: TextFilter | None = condition("Their full name.")
    email: TextFilter | None = condition("Their e-mail address.")
    active: BooleanFilter | None = condition("Whether they still work here.")
    teams: ToMany[LazyTeamFilter] | None = condition("The teams they belong to.")
    and_: list["UserFilter"] | None = all_of()
    or_: list["UserFilter"] | None = any_of()
    not_: "UserFilter | None" = none_of()


UserOrder = order_input(
    "User",
    "users",
    KEY="By key.",
    NAME="By name.",
)
USER_PAGES = PageDeclaration(READ_PERMISSION, UserFilter | None, UserOrder | None, Order("name"))


@strawberry.type
class UserQueries:
    user: User | None = by_unique_key(
        User,
        "One user, by id or by key; null if there is none.",
        {"key": (Argument("key", str | None, "Their key, for example `ada`."), UserByKey, str)},
    )
    users: UserConnection | None = connection(
        Users,
        "All users, by name.",
        pages=USER_PAGES,
    )
