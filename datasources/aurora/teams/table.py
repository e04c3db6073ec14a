"""Teams in the main database."""

from datasources.aurora.tables.predicates import Column
from datasources.aurora.tables.table import Table
from datasources.records.teams import TeamRecord

TEAMS = Table(
    domain="teams",
    record=TeamRecord,
    alias="t",
    columns={
        "id": Column("t.id", "uuid"),
        "key": Column("t.key", indexed=True),
        "name": Column("t.name", spelled=True, indexed=True),
        "description": Column("t.description"),
    },
    links=frozenset({"user"}),
    also_reads=("team_memberships",),
)
