"""Requirements: rules that configuration items must meet."""

from datetime import datetime

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
from schema.declarations.connections import Connection, Group, PageDeclaration, connection, groups
from schema.declarations.enums import register_enum
from schema.declarations.fields import Argument, attribute
from schema.declarations.filters import (
    DateTimeFilter,
    Filter,
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
    LazyConfigurationItemConnection,
)

READ_PERMISSION = "requirements:read"

register_enum(
    RequirementKind,
    "The kind of a requirement.",
    FUNCTIONAL="What an item must do.",
    AVAILABILITY="The share of time that an item must be available.",
    PERFORMANCE="How fast an item must be, or how much load it must handle.",
    SECURITY="The threats that an item must be protected from.",
    COMPLIANCE="What laws, contracts or policies require of an item.",
)
register_enum(
    RequirementState,
    "The state of a requirement.",
    PROPOSED="It is proposed and not decided yet.",
    ACCEPTED="It is accepted and not met yet.",
    MET="It is accepted and met.",
    REJECTED="It was rejected.",
    WITHDRAWN="It was withdrawn: it is no longer requested.",
)
register_enum(
    RequirementPriority,
    "The priority of a requirement.",
    LOW="Low priority.",
    MEDIUM="Medium priority.",
    HIGH="High priority.",
    CRITICAL="Critical: the highest priority.",
)


@strawberry.type(
    description="A rule that configuration items must meet, for example to be available for 99.9% of a month."
)
class Requirement(Node):
    record = RequirementRecord
    prefix = "req"
    by_id = RequirementById
    needs = READ_PERMISSION

    id: strawberry.ID = id_field("req")
    key: str = attribute("Its key, unique, for example `REQ-17`.")
    title: str = attribute("What must hold, in one line.")
    description: str = attribute("What must hold, in detail; can be empty.")
    kind: RequirementKind = attribute("Its kind, for example `AVAILABILITY`.")
    state: RequirementState = attribute("Its state.")
    priority: RequirementPriority = attribute("Its priority.")
    version: int = attribute("Increases by one with each write.")
    updated_at: datetime = attribute("When it last changed.")
    configuration_items: LazyConfigurationItemConnection | None = connection(
        ConfigurationItemsByRequirement,
        "The configuration items that must meet it, by name. One statement in each of two databases.",
        key="id",
        pages=CONFIGURATION_ITEM_PAGES,
    )


@strawberry.type(description="A page of requirements.")
class RequirementConnection(Connection[Requirement]):
    groups: list[Group] = groups(
        "Requirement", "requirements", KIND="By kind.", STATE="By state.", PRIORITY="By priority."
    )


@strawberry.input(description="Conditions on requirements; all given conditions must hold.")
class RequirementFilter:
    id: IdFilter | None = condition("Its global id.")
    key: TextFilter | None = condition("Its key.")
    title: TextFilter | None = condition("Its title.")
    kind: Filter[RequirementKind] | None = condition("Its kind.")
    state: Filter[RequirementState] | None = condition("Its state.")
    priority: Filter[RequirementPriority] | None = condition("Its priority.")
    updated_at: DateTimeFilter | None = condition("When it last changed.")
    and_: list["RequirementFilter"] | None = all_of()
    or_: list["RequirementFilter"] | None = any_of()
    not_: "RequirementFilter | None" = none_of()


RequirementOrder = order_input(
    "Requirement",
    "requirements",
    KEY="By key.",
    TITLE="By title.",
    UPDATED_AT="By the time of the last change.",
)
REQUIREMENT_PAGES = PageDeclaration(READ_PERMISSION, RequirementFilter | None, RequirementOrder | None, Order("key"))


@strawberry.type
class HasRequirements:
    """Adds the field `requirements` to a type."""

    requirements: RequirementConnection | None = connection(
        RequirementsByConfigurationItem,
        "The requirements that it must meet, by key.",
        key="id",
        pages=REQUIREMENT_PAGES,
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
        pages=REQUIREMENT_PAGES,
    )
