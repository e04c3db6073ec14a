"""The way back by name: types that a domain refers to without importing it.

A domain imports the mixins that other domains hang on it, so what points the other way would close a ring;
`strawberry.lazy("schema.references")` breaks it at run time.
"""

from schema.configuration_items import (
    ConfigurationItem,
    ConfigurationItemConnection,
    ConfigurationItemFilter,
    ConfigurationItemOrder,
)
from schema.incidents import Incident, IncidentConnection, IncidentFilter, IncidentOrder
from schema.teams import Team, TeamConnection, TeamFilter, TeamOrder
from schema.workflows import Workflow, WorkflowFilter, WorkflowStep

__all__ = [
    "ConfigurationItem",
    "ConfigurationItemConnection",
    "ConfigurationItemFilter",
    "ConfigurationItemOrder",
    "Incident",
    "IncidentConnection",
    "IncidentFilter",
    "IncidentOrder",
    "Team",
    "TeamConnection",
    "TeamFilter",
    "TeamOrder",
    "Workflow",
    "WorkflowFilter",
    "WorkflowStep",
]
