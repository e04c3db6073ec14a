"""Writes of redundancy groups: statements inside a transaction. Lock a group before its members."""

from collections.abc import Iterable
from typing import NamedTuple

from datasources.aurora.driver.transaction import Transaction
from datasources.aurora.statements import Statement, statements
from datasources.records.relationships import RelationshipRecord


class RedundancyGroupRow(NamedTuple):
    """A group without its members."""

    id: str
    dependent_id: str
    name: str
    needed: int


async def lock(
    transaction: Transaction, ids: Iterable[str], relationship_ids: Iterable[str] = ()
) -> dict[str, RedundancyGroupRow]:
    """Lock groups by id, and those that contain these relationships; unknown ones are left out."""
    bound = {"ids": sorted(ids), "relationship_ids": sorted(relationship_ids)}
    return {
        group.id: group
        for group in await transaction.fetch(_statement("redundancy_groups_locked"), bound, RedundancyGroupRow)
    }


async def insert(transaction: Transaction, group: RedundancyGroupRow) -> bool:
    """Insert a group. Return False and change nothing if the dependent has one with that name."""
    return bool(await transaction.fetch(_statement("redundancy_group_insert"), group._asdict(), bool))


async def lock_by_name(transaction: Transaction, dependent_id: str, name: str) -> RedundancyGroupRow | None:
    """Lock and return the group of a dependent by name."""
    bound = {"dependent_id": dependent_id, "name": name}
    rows = await transaction.fetch(_statement("redundancy_group_named"), bound, RedundancyGroupRow)
    return rows[0] if rows else None


async def update(transaction: Transaction, id: str, needed: int) -> None:
    """Set the number of members that a locked group needs."""
    await transaction.execute(_statement("redundancy_group_update"), {"id": id, "needed": needed})


async def delete(transaction: Transaction, id: str) -> None:
    """Delete a locked group."""
    await transaction.execute(_statement("redundancy_group_delete"), {"id": id})


async def lock_relationships(
    transaction: Transaction, id: str, ids: Iterable[str] = ()
) -> dict[str, RelationshipRecord]:
    """Lock and return the relationships in a group, and others by id."""
    bound = {"id": id, "ids": sorted(ids)}
    rows = await transaction.fetch(_statement("redundancy_group_relationships"), bound, RelationshipRecord)
    return {record.id: record for record in rows}


async def count_members(transaction: Transaction, id: str, without: str) -> int:
    """Return how many different items are members of a group, not counting one of its relationships."""
    bound = {"id": id, "without": without}
    [count] = await transaction.fetch(_statement("redundancy_group_members"), bound, int)
    return count


def _statement(name: str) -> Statement:
    return statements("relationships/redundancy_group_writes")[name]
