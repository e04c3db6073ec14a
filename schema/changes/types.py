"""Changes: planned work on configuration items."""

from datetime import datetime
from enum import StrEnum

import strawberry

from datasources.records.changes import ChangeRecord, ChangeRisk, ChangeState, ChangeType
from datasources.records.queries import Order
from resolvers.changes.loaders import ChangeById, ChangeByNumber, Changes, ChangesByConfigurationItem
from resolvers.configuration_items.loaders import ConfigurationItemsByChange
from resolvers.incidents.loaders import IncidentsByChange
from resolvers.teams.loaders import TeamById
from resolvers.users.loaders import UserById
from schema.declarations.connections import Connection, Group, connection, groups
from schema.declarations.enums import register_enum
from schema.declarations.fields import Argument, attribute, link
from schema.declarations.filters import (
    DateTimeFilter,
    Direction,
    Filter,
    IdFilter,
    TextFilter,
    ToMany,
    all_of,
    any_of,
    condition,
    none_of,
    order_direction,
    order_field,
)
from schema.declarations.lookup import by_unique_key
from schema.declarations.node import Node, id_field
from schema.lazy_types import (
    LazyConfigurationItemConnection,
    LazyConfigurationItemFilter,
    LazyConfigurationItemOrder,
    LazyIncidentConnection,
    LazyIncidentFilter,
    LazyIncidentOrder,
    LazyTeam,
    LazyTeamFilter,
    LazyUser,
    LazyUserFilter,
)

READ_PERMISSION = "changes:read"
LATEST_FIRST = Order("planned_start_or_never", descending=True)

register_enum(
    ChangeType,
    "How much approval a change takes.",
    STANDARD="Routine work, approved once and for all.",
    NORMAL="Work that is approved before it begins.",
    EMERGENCY="Work that can't wait for the usual approval.",
)
register_enum(
    ChangeState,
    "Where a change is in its life.",
    PROPOSED="Somebody asks for it; nobody has approved it yet.",
    APPROVED="It may be done; when is not settled.",
    SCHEDULED="It may be done and has its time.",
    IN_PROGRESS="Work has begun.",
    COMPLETED="Work is over and did what it was for.",
    FAILED="Work is over and did not do what it was for.",
    CANCELLED="It was called off.",
)
register_enum(
    ChangeRisk,
    "How likely a change does harm.",
    LOW="Harm is unlikely.",
    MEDIUM="Harm is possible.",
    HIGH="Harm is likely.",
    UNKNOWN="Nobody has judged it.",
)


@strawberry.type(description="Planned work on configuration items.")
class Change(Node):
    record = ChangeRecord
    prefix = "chg"
    by_id = ChangeById
    needs = READ_PERMISSION

    id: strawberry.ID = id_field("chg")
    number: str = attribute("Its number, unique, for example `CHG0000001`.")
    title: str = attribute("What is to be done, in a line.")
    description: str = attribute("What is to be done, at length; may be empty.")
    type: ChangeType = attribute("How much approval it takes, for example `EMERGENCY`.")
    state: ChangeState = attribute("Where it is in its life.")
    risk: ChangeRisk = attribute("How likely it does harm.")
    planned_start: datetime | None = attribute("When work is to begin; null while that is not planned.")
    planned_end: datetime | None = attribute("When work is to end; null while that is not planned.")
    actual_start: datetime | None = attribute("When work began; null while it has not.")
    actual_end: datetime | None = attribute("When work ended; null while it has not.")
    version: int = attribute("Goes up by one with each change of the row.")
    updated_at: datetime = attribute("When it last changed.")
    team: LazyTeam | None = link(TeamById, "The team that does the work.", key="team_id", needs="teams:read")
    assignee: LazyUser | None = link(UserById, "Who does the work.", key="assignee_id", needs="users:read")
    configuration_items: LazyConfigurationItemConnection | None = connection(
        ConfigurationItemsByChange,
        "The configuration items it works on, by name.",
        key="id",
        needs="configuration-items:read",
        filter=LazyConfigurationItemFilter | None,
        order=LazyConfigurationItemOrder | None,
        default_order=Order("name"),
    )
    incidents: LazyIncidentConnection | None = connection(
        IncidentsByChange,
        "The incidents related to it that you may see, newest first.",
        key="id",
        needs="incidents:read",
        filter=LazyIncidentFilter | None,
        order=LazyIncidentOrder | None,
        default_order=Order("opened_at", descending=True),
    )


class ChangeGroupBy(StrEnum):
    STATE = "state"
    TYPE = "type"
    RISK = "risk"


register_enum(
    ChangeGroupBy,
    "What changes can be grouped by.",
    STATE="By where it is in its life.",
    TYPE="By how much approval it takes.",
    RISK="By how likely it does harm.",
)


@strawberry.type(description="A page of changes.")
class ChangeConnection(Connection[Change]):
    groups: list[Group] = groups(ChangeGroupBy)


@strawberry.input(description="Which changes. All that is given must hold.")
class ChangeFilter:
    id: IdFilter | None = condition("Its global id.")
    number: TextFilter | None = condition("Its number.")
    title: TextFilter | None = condition("Its title.")
    type: Filter[ChangeType] | None = condition("How much care it takes.")
    state: Filter[ChangeState] | None = condition("Where it is in its life.")
    risk: Filter[ChangeRisk] | None = condition("How risky it is.")
    planned_start: DateTimeFilter | None = condition("When it is planned to start; null while it is not planned.")
    planned_end: DateTimeFilter | None = condition("When it is planned to end; null while it is not planned.")
    updated_at: DateTimeFilter | None = condition("When it last changed.")
    team: LazyTeamFilter | None = condition("The team that carries it out.")
    assignee: LazyUserFilter | None = condition("The person who carries it out.")
    configuration_items: ToMany[LazyConfigurationItemFilter] | None = condition("The configuration items it touches.")
    incidents: ToMany[LazyIncidentFilter] | None = condition(
        "The incidents it is related to, of those that you may see."
    )
    and_: list["ChangeFilter"] | None = all_of()
    or_: list["ChangeFilter"] | None = any_of()
    not_: "ChangeFilter | None" = none_of()


class ChangeOrderField(StrEnum):
    NUMBER = "number"
    PLANNED_START = "planned_start_or_never"
    UPDATED_AT = "updated_at"


register_enum(
    ChangeOrderField,
    "What changes can be ordered by; what has no planned start counts as planned for never.",
    NUMBER="By number.",
    PLANNED_START="By when work is to begin; what is not planned counts as latest.",
    UPDATED_AT="By when it last changed.",
)


@strawberry.input(description="An order of changes.")
class ChangeOrder:
    field: ChangeOrderField = order_field()
    direction: Direction = order_direction()


@strawberry.type
class HasChanges:
    """What hangs changes on a configuration item."""

    changes: ChangeConnection | None = connection(
        ChangesByConfigurationItem,
        "The changes that work on it: first those not planned yet, then the latest planned start.",
        key="id",
        needs=READ_PERMISSION,
        filter=ChangeFilter | None,
        order=ChangeOrder | None,
        default_order=LATEST_FIRST,
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
        "All changes: first those not planned yet, then the latest planned start.",
        needs=READ_PERMISSION,
        filter=ChangeFilter | None,
        order=ChangeOrder | None,
        default_order=LATEST_FIRST,
    )
