"""Incidents in the main database; restricted ones are visible to their team, and to callers that can read all."""

from datasources.aurora.tables.predicates import Column
from datasources.aurora.tables.table import Table
from datasources.records.incidents import IncidentRecord

INCIDENTS = Table(
    domain="incidents",
    record=IncidentRecord,
    alias="i",
    columns={
        "id": Column("i.id", "uuid"),
        "number": Column("i.number", indexed=True),
        "title": Column("i.title", spelled=True),
        "state": Column("i.state", grouped=True),
        "impact": Column("i.impact", "smallint", grouped=True),
        "urgency": Column("i.urgency", "smallint", grouped=True),
        "priority": Column("i.priority", "smallint", indexed=True, grouped=True),
        "category": Column("i.category", grouped=True),
        "opened_at": Column("i.opened_at", "timestamptz", indexed=True),
        "resolved_at": Column("i.resolved_at", "timestamptz"),
        "updated_at": Column("i.updated_at", "timestamptz", indexed=True),
    },
    relations={
        "configuration_items": "configuration_items",
        "team": "teams",
        "assignee": "users",
        "change": "changes",
    },
    links=frozenset({"configuration_item", "team", "change"}),
    restricted=True,
    also_reads=("incident_configuration_items", "teams"),
)
