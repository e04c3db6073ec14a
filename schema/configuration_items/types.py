"""Configuration items: whatever is managed, and the hub of the graph."""

from datetime import datetime
from enum import StrEnum

import strawberry
from strawberry.scalars import JSON

from datasources.records.configuration_items import (
    ConfigurationItemRecord,
    ConfigurationItemStatus,
    Criticality,
    Environment,
)
from datasources.records.queries import Order
from resolvers.configuration_items.loaders import (
    ConfigurationItemById,
    ConfigurationItemByIdentificationKey,
    ConfigurationItemClassByKey,
    ConfigurationItemClasses,
    ConfigurationItems,
    IdentificationKeysByConfigurationItem,
)
from resolvers.teams.loaders import TeamById
from schema.changes.types import ChangeFilter, HasChanges
from schema.declarations.connections import Connection, Group, connection, groups
from schema.declarations.enums import register_enum
from schema.declarations.fields import Argument, attribute, field, link
from schema.declarations.filters import (
    DateTimeFilter,
    Direction,
    Filter,
    IdFilter,
    JsonFilter,
    KeyFilter,
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
from schema.documents.types import HasDocuments
from schema.impact.types import HasImpact
from schema.incidents.types import HasIncidents, IncidentFilter
from schema.lazy_types import (
    LazyTeam,
    LazyTeamFilter,
)
from schema.relationships.types import HasRelationships
from schema.requirements.types import HasRequirements
from schema.taxonomy.classes import ConfigurationItemClass
from schema.workflow_runs.types import HasWorkflowRuns
from schema.workflows.types import HasWorkflows

READ_PERMISSION = "configuration-items:read"

register_enum(
    ConfigurationItemStatus,
    "Where a configuration item is in its life.",
    PLANNED="It is to come and not in use yet.",
    ACTIVE="It is in use.",
    MAINTENANCE="It is being worked on.",
    RETIRED="It is no longer in use; its history is kept.",
)
register_enum(
    Environment,
    "What a configuration item is used for.",
    PRODUCTION="The organisation's work runs on it.",
    STAGING="The last rehearsal before production.",
    TEST="Software is tested on it.",
    DEVELOPMENT="Software is written on it.",
    UNKNOWN="No source says.",
)
register_enum(
    Criticality,
    "How much the organisation depends on a configuration item.",
    LOW="Its loss would hardly be noticed.",
    MEDIUM="Its loss would hinder some work.",
    HIGH="Its loss would stop some work.",
    CRITICAL="Its loss would stop the organisation.",
)


@strawberry.type(description="By which key a source knows a configuration item.")
class IdentificationKey:
    source: str = attribute("The source, for example `cmdb`.")
    key: str = attribute("The source's own key.")


@strawberry.input(description="The key by which a source knows a configuration item.")
class IdentificationKeyInput:
    source: str = strawberry.field(description="The source, for example `demo`.")
    key: str = strawberry.field(description="The source's own key, for example `redis`.")


@strawberry.type(description="Whatever is managed: a service, a server, a database, a network device ...")
class ConfigurationItem(
    Node,
    HasRelationships,
    HasImpact,
    HasIncidents,
    HasChanges,
    HasRequirements,
    HasDocuments,
    HasWorkflows,
    HasWorkflowRuns,
):
    record = ConfigurationItemRecord
    prefix = "ci"
    by_id = ConfigurationItemById
    needs = READ_PERMISSION

    id: strawberry.ID = id_field("ci")
    name: str = attribute("Its name; not unique.")
    class_: ConfigurationItemClass | None = link(
        ConfigurationItemClassByKey, "Its class.", key="class_key", needs=READ_PERMISSION, name="class"
    )
    class_key: str = attribute("The key of its class, without a look at the taxonomy.")
    status: ConfigurationItemStatus = attribute("Where it is in its life.")
    environment: Environment = attribute("What it is used for.")
    criticality: Criticality = attribute("How much the organisation depends on it.")
    attributes: JSON = attribute("Whatever else its sources say of it.")
    version: int = attribute("Goes up by one with each change.")
    valid_from: datetime = attribute("Since when this version holds.")
    keys: list[IdentificationKey] | None = link(
        IdentificationKeysByConfigurationItem,
        "The keys by which its sources know it.",
        key="id",
        needs=READ_PERMISSION,
        size=3,
    )
    owner: LazyTeam | None = link(TeamById, "The team that answers for it.", key="owner_team_id", needs="teams:read")


class ConfigurationItemGroupBy(StrEnum):
    CLASS = "class"
    STATUS = "status"
    ENVIRONMENT = "environment"
    CRITICALITY = "criticality"


register_enum(
    ConfigurationItemGroupBy,
    "What configuration items can be grouped by.",
    CLASS="By class; a subclass makes a group of its own.",
    STATUS="By where it is in its life.",
    ENVIRONMENT="By what it is used for.",
    CRITICALITY="By how much the organisation depends on it.",
)


@strawberry.type(description="A page of configuration items.")
class ConfigurationItemConnection(Connection[ConfigurationItem]):
    groups: list[Group] = groups(ConfigurationItemGroupBy)


@strawberry.input(description="Which configuration items. All that is given must hold.")
class ConfigurationItemFilter:
    id: IdFilter | None = condition("Its global id.")
    name: TextFilter | None = condition("Its name.")
    class_: KeyFilter | None = strawberry.field(
        name="class", default=strawberry.UNSET, description="Its class; subclasses are included."
    )
    status: Filter[ConfigurationItemStatus] | None = condition("Where it is in its life.")
    environment: Filter[Environment] | None = condition("What it is used for.")
    criticality: Filter[Criticality] | None = condition("How much the organisation depends on it.")
    attributes: JsonFilter | None = condition("What its sources say of it besides.")
    valid_from: DateTimeFilter | None = condition("Since when its current version holds.")
    owner: LazyTeamFilter | None = condition("The team that answers for it.")
    changes: ToMany[ChangeFilter] | None = condition("The changes that work on it.")
    incidents: ToMany[IncidentFilter] | None = condition("Its incidents, of those that you may see.")
    and_: list["ConfigurationItemFilter"] | None = all_of()
    or_: list["ConfigurationItemFilter"] | None = any_of()
    not_: "ConfigurationItemFilter | None" = none_of()


class ConfigurationItemOrderField(StrEnum):
    NAME = "name"
    VALID_FROM = "valid_from"


register_enum(
    ConfigurationItemOrderField,
    "What configuration items can be ordered by.",
    NAME="By name.",
    VALID_FROM="By since when its current version holds.",
)


@strawberry.input(description="An order of configuration items.")
class ConfigurationItemOrder:
    field: ConfigurationItemOrderField = order_field()
    direction: Direction = order_direction()


@strawberry.type
class ConfigurationItemQueries:
    configuration_item: ConfigurationItem | None = by_unique_key(
        ConfigurationItem,
        "One configuration item, by id or by the key of a source; null if there is none.",
        {
            "key": (
                Argument("key", IdentificationKeyInput | None, 'For example `{source: "demo", key: "redis"}`.'),
                ConfigurationItemByIdentificationKey,
                lambda given: (given.source, given.key),
            )
        },
    )
    configuration_items: ConfigurationItemConnection | None = connection(
        ConfigurationItems,
        "All configuration items, by name.",
        needs=READ_PERMISSION,
        filter=ConfigurationItemFilter | None,
        order=ConfigurationItemOrder | None,
        default_order=Order("name"),
    )
    configuration_item_classes: list[ConfigurationItemClass] | None = field(
        lambda context, _parent, _arguments: context.loader(ConfigurationItemClasses).load(None),
        "The whole taxonomy of configuration items, by key. One statement.",
        needs=READ_PERMISSION,
        size=100,
    )
