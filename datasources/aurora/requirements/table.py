"""Requirements in the requirements database, which refers to configuration items by id only."""

from datasources.aurora.tables.predicates import Column
from datasources.aurora.tables.table import Table
from datasources.records.requirements import RequirementRecord

REQUIREMENTS = Table(
    domain="requirements",
    record=RequirementRecord,
    alias="r",
    columns={
        "id": Column("r.id", "uuid"),
        "key": Column("r.key", indexed=True),
        "title": Column("r.title", spelled=True, indexed=True),
        "kind": Column("r.kind", grouped=True),
        "state": Column("r.state", grouped=True),
        "priority": Column("r.priority", grouped=True),
        "updated_at": Column("r.updated_at", "timestamptz", indexed=True),
    },
    database="requirements",
    links=frozenset({"configuration_item"}),
    also_reads=("requirement_configuration_items",),
)
