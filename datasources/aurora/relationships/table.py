"""Relationships in the main database, by id; the graph walks them."""

from collections.abc import Sequence

from datasources.aurora.driver.database import Database
from datasources.aurora.driver.row_factory import KeyedRecord
from datasources.aurora.statements import statements
from datasources.aurora.tables.table import Table
from datasources.records.relationships import RedundancyGroupRecord, RelationshipRecord

RELATIONSHIPS = Table(domain="relationships", record=RelationshipRecord, alias="r", columns={})


async def fetch_redundancy_groups(database: Database, ids: Sequence[str]) -> dict[str, RedundancyGroupRecord]:
    """Return redundancy groups by id, with their members; unknown ids are left out."""
    statement = statements("relationships/table")["redundancy_groups_by_ids"]
    return dict(await database.fetch(statement, {"keys": list(ids)}, KeyedRecord(_group)))


def _group(id: str, dependent_id: str, name: str, needed: int, members: list[str]) -> RedundancyGroupRecord:
    return RedundancyGroupRecord(id=id, dependent_id=dependent_id, name=name, needed=needed, members=tuple(members))
