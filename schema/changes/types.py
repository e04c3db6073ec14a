"""Changes: planned work on configuration items."""

from datetime import datetime

import strawberry

from datasources.records.changes import ChangeRecord, ChangeRisk, ChangeState, ChangeType
from datasources.records.queries import Order
from resolvers.changes.loaders import ChangeById, ChangeByNumber, Changes, ChangesByConfigurationItem
from resolvers.configuration_items.loaders import ConfigurationItemsByChange
from resolvers.incidents.loaders import IncidentsByChange
from resolvers.teams.loaders import TeamById
from resolvers.users.loaders import UserById
from schema.declarations.connections import Connection, Group, PageDeclaration, connection, groups
from schema.declarations.enums import register_enum
from schema.declarations.fields import Argument, attribute, link
from schema.declarations.filters import (
    DateTimeFilter,
    Filter,
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
from schema.lazy_types import (
    CONFIGURATION_ITEM_PAGES,
    INCIDENT_PAGES,
    LazyConfigurationItemConnection,
    LazyConfigurationItemFilter,
    LazyIncidentConnection,
    LazyIncidentFilter,
    LazyTeam,
    LazyTeamFilter,
    LazyUser,
    LazyUserFilter,
)

READ_PERMISSION = "changes:read"
LATEST_FIRST = Order("planned_start_or_never", descending=True)

register_enum(
    ChangeType,
    "How much approval a change needs.",
    STANDARD="Routine work that is approved in advance.",
    NORMAL="Work that must be approved before it begins.",
    EMERGENCY="Urgent work that cannot wait for the usual approval.",
)
register_enum(
    ChangeState,
    "The state of a change.",
    PROPOSED="It is proposed and not approved yet.",
    APPROVED="It is approved and not scheduled yet.",
    SCHEDULED="It is approved and has a planned time.",
    IN_PROGRESS="Work has begun.",
    COMPLETED="Work has ended and achieved its purpose.",
    FAILED="Work has ended and did not achieve its purpose.",
    CANCELLED="It was cancelled before its work began.",
)
register_enum(
    ChangeRisk,
    "How likely a change is to cause harm.",
    LOW="Harm is unlikely.",
    MEDIUM="Harm is possible.",
    HIGH="Harm is likely.",
    UNKNOWN="The risk was not assessed.",
)


@strawberry.type(description="Planned work on configuration items.")
class Change(Node):
    record = ChangeRecord
    prefix = "chg"
    by_id = ChangeById
    needs = READ_PERMISSION

    id: strawberry.ID = id_field("chg")
    number: str = attribute("Its number, unique, for example `CHG0000001`.")
    title: str = attribute("What will be done, in one line.")
    description: str = attribute("What will be done, in detail; can be empty.")
    type: ChangeType = attribute("How much approval it needs, for example `EMERGENCY`.")
    state: ChangeState = attribute("Its state.")
    risk: ChangeRisk = attribute("How likely it is to cause harm.")
    planned_start: datetime | None = attribute("When the work will begin; null if it is not planned yet.")
    planned_end: datetime | None = attribute("When the work will end; null if it is not planned yet.")
    actual_start: datetime | None = attribute("When the work began; null if it has not begun.")
    actual_end: datetime | None = attribute("When the work ended; null if it has not ended.")
    version: int = attribute("Increases by one with each write.")
    updated_at: datetime = attribute("When it last changed.")
    team: LazyTeam | None = link(TeamById, "The team that does the work.", key="team_id", needs="teams:read")
    assignee: LazyUser | None = link(UserById, "The person who does the work.", key="assignee_id", needs="users:read")
    configuration_items: LazyConfigurationItemConnection | None = connection(
        ConfigurationItemsByChange,
        "The configuration items it modifies, by name.",
        key="id",
        pages=CONFIGURATION_ITEM_PAGES,
    )
    incidents: LazyIncidentConnection | None = connection(
        IncidentsByChange,
        "The incidents related to it that you are permitted to see, newest first.",
        key="id",
        pages=INCIDENT_PAGES,
    )


@strawberry.type(description="A page of changes.")
class ChangeConnection(Connection[Change]):
    groups: list[Group] = groups("Change", "changes", STATE="By state.", TYPE="By type.", RISK="By risk.")


@strawberry.input(description="Conditions on changes; all given conditions must hold.")
class ChangeFilter:
    id: IdFilter | None = condition("Its global id.")
    number: TextFilter | None = condition("Its number.")
    title: TextFilter | None = condition("Its title.")
    type: Filter[ChangeType] | None = condition("Its type.")
    state: Filter[ChangeState] | None = condition("Its state.")
    risk: Filter[ChangeRisk] | None = condition("Its risk.")
    planned_start: DateTimeFilter | None = condition("When the work will begin; null if it is not planned yet.")
    planned_end: DateTimeFilter | None = condition("When the work will end; null if it is not planned yet.")
    updated_at: DateTimeFilter | None = condition("When it last changed.")
    team: LazyTeamFilter | None = condition("The team that does the work.")
    assignee: LazyUserFilter | None = condition("The person who does the work.")
    configuration_items: ToMany[LazyConfigurationItemFilter] | None = condition("The configuration items it modifies.")
    incidents: ToMany[LazyIncidentFilter] | None = condition(
        "The incidents related to it that you are permitted to see."
    )
    and_: list["ChangeFilter"] | None = all_of()
    or_: list["ChangeFilter"] | None = any_of()
    not_: "ChangeFilter | None" = none_of()


ChangeOrder = order_input(
    "Change",
    "changes",
    NUMBER="By number.",
    PLANNED_START=("planned_start_or_never", "By planned start; changes without one count as latest."),
    UPDATED_AT="By the time of the last change.",
)
CHANGE_PAGES = PageDeclaration(READ_PERMISSION, ChangeFilter | None, ChangeOrder | None, LATEST_FIRST)


@strawberry.type
class HasChanges:
    """Adds the field `changes` to a type."""

    changes: ChangeConnection | None = connection(
        ChangesByConfigurationItem,
        "The changes that modify it: first those not planned yet, then by planned start, latest first.",
        key="id",
        pages=CHANGE_PAGES,
    )


@strawberry.type
class ChangeQueries:
    change: Change | None = by_unique_key(
        Change,
        "One change, by id or by number; null if there is none.",
        {"number": (Argument("number", str | None, "Its number, for example `CHG0000001`."), ChangeByNumber, str)},
    )
    changes: ChangeConnection | None = connection(
        Changes,
        "All changes: first those not planned yet, then by planned start, latest first.",
        pages=CHANGE_PAGES,
    )
