"""Writes of classes of items and of relationship types: statements inside a transaction."""

from msgspec import structs, to_builtins

from datasources.aurora.driver.row_factory import EnumRecord
from datasources.aurora.driver.transaction import Transaction
from datasources.aurora.statements import Statement, statements
from datasources.records.configuration_items import ConfigurationItemClassRecord
from datasources.records.relationship_types import RelationshipTypeRecord


async def lock_classes(transaction: Transaction) -> None:
    """Become the only writer of classes until the transaction ends."""
    await transaction.execute(_statement("configuration_item_classes_reserved"), {})


async def fetch_class(transaction: Transaction, key: str) -> ConfigurationItemClassRecord | None:
    """Return a class by key."""
    statement = _statement("configuration_item_class_current")
    rows = await transaction.fetch(statement, {"key": key}, ConfigurationItemClassRecord)
    return rows[0] if rows else None


async def fetch_ancestry(transaction: Transaction, key: str) -> list[str]:
    """Return a class and its ancestors, nearest first; empty if there is no such class."""
    return await transaction.fetch(_statement("configuration_item_class_ancestry"), {"key": key}, str)


async def upsert_class(transaction: Transaction, record: ConfigurationItemClassRecord) -> None:
    """Insert or update a class."""
    await transaction.execute(_statement("configuration_item_class_upsert"), structs.asdict(record))


async def insert_type(transaction: Transaction, record: RelationshipTypeRecord) -> bool:
    """Insert a type. Return False and change nothing if one with the key exists."""
    return bool(await transaction.fetch(_statement("relationship_type_insert"), _bound(record), bool))


async def lock_type(transaction: Transaction, key: str) -> RelationshipTypeRecord | None:
    """Lock and return a type by key."""
    type_ = EnumRecord(RelationshipTypeRecord)
    rows = await transaction.fetch(_statement("relationship_type_locked"), {"key": key}, type_)
    return rows[0] if rows else None


async def update_type(transaction: Transaction, record: RelationshipTypeRecord) -> None:
    """Update a locked type."""
    await transaction.execute(_statement("relationship_type_update"), _bound(record))


async def count_relationships(transaction: Transaction, key: str) -> int:
    """Return how many relationships have a type; reads each of them, or all if no index helps."""
    [count] = await transaction.fetch(_statement("relationship_type_uses"), {"key": key}, int)
    return count


def _bound(record: RelationshipTypeRecord) -> dict[str, object]:
    bound: dict[str, object] = to_builtins(structs.asdict(record))
    return bound


def _statement(name: str) -> Statement:
    return statements("taxonomy/writes")[name]
