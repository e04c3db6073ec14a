"""Requirements: what configuration items must do or be."""

from datetime import datetime
from enum import StrEnum

import strawberry

from datasources.records.queries import Order
from datasources.records.requirements import RequirementKind, RequirementPriority, RequirementRecord, RequirementState
from resolvers.configuration_items.loaders import ConfigurationItemsByRequirement
from resolvers.requirements.loaders import (
    RequirementById,
    RequirementByKey,
    Requirements,
    RequirementsByConfigurationItem,
)
from schema.declarations.connections import Connection, Group, connection, groups
from schema.declarations.enums import register_enum
from schema.declarations.fields import Argument, attribute
from schema.declarations.filters import (
    DateTimeFilter,
    Direction,
    Filter,
    IdFilter,
    TextFilter,
    all_of,
    any_of,
    condition,
    none_of,
    order_direction,
    order_field,
)
from schema.declarations.lookup import by_unique_key
from schema.declarations.node import Node, id_field
from schema.lazy_types import LazyConfigurationItemConnection, LazyConfigurationItemFilter, LazyConfigurationItemOrder

READ_PERMISSION = "requirements:read"

register_enum(
    RequirementKind,
    "What a requirement is about.",
    FUNCTIONAL="What an item must do.",
    AVAILABILITY="How much of the time an item must be up.",
    PERFORMANCE="How fast an item must be, or how much it must bear.",
    SECURITY="What an item must be guarded against.",
    COMPLIANCE="What law, contract or policy asks of an item.",
)
register_enum(
    RequirementState,
    "Where a requirement is in its life.",
    PROPOSED="Somebody asks for it; nobody has decided yet.",
    ACCEPTED="It was agreed to and is not met yet.",
    MET="It was agreed to and is met.",
    REJECTED="It was decided against.",
    WITHDRAWN="Nobody asks for it any more.",
)
register_enum(
    RequirementPriority,
    "How much depends on a requirement.",
    LOW="Little depends on it.",
    MEDIUM="Something depends on it.",
    HIGH="Much depends on it.",
    CRITICAL="Everything depends on it.",
)


@strawberry.type(description="What configuration items must do or be, for example to be up 99.9% of a month.")
class Requirement(Node):
    record = RequirementRecord
    prefix = "req"
    by_id = RequirementById
    needs = READ_PERMISSION

    id: strawberry.ID = id_field("req")
    key: str = attribute("Its key, unique, for example `REQ-17`.")
    title: str = attribute("What must hold, in a line.")
    description: str = attribute("What must hold, at length; may be empty.")
    kind: RequirementKind = attribute("What it is about, for example `AVAILABILITY`.")
    state: RequirementState = attribute("Where it is in its life.")
    priority: RequirementPriority = attribute("How much depends on it.")
    version: int = attribute("Goes up by one with each change.")
    updated_at: datetime = attribute("When it last changed.")
    configuration_items: LazyConfigurationItemConnection | None = connection(
        ConfigurationItemsByRequirement,
        "The configuration items that must meet it, by name. One statement in each of two databases.",
        key="id",
        needs="configuration-items:read",
        filter=LazyConfigurationItemFilter | None,
        order=LazyConfigurationItemOrder | None,
        default_order=Order("name"),
    )


class RequirementGroupBy(StrEnum):
    KIND = "kind"
    STATE = "state"
    PRIORITY = "priority"


register_enum(
    RequirementGroupBy,
    "What requirements can be grouped by.",
    KIND="By what it is about.",
    STATE="By where it is in its life.",
    PRIORITY="By how much depends on it.",
)


@strawberry.type(description="A page of requirements.")
class RequirementConnection(Connection[Requirement]):
    groups: list[Group] = groups(RequirementGroupBy)


@strawberry.input(description="Which requirements. All that is given must hold.")
class RequirementFilter:
    id: IdFilter | None = condition("Its global id.")
    key: TextFilter | None = condition("Its key.")
    title: TextFilter | None = condition("Its title.")
    kind: Filter[RequirementKind] | None = condition("What kind of requirement it is.")
    state: Filter[RequirementState] | None = condition("Where it is in its life.")
    priority: Filter[RequirementPriority] | None = condition("How much it matters.")
    updated_at: DateTimeFilter | None = condition("When it last changed.")
    and_: list["RequirementFilter"] | None = all_of()
    or_: list["RequirementFilter"] | None = any_of()
    not_: "RequirementFilter | None" = none_of()


class RequirementOrderField(StrEnum):
    KEY = "key"
    TITLE = "title"
    UPDATED_AT = "updated_at"


register_enum(
    RequirementOrderField,
    "What requirements can be ordered by.",
    KEY="By key.",
    TITLE="By title.",
    UPDATED_AT="By when it last changed.",
)


@strawberry.input(description="An order of requirements.")
class RequirementOrder:
    field: RequirementOrderField = order_field()
    direction: Direction = order_direction()


@strawberry.type
class HasRequirements:
    """What hangs requirements on a configuration item."""

    requirements: RequirementConnection | None = connection(
        RequirementsByConfigurationItem,
        "The requirements that it must meet, by key.",
        key="id",
        needs=READ_PERMISSION,
        filter=RequirementFilter | None,
        order=RequirementOrder | None,
        default_order=Order("key"),
    )


@strawberry.type
class RequirementQueries:
    requirement: Requirement | None = by_unique_key(
        Requirement,
        "One requirement, by id or by key; null if there is none.",
        {"key": (Argument("key", str | None, "Its key, for example `REQ-17`."), RequirementByKey, str)},
    )
    requirements: RequirementConnection | None = connection(
        Requirements,
        "All requirements, by key.",
        needs=READ_PERMISSION,
        filter=RequirementFilter | None,
        order=RequirementOrder | None,
        default_order=Order("key"),
    )
