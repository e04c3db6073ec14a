"""Configuration items: the managed things, and the nodes of the graph."""

from datetime import datetime

import strawberry
from strawberry.scalars import JSON

from datasources.records.configuration_items import (
    ConfigurationItemRecord,
    ConfigurationItemStatus,
    Criticality,
    Environment,
)
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
    order_input,
)
from schema.declarations.lookup import by_unique_key
from schema.declarations.node import Node, id_field
from schema.documents.types import HasDocuments
from schema.impact.types import HasImpact
from schema.incidents.types import HasIncidents, IncidentFilter
from schema.lazy_types import (
    CONFIGURATION_ITEM_PAGES,
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
    "The status of a configuration item.",
    PLANNED="It is planned and not in use yet.",
    ACTIVE="It is in use.",
    MAINTENANCE="It is being worked on.",
    RETIRED="It is no longer in use; its history remains.",
)
register_enum(
    Environment,
    "What a configuration item is used for.",
    PRODUCTION="It serves the work of the organisation.",
    STAGING="It is for the last tests before production.",
    TEST="It is for tests of software.",
    DEVELOPMENT="It is for the development of software.",
    UNKNOWN="The sources do not say.",
)
register_enum(
    Criticality,
    "How much the organisation depends on a configuration item.",
    LOW="Its loss would hardly be noticed.",
    MEDIUM="Its loss would hinder some work.",
    HIGH="Its loss would stop some work.",
    CRITICAL="Its loss would stop the organisation.",
)


@strawberry.type(description="A key by which a source identifies a configuration item.")
class IdentificationKey:
    source: str = attribute("The source, for example `cmdb`.")
    key: str = attribute("The key that the source uses.")


@strawberry.input(description="A key by which a source identifies a configuration item.")
class IdentificationKeyInput:
    source: str = strawberry.field(description="The source, for example `demo`.")
    key: str = strawberry.field(description="The key that the source uses, for example `redis`.")


@strawberry.type(description="A managed thing: a service, a server, a database, a network device ...")
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
    class_key: str = attribute("The key of its class; costs no statement.")
    status: ConfigurationItemStatus = attribute("Its status.")
    environment: Environment = attribute("What it is used for.")
    criticality: Criticality = attribute("How much the organisation depends on it.")
    attributes: JSON = attribute("Further attributes from its sources.")
    version: int = attribute("Increases by one with each write.")
    valid_from: datetime = attribute("The time from which this version is valid.")
    keys: list[IdentificationKey] | None = link(
        IdentificationKeysByConfigurationItem,
        "The keys by which its sources identify it.",
        key="id",
        needs=READ_PERMISSION,
        size=3,
    )
    owner: LazyTeam | None = link(TeamById, "The team that owns it.", key="owner_team_id", needs="teams:read")


@strawberry.type(description="A page of configuration items.")
class ConfigurationItemConnection(Connection[ConfigurationItem]):
    groups: list[Group] = groups(
        "ConfigurationItem",
        "configuration items",
        CLASS="By class; each subclass is a separate group.",
        STATUS="By status.",
        ENVIRONMENT="By environment.",
        CRITICALITY="By criticality.",
    )


@strawberry.input(description="Conditions on configuration items; all given conditions must hold.")
class ConfigurationItemFilter:
    id: IdFilter | None = condition("Its global id.")
    name: TextFilter | None = condition("Its name.")
    class_: KeyFilter | None = strawberry.field(
        name="class", default=strawberry.UNSET, description="Its class; subclasses are included."
    )
    status: Filter[ConfigurationItemStatus] | None = condition("Its status.")
    environment: Filter[Environment] | None = condition("What it is used for.")
    criticality: Filter[Criticality] | None = condition("How much the organisation depends on it.")
    attributes: JsonFilter | None = condition("Its further attributes.")
    valid_from: DateTimeFilter | None = condition("The time from which its current version is valid.")
    owner: LazyTeamFilter | None = condition("The team that owns it.")
    changes: ToMany[ChangeFilter] | None = condition("The changes that modify it.")
    incidents: ToMany[IncidentFilter] | None = condition("Its incidents that you are permitted to see.")
    and_: list["ConfigurationItemFilter"] | None = all_of()
    or_: list["ConfigurationItemFilter"] | None = any_of()
    not_: "ConfigurationItemFilter | None" = none_of()


ConfigurationItemOrder = order_input(
    "ConfigurationItem",
    "configuration items",
    NAME="By name.",
    VALID_FROM="By the time from which the current version is valid.",
)


@strawberry.type
class ConfigurationItemQueries:
    configuration_item: ConfigurationItem | None = by_unique_key(
        ConfigurationItem,
        "One configuration item, by id or by an identification key; null if there is none.",
        {
            "key": (
                Argument("key", IdentificationKeyInput | None, 'For example `{source: "demo", key: "redis"}`.'),
                ConfigurationItemByIdentificationKey,
                lambda key: (key.source, key.key),
            )
        },
    )
    configuration_items: ConfigurationItemConnection | None = connection(
        ConfigurationItems,
        "All configuration items, by name.",
        pages=CONFIGURATION_ITEM_PAGES,
    )
    configuration_item_classes: list[ConfigurationItemClass] | None = field(
        lambda context, _parent, _arguments: context.loader(ConfigurationItemClasses).load(None),
        "All classes of configuration items, by key. One statement.",
        needs=READ_PERMISSION,
        size=100,
    )
