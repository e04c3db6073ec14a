"""Incidents: something is broken, or a request for help."""

from datetime import datetime

import strawberry
from strawberry.scalars import JSON

from datasources.records.incidents import IncidentRecord, IncidentRole, IncidentState
from datasources.records.queries import Order
from resolvers.changes.loaders import ChangeById
from resolvers.configuration_items.loaders import ConfigurationItemsByIncident
from resolvers.documents.loaders import DocumentByKey
from resolvers.incidents.loaders import (
    ActivitiesByIncident,
    IncidentById,
    IncidentByNumber,
    Incidents,
    IncidentsByConfigurationItem,
)
from resolvers.teams.loaders import TeamById
from resolvers.users.loaders import UserById
from schema.answers.types import HasSuggestedRunbooks
from schema.declarations.connections import Connection, Group, connection, groups
from schema.declarations.enums import register_enum
from schema.declarations.fields import Argument, attribute, link
from schema.declarations.filters import (
    DateTimeFilter,
    Filter,
    IdFilter,
    IntFilter,
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
from schema.impact.blast_radius import HasBlastRadius
from schema.incident_help.similar_incidents import HasSimilarIncidents
from schema.incident_help.summary import HasSummary
from schema.incidents.alerts import HasAlerts
from schema.lazy_types import (
    CONFIGURATION_ITEM_PAGES,
    INCIDENT_PAGES,
    LazyChange,
    LazyChangeFilter,
    LazyConfigurationItemConnection,
    LazyConfigurationItemFilter,
    LazyDocument,
    LazyTeam,
    LazyTeamFilter,
    LazyUser,
    LazyUserFilter,
)
from schema.workflow_runs.types import HasIncidentWorkflowRuns

READ_PERMISSION = "incidents:read"
NEWEST_FIRST = Order("opened_at", descending=True)

register_enum(
    IncidentState,
    "The state of an incident.",
    NEW="Work has not begun.",
    IN_PROGRESS="Work has begun.",
    ON_HOLD="Work waits for something outside the team.",
    RESOLVED="The fault is fixed; the incident can still be reopened.",
    CLOSED="It is finished.",
    CANCELLED="It was opened by mistake or cancelled.",
)
register_enum(
    IncidentRole,
    "The role of a configuration item in an incident.",
    AFFECTED="It suffers from the failure.",
    CAUSE="It is the reason of the failure.",
)

ROLE_ARGUMENT = Argument("role", IncidentRole | None, "Only this role, AFFECTED or CAUSE.")


@strawberry.type(description="An entry in the timeline of an incident.")
class IncidentActivity:
    id: strawberry.ID = attribute("Its id, which the citations of a summary name.")
    kind: str = attribute("What happened, in the words of the source, for example `Reassignment`.")
    body: str = attribute("The text; can be empty.")
    happened_at: datetime = attribute("When it happened.")
    team: LazyTeam | None = link(TeamById, "The team that acted.", key="team_id", needs="teams:read")
    user: LazyUser | None = link(UserById, "The person who acted.", key="user_id", needs="users:read")
    document_key: str = attribute("The key of the document it refers to; can be empty.")
    document: LazyDocument | None = link(
        DocumentByKey,
        "The document it refers to; null if it refers to none, or to an unknown one.",
        key=lambda record: record.document_key or None,
        needs="documents:read",
    )


@strawberry.type(
    description="Something is broken, or a request for help. A restricted incident is visible only to its team and to "
    "callers with `incidents:read-restricted`."
)
class Incident(
    Node, HasIncidentWorkflowRuns, HasAlerts, HasBlastRadius, HasSuggestedRunbooks, HasSimilarIncidents, HasSummary
):
    record = IncidentRecord
    prefix = "inc"
    by_id = IncidentById
    needs = READ_PERMISSION

    id: strawberry.ID = id_field("inc")
    number: str = attribute("Its number, unique, for example `INC0001001`.")
    title: str = attribute("What is wrong, in one line.")
    description: str = attribute("What is wrong, in detail; can be empty.")
    state: IncidentState = attribute("Its state.")
    impact: int = attribute("How far it reaches, from 1 (highest) to 5.")
    urgency: int = attribute("How soon it must be solved, from 1 (highest) to 5.")
    priority: int = attribute("Its priority, computed from impact and urgency, from 1 (highest) to 5.")
    category: str = attribute("Its category, in the words of the source; can be empty.")
    restricted: bool = attribute(
        "Whether it is restricted to its team.", of=lambda record: record.restricted_team_id is not None
    )
    resolution_code: str = attribute("How it was solved, as a code; can be empty.")
    resolution: str = attribute("How it was solved; can be empty.")
    opened_at: datetime = attribute("When it was opened.")
    reopened_at: datetime | None = attribute("When it was last reopened; null if never.")
    resolved_at: datetime | None = attribute("When it was resolved; null if it is not resolved.")
    closed_at: datetime | None = attribute("When it was closed; null if it is not closed.")
    attributes: JSON = attribute("Further attributes from its source.")
    version: int = attribute("Increases by one with each write.")
    updated_at: datetime = attribute("When it last changed.")
    team: LazyTeam | None = link(TeamById, "The team that works on it.", key="team_id", needs="teams:read")
    assignee: LazyUser | None = link(UserById, "The person who works on it.", key="assignee_id", needs="users:read")
    change: LazyChange | None = link(ChangeById, "The change it is related to.", key="change_id", needs="changes:read")
    activities: list[IncidentActivity] | None = link(
        ActivitiesByIncident,
        "Its timeline, oldest entries first. One statement.",
        key="id",
        needs=READ_PERMISSION,
        size=20,
    )
    configuration_items: LazyConfigurationItemConnection | None = connection(
        ConfigurationItemsByIncident,
        "The affected and causing configuration items, each once, by name.",
        key="id",
        pages=CONFIGURATION_ITEM_PAGES,
        more_arguments=(ROLE_ARGUMENT,),
        link_parameters=lambda arguments: (("role", arguments.get("role")),),
    )


@strawberry.type(description="A page of incidents.")
class IncidentConnection(Connection[Incident]):
    groups: list[Group] = groups(
        "Incident",
        "incidents",
        STATE="By state.",
        PRIORITY="By priority; 1 is the highest.",
        IMPACT="By impact; 1 is the highest.",
        URGENCY="By urgency; 1 is the highest.",
        CATEGORY="By category.",
    )


@strawberry.input(description="Conditions on incidents; all given conditions must hold.")
class IncidentFilter:
    id: IdFilter | None = condition("Its global id.")
    number: TextFilter | None = condition("Its number.")
    title: TextFilter | None = condition("Its title.")
    state: Filter[IncidentState] | None = condition("Its state.")
    impact: IntFilter | None = condition("Its impact, from 1 (highest) to 5.")
    urgency: IntFilter | None = condition("Its urgency, from 1 (highest) to 5.")
    priority: IntFilter | None = condition("Its priority, from 1 (highest) to 5.")
    category: KeyFilter | None = condition("Its category.")
    opened_at: DateTimeFilter | None = condition("When it was opened.")
    resolved_at: DateTimeFilter | None = condition("When it was resolved.")
    updated_at: DateTimeFilter | None = condition("When it last changed.")
    team: LazyTeamFilter | None = condition("The team that works on it.")
    assignee: LazyUserFilter | None = condition("The person who works on it.")
    change: LazyChangeFilter | None = condition("The change it is related to.")
    configuration_items: ToMany[LazyConfigurationItemFilter] | None = condition(
        "The affected and causing configuration items."
    )
    and_: list["IncidentFilter"] | None = all_of()
    or_: list["IncidentFilter"] | None = any_of()
    not_: "IncidentFilter | None" = none_of()


IncidentOrder = order_input(
    "Incident",
    "incidents",
    NUMBER="By number.",
    OPENED_AT="By the time of opening.",
    PRIORITY="By priority; 1 is the highest.",
    UPDATED_AT="By the time of the last change.",
)


@strawberry.type
class HasIncidents:
    """Adds the field `incidents` to a type."""

    incidents: IncidentConnection | None = connection(
        IncidentsByConfigurationItem,
        "The incidents that affect it or that it caused and that you are permitted to see, each once, newest first.",
        key="id",
        pages=INCIDENT_PAGES,
        more_arguments=(ROLE_ARGUMENT,),
        link_parameters=lambda arguments: (("role", arguments.get("role")),),
    )


@strawberry.type
class IncidentQueries:
    incident: Incident | None = by_unique_key(
        Incident,
        "One incident, by id or by number; null if there is none that you are permitted to see.",
        {"number": (Argument("number", str | None, "Its number, for example `INC0001001`."), IncidentByNumber, str)},
    )
    incidents: IncidentConnection | None = connection(
        Incidents,
        "All incidents that you are permitted to see, newest first.",
        pages=INCIDENT_PAGES,
    )
