"""Teams, which own configuration items and work on incidents."""

from datetime import datetime

import strawberry

from datasources.records.teams import TeamRecord
from resolvers.configuration_items.loaders import ConfigurationItemsByTeam
from resolvers.incidents.loaders import IncidentsByTeam
from resolvers.teams.loaders import TeamById, TeamByKey, Teams
from resolvers.users.loaders import MembershipsByTeam
from schema.declarations.connections import Connection, connection
from schema.declarations.fields import Argument, attribute, link
from schema.declarations.filters import (
    IdFilter,
    TextFilter,
    all_of,
    any_of,
    condition,
    none_of,
    order_input,
)
from schema.declarations.lookup import by_unique_key
from schema.declarations.node import Node, id_field
from schema.lazy_types import (
    CONFIGURATION_ITEM_PAGES,
    INCIDENT_PAGES,
    TEAM_PAGES,
    LazyConfigurationItemConnection,
    LazyIncidentConnection,
)
from schema.users.types import Membership

READ_PERMISSION = "teams:read"


@strawberry.type(description="A team that owns configuration items and works on incidents.")
class Team(Node):
    record = TeamRecord
    prefix = "team"
    by_id = TeamById
    needs = READ_PERMISSION

    id: strawberry.ID = id_field("team")
    key: str = attribute("Its short name, unique, for example `payments`.")
    name: str = attribute("Its name.")
    description: str = attribute("What it does; can be empty.")
    contact: str = attribute("How to reach it, for example a channel; can be empty.")
    version: int = attribute("Increases by one with each write.")
    updated_at: datetime = attribute("When it last changed.")
    members: list[Membership] | None = link(
        MembershipsByTeam,
        "Its members with their roles, by name of the person. One statement.",
        key="id",
        needs="users:read",
        size=20,
    )
    configuration_items: LazyConfigurationItemConnection | None = connection(
        ConfigurationItemsByTeam,
        "The configuration items it owns, by name.",
        key="id",
        pages=CONFIGURATION_ITEM_PAGES,
    )
    incidents: LazyIncidentConnection | None = connection(
        IncidentsByTeam,
        "The incidents it works on that you are permitted to see, newest first.",
        key="id",
        pages=INCIDENT_PAGES,
    )


@strawberry.type(description="A page of teams.")
class TeamConnection(Connection[Team]):
    pass


@strawberry.input(description="Conditions on teams; all given conditions must hold.")
class TeamFilter:
    id: IdFilter | None = condition("Its global id.")
    key: TextFilter | None = condition("Its key.")
    name: TextFilter | None = condition("Its name.")
    description: TextFilter | None = condition("What it does.")
    and_: list["TeamFilter"] | None = all_of()
    or_: list["TeamFilter"] | None = any_of()
    not_: "TeamFilter | None" = none_of()


TeamOrder = order_input(
    "Team",
    "teams",
    KEY="By key.",
    NAME="By name.",
)


@strawberry.type
class TeamQueries:
    team: Team | None = by_unique_key(
        Team,
        "One team, by id or by key; null if there is none.",
        {"key": (Argument("key", str | None, "Its key, for example `payments`."), TeamByKey, str)},
    )
    teams: TeamConnection | None = connection(
        Teams,
        "All teams, by name.",
        pages=TEAM_PAGES,
    )
