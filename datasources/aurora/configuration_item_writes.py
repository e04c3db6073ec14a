"""Configuration items written: statements inside a transaction."""

from collections.abc import Sequence

import orjson

from datasources.aurora.statements import statements
from datasources.aurora.transaction import Transaction
from datasources.records.configuration_items import ConfigurationItemRecord

_STATEMENTS = "configuration_item_writes"


async def insert(transaction: Transaction, record: ConfigurationItemRecord) -> None:
    """A new item; version and valid_from are the database's."""
    await transaction.execute(
        statements(_STATEMENTS)["configuration_item_insert"],
        {
            "id": record.id,
            "name": record.name,
            "class_key": record.class_key,
            "status": record.status.value,
            "environment": record.environment.value,
            "criticality": record.criticality.value,
            "owner_team_id": record.owner_team_id,
            "attributes": orjson.dumps(record.attributes).decode(),
        },
    )


async def class_is_known(transaction: Transaction, key: str) -> bool:
    """Whether there is such a class."""
    return bool(await transaction.fetch(statements(_STATEMENTS)["configuration_item_class_known"], {"key": key}, bool))


async def locked(transaction: Transaction, ids: Sequence[str]) -> dict[str, ConfigurationItemRecord]:
    """The items as they are and stay until the transaction ends, by id; unknown ones are left out."""
    found = await transaction.fetch(
        statements(_STATEMENTS)["configuration_items_locked"], {"ids": list(ids)}, ConfigurationItemRecord
    )
    return {record.id: record for record in found}
