"""The way back by name: types that a domain refers to without importing it.

A domain imports the mixins that other domains hang on it, so what points the other way would close a ring;
`strawberry.lazy("schema.references")` breaks it at run time.
"""

from schema.changes.types import Change, ChangeFilter
from schema.configuration_items.types import (
    ConfigurationItem,
    ConfigurationItemConnection,
    ConfigurationItemFilter,
    ConfigurationItemOrder,
)
from schema.documents.types import Document
from schema.incidents.types import Incident, IncidentConnection, IncidentFilter, IncidentOrder
from schema.teams.types import Team, TeamConnection, TeamFilter, TeamOrder
from schema.users.types import User, UserFilter
from schema.workflows.types import Workflow, WorkflowFilter, WorkflowStep

__all__ = [
    "Change",
    "ChangeFilter",
    "ConfigurationItem",
    "ConfigurationItemConnection",
    "ConfigurationItemFilter",
    "ConfigurationItemOrder",
    "Document",
    "Incident",
    "IncidentConnection",
    "IncidentFilter",
    "IncidentOrder",
    "Team",
    "TeamConnection",
    "TeamFilter",
    "TeamOrder",
    "User",
    "UserFilter",
    "Workflow",
    "WorkflowFilter",
    "WorkflowStep",
]
