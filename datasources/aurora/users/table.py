"""Users in the main database."""

from datasources.aurora.tables.predicates import Column
from datasources.aurora.tables.table import Table
from datasources.records.users import UserRecord

USERS = Table(
    domain="users",
    record=UserRecord,
    alias="u",
    columns={
        "id": Column("u.id", "uuid"),
        "key": Column("u.key", indexed=True),
        "name": Column("u.name", spelled=True, indexed=True),
        "email": Column("u.email"),
        "active": Column("u.active", "boolean"),
    },
    relations={"teams": "teams"},
)
