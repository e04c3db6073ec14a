"""Classes of items and types of relationships written: statements inside a transaction."""

import msgspec
from msgspec import structs, to_builtins

from datasources.aurora.driver.transaction import Transaction
from datasources.aurora.statements import Statement, statements
from datasources.records.configuration_items import ConfigurationItemClassRecord
from datasources.records.relationship_types import RelationshipTypeRecord


async def lock_classes(transaction: Transaction) -> None:
    """Be the only writer of classes until the transaction ends."""
    await transaction.execute(_statement("configuration_item_classes_reserved"), {})


async def fetch_class(transaction: Transaction, key: str) -> ConfigurationItemClassRecord | None:
    """A class by key."""
    statement = _statement("configuration_item_class_current")
    found = await transaction.fetch(statement, {"key": key}, ConfigurationItemClassRecord)
    return found[0] if found else None


async def fetch_ancestry(transaction: Transaction, key: str) -> list[str]:
    """A class and the classes above it, nearest first; empty if there is no such class."""
    return await transaction.fetch(_statement("configuration_item_class_ancestry"), {"key": key}, str)


async def upsert_class(transaction: Transaction, record: ConfigurationItemClassRecord) -> None:
    """A class as it is to be, new or not."""
    await transaction.execute(_statement("configuration_item_class_upsert"), structs.asdict(record))


async def insert_type(transaction: Transaction, record: RelationshipTypeRecord) -> bool:
    """A new type; False, and nothing done, where there is one of the key."""
    return bool(await transaction.fetch(_statement("relationship_type_insert"), _bound(record), bool))


async def lock_type(transaction: Transaction, key: str) -> RelationshipTypeRecord | None:
    """A type by key, locked."""
    found = await transaction.fetch(_statement("relationship_type_locked"), {"key": key}, _type)
    return found[0] if found else None


async def update_type(transaction: Transaction, record: RelationshipTypeRecord) -> None:
    """A locked type as it is to be."""
    await transaction.execute(_statement("relationship_type_update"), _bound(record))


async def count_relationships(transaction: Transaction, key: str) -> int:
    """How many relationships are of a type; reads each of them, or all where no index helps."""
    [count] = await transaction.fetch(_statement("relationship_type_uses"), {"key": key}, int)
    return count


def _type(*values: object) -> RelationshipTypeRecord:
    # Columns are text, and rules compare members of enums.
    return msgspec.convert(values, RelationshipTypeRecord)


def _bound(record: RelationshipTypeRecord) -> dict[str, object]:
    bound: dict[str, object] = to_builtins(structs.asdict(record))
    return bound


def _statement(name: str) -> Statement:
    return statements("taxonomy/writes")[name]
