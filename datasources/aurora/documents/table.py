"""Documents in the main database; restricted ones are visible to their team, and to callers that can read all."""

from collections.abc import Sequence

from datasources.aurora.driver.database import Database
from datasources.aurora.driver.row_factory import KeyedRecord
from datasources.aurora.statements import statements
from datasources.aurora.tables.predicates import Column
from datasources.aurora.tables.table import Table
from datasources.records.documents import DocumentRecord
from datasources.records.queries import Scope

DOCUMENTS = Table(
    domain="documents",
    record=DocumentRecord,
    alias="d",
    columns={
        "id": Column("d.id", "uuid"),
        "key": Column("d.key", indexed=True),
        "kind": Column("d.kind", grouped=True),
        "title": Column("d.title", spelled=True, indexed=True),
        "source": Column("d.source", grouped=True),
        "updated_at": Column("d.updated_at", "timestamptz"),
    },
    relations={"configuration_items": "configuration_items"},
    links=frozenset({"configuration_item"}),
    restricted=True,
    also_reads=("document_configuration_items", "teams"),
)


async def fetch_bodies_by_ids(database: Database, keys: Sequence[str], scope: Scope) -> dict[str, str]:
    """Return bodies by document id; unknown and invisible ids are left out."""
    bound = {"keys": list(keys), "sees_restricted": scope.sees_restricted, "team_keys": list(scope.team_keys)}
    return dict(await database.fetch(statements("documents/table")["document_bodies_by_ids"], bound, KeyedRecord(str)))
