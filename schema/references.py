"""Types that a domain refers to by name, without importing the module that defines them.

A domain imports the mixins that other domains provide for its types, so an import in the other direction would close a
cycle; `strawberry.lazy("schema.references")` breaks the cycle: it imports this module at run time.
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
