"""Writes of configuration items and their identification keys: statements inside a transaction."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from datasources.aurora.driver.column_values import dump_document
from datasources.aurora.driver.row_factory import EnumRecord
from datasources.aurora.driver.transaction import Transaction
from datasources.aurora.statements import Statement, statements
from datasources.records.configuration_items import ConfigurationItemRecord, IdentificationKeyRecord


class KeyOwner(NamedTuple):
    """The item that an identification key belongs to."""

    id: str
    name: str


async def insert(transaction: Transaction, records: Sequence[ConfigurationItemRecord]) -> None:
    """Insert items by one statement; the database sets versions and times."""
    await transaction.execute(
        _statement("configuration_items_insert"),
        {
            "ids": [each.id for each in records],
            "names": [each.name for each in records],
            "class_keys": [each.class_key for each in records],
            "statuses": [each.status.value for each in records],
            "environments": [each.environment.value for each in records],
            "criticalities": [each.criticality.value for each in records],
            "owner_team_ids": [each.owner_team_id for each in records],
            "attributes": [dump_document(each.attributes) for each in records],
        },
    )


async def update(transaction: Transaction, record: ConfigurationItemRecord) -> None:
    """Write the values of a locked item; the database sets its next version and time."""
    await transaction.execute(
        _statement("configuration_item_update"),
        {
            "id": record.id,
            "name": record.name,
            "class_key": record.class_key,
            "status": record.status.value,
            "environment": record.environment.value,
            "criticality": record.criticality.value,
            "owner_team_id": record.owner_team_id,
            "attributes": dump_document(record.attributes),
        },
    )


async def lock_classes(transaction: Transaction, keys: Iterable[str]) -> set[str]:
    """Return those of these classes that exist. They cannot be deleted until the transaction ends."""
    return set(await transaction.fetch(_statement("configuration_item_classes_known"), {"keys": sorted(keys)}, str))


async def lock_teams(transaction: Transaction, ids: Iterable[str]) -> set[str]:
    """Return those of these teams that exist. They cannot be deleted until the transaction ends."""
    return set(await transaction.fetch(_statement("teams_known"), {"ids": sorted(ids)}, str))


async def lock(transaction: Transaction, ids: Sequence[str]) -> dict[str, ConfigurationItemRecord]:
    """Lock items until the transaction ends, and return them by id; unknown ones are left out."""
    item = EnumRecord(ConfigurationItemRecord)
    rows = await transaction.fetch(_statement("configuration_items_locked"), {"ids": list(ids)}, item)
    return {record.id: record for record in rows}


async def add_key(transaction: Transaction, id: str, key: IdentificationKeyRecord) -> bool:
    """Add a key to an item. Return False and change nothing if the key is taken."""
    return bool(await transaction.fetch(_statement("identification_key_insert"), _bound(key) | {"id": id}, bool))


async def find_key_owner(transaction: Transaction, key: IdentificationKeyRecord) -> KeyOwner | None:
    """Return the item that has a key; None if there is none."""
    rows = await transaction.fetch(_statement("identification_key_holder"), _bound(key), KeyOwner)
    return rows[0] if rows else None


async def remove_key(transaction: Transaction, id: str, key: IdentificationKeyRecord) -> bool:
    """Remove a key from an item; return False if the item does not have it."""
    return bool(await transaction.fetch(_statement("identification_key_delete"), _bound(key) | {"id": id}, bool))


async def touch(transaction: Transaction, id: str) -> None:
    """Create a new version of a locked item, as an import does for a new key."""
    await transaction.execute(_statement("configuration_item_touch"), {"id": id})


def _bound(key: IdentificationKeyRecord) -> dict[str, object]:
    return {"source": key.source, "key": key.key}


def _statement(name: str) -> Statement:
    return statements("configuration_items/writes")[name]
