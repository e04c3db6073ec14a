"""All tables by their domain, as the targets of relations in predicates."""

from collections.abc import Mapping
from typing import Any

from datasources.aurora.changes.table import CHANGES
from datasources.aurora.configuration_items.table import CONFIGURATION_ITEMS
from datasources.aurora.documents.table import DOCUMENTS
from datasources.aurora.incidents.table import INCIDENTS
from datasources.aurora.relationships.table import RELATIONSHIPS
from datasources.aurora.requirements.table import REQUIREMENTS
from datasources.aurora.tables.table import Table
from datasources.aurora.teams.table import TEAMS
from datasources.aurora.users.table import USERS
from datasources.aurora.workflow_runs.table import WORKFLOW_RUNS
from datasources.aurora.workflows.table import WORKFLOWS

TABLES: Mapping[str, Table[Any]] = {
    table.domain: table
    for table in (
        CHANGES,
        CONFIGURATION_ITEMS,
        DOCUMENTS,
        INCIDENTS,
        RELATIONSHIPS,
        REQUIREMENTS,
        TEAMS,
        USERS,
        WORKFLOW_RUNS,
        WORKFLOWS,
    )
}
