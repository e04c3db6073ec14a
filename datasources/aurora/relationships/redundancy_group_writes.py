"""Redundancy groups written: statements inside a transaction. Who locks a group and its members locks it first."""

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
    """Groups by id, and those that these relationships are in, locked; unknown ones are left out."""
    bound = {"ids": sorted(ids), "relationship_ids": sorted(relationship_ids)}
    return {
        group.id: group
        for group in await transaction.fetch(_statement("redundancy_groups_locked"), bound, RedundancyGroupRow)
    }


async def insert(transaction: Transaction, group: RedundancyGroupRow) -> bool:
    """A new group; False, and nothing done, where the dependent has one of the name."""
    return bool(await transaction.fetch(_statement("redundancy_group_insert"), group._asdict(), bool))


async def lock_by_name(transaction: Transaction, dependent_id: str, name: str) -> RedundancyGroupRow | None:
    """The group of a dependent by name, locked."""
    bound = {"dependent_id": dependent_id, "name": name}
    found = await transaction.fetch(_statement("redundancy_group_named"), bound, RedundancyGroupRow)
    return found[0] if found else None


async def update(transaction: Transaction, id: str, needed: int) -> None:
    """How many members a locked group needs."""
    await transaction.execute(_statement("redundancy_group_update"), {"id": id, "needed": needed})


async def delete(transaction: Transaction, id: str) -> None:
    """Take a locked group away."""
    await transaction.execute(_statement("redundancy_group_delete"), {"id": id})


async def lock_relationships(
    transaction: Transaction, id: str, ids: Iterable[str] = ()
) -> dict[str, RelationshipRecord]:
    """The relationships in a group, and others by id, locked."""
    bound = {"id": id, "ids": sorted(ids)}
    found = await transaction.fetch(_statement("redundancy_group_relationships"), bound, RelationshipRecord)
    return {record.id: record for record in found}


async def count_members(transaction: Transaction, id: str, without: str) -> int:
    """How many different items are members of a group, one of its relationships taken away."""
    bound = {"id": id, "without": without}
    [count] = await transaction.fetch(_statement("redundancy_group_members"), bound, int)
    return count


def _statement(name: str) -> Statement:
    return statements("relationships/redundancy_group_writes")[name]
