"""Problems in the main database."""

from datasources.aurora.tables.predicates import Column
from datasources.aurora.tables.table import Table
from datasources.records.problems import ProblemRecord

PROBLEMS = Table(
    domain="problems",
    record=ProblemRecord,
    alias="p",
    columns={
        "id": Column("p.id", "uuid"),
        "key": Column("p.key", indexed=True),
        "title": Column("p.title", indexed=True),
    },
)
