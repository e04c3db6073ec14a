"""Changes in the main database."""

from datasources.aurora.tables.predicates import Column
from datasources.aurora.tables.table import Table
from datasources.records.changes import ChangeRecord

CHANGES = Table(
    domain="changes",
    record=ChangeRecord,
    alias="h",
    columns={
        "id": Column("h.id", "uuid"),
        "number": Column("h.number", indexed=True),
        "title": Column("h.title", spelled=True),
        "type": Column("h.type", grouped=True),
        "state": Column("h.state", grouped=True),
        "risk": Column("h.risk", grouped=True),
        "planned_start": Column("h.planned_start", "timestamptz"),
        # Unplanned changes come after all others, so that the order has no nulls.
        "planned_start_or_never": Column(
            "coalesce(h.planned_start, 'infinity'::timestamptz)", "timestamptz", indexed=True
        ),
        "planned_end": Column("h.planned_end", "timestamptz"),
        "updated_at": Column("h.updated_at", "timestamptz", indexed=True),
    },
    relations={
        "configuration_items": "configuration_items",
        "incidents": "incidents",
        "team": "teams",
        "assignee": "users",
    },
    links=frozenset({"configuration_item"}),
    also_reads=("change_configuration_items",),
)
