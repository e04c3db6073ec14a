"""Types by name, for references that would close an import cycle: Strawberry looks them up in schema.references."""

from typing import Annotated

import strawberry

from datasources.records.queries import Order
from schema.declarations.connections import PageDeclaration

BY_NAME = strawberry.lazy("schema.references")

LazyChange = Annotated["Change", BY_NAME]
LazyChangeFilter = Annotated["ChangeFilter", BY_NAME]
LazyConfigurationItem = Annotated["ConfigurationItem", BY_NAME]
LazyConfigurationItemConnection = Annotated["ConfigurationItemConnection", BY_NAME]
LazyConfigurationItemFilter = Annotated["ConfigurationItemFilter", BY_NAME]
LazyConfigurationItemOrder = Annotated["ConfigurationItemOrder", BY_NAME]
LazyDocument = Annotated["Document", BY_NAME]
LazyIncident = Annotated["Incident", BY_NAME]
LazyIncidentConnection = Annotated["IncidentConnection", BY_NAME]
LazyIncidentFilter = Annotated["IncidentFilter", BY_NAME]
LazyIncidentOrder = Annotated["IncidentOrder", BY_NAME]
LazyTeam = Annotated["Team", BY_NAME]
LazyTeamConnection = Annotated["TeamConnection", BY_NAME]
LazyTeamFilter = Annotated["TeamFilter", BY_NAME]
LazyTeamOrder = Annotated["TeamOrder", BY_NAME]
LazyUser = Annotated["User", BY_NAME]
LazyUserFilter = Annotated["UserFilter", BY_NAME]
LazyWorkflow = Annotated["Workflow", BY_NAME]
LazyWorkflowFilter = Annotated["WorkflowFilter", BY_NAME]
LazyWorkflowStep = Annotated["WorkflowStep", BY_NAME]

CONFIGURATION_ITEM_PAGES = PageDeclaration(
    "configuration-items:read", LazyConfigurationItemFilter | None, LazyConfigurationItemOrder | None, Order("name")
)
INCIDENT_PAGES = PageDeclaration(
    "incidents:read", LazyIncidentFilter | None, LazyIncidentOrder | None, Order("opened_at", descending=True)
)
TEAM_PAGES = PageDeclaration("teams:read", LazyTeamFilter | None, LazyTeamOrder | None, Order("name"))
