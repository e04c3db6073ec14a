"""Relationship types in the main database."""

from collections.abc import Sequence

from datasources.aurora.driver.database import Database
from datasources.aurora.driver.row_factory import KeyedRecord
from datasources.aurora.statements import statements
from datasources.records.relationship_types import RelationshipTypeRecord


async def fetch_types_by_keys(database: Database, keys: Sequence[str]) -> dict[str, RelationshipTypeRecord]:
    """Return relationship types by key; unknown keys are left out."""
    statement = statements("relationship_types/table")["relationship_types_by_keys"]
    return dict(await database.fetch(statement, {"keys": list(keys)}, KeyedRecord(RelationshipTypeRecord)))


async def fetch_types(database: Database) -> list[RelationshipTypeRecord]:
    """Return all relationship types, ordered by key."""
    statement = statements("relationship_types/table")["relationship_types_all"]
    return await database.fetch(statement, {}, RelationshipTypeRecord)
