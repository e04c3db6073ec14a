"""Configuration items in the main database."""

from collections.abc import Sequence

from datasources.aurora.driver.database import Database
from datasources.aurora.driver.row_factory import KeyedRecord
from datasources.aurora.statements import statements
from datasources.aurora.tables.predicates import Column
from datasources.aurora.tables.table import Table
from datasources.records.configuration_items import ConfigurationItemClassRecord, ConfigurationItemRecord

CONFIGURATION_ITEMS = Table(
    domain="configuration_items",
    record=ConfigurationItemRecord,
    alias="c",
    columns={
        "id": Column("c.id", "uuid"),
        "name": Column("c.name", spelled=True, indexed=True),
        "class": Column(
            "c.class_key",
            grouped=True,
            within="c.class_key IN (SELECT d.key FROM configuration_item_class_descendants d "
            "WHERE d.ancestor_key = ANY({}))",
        ),
        "status": Column("c.status", grouped=True),
        "environment": Column("c.environment", grouped=True),
        "criticality": Column("c.criticality", grouped=True),
        "attributes": Column("c.attributes", "jsonb"),
        "valid_from": Column("c.valid_from", "timestamptz", indexed=True),
    },
    relations={"incidents": "incidents", "changes": "changes", "owner": "teams"},
    links=frozenset({"team", "incident", "class", "workflow", "change", "document", "requirement"}),
    text_links=frozenset({"class"}),
    also_reads=(
        "configuration_item_classes",
        "incident_configuration_items",
        "change_configuration_items",
        "document_configuration_items",
        "workflow_configuration_items",
    ),
)


async def fetch_by_identification_keys(
    database: Database, keys: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], ConfigurationItemRecord]:
    """Return items by (source, key); unknown keys are left out."""
    statement = statements("configuration_items/table")["configuration_items_by_identification_keys"]
    bound = {"sources": [source for source, _ in keys], "keys": [key for _, key in keys]}
    row = KeyedRecord(KeyedRecord(ConfigurationItemRecord), "lookup_source")
    return {(source, key): record for source, (key, record) in await database.fetch(statement, bound, row)}


async def fetch_classes_by_keys(database: Database, keys: Sequence[str]) -> dict[str, ConfigurationItemClassRecord]:
    """Return classes by key; unknown keys are left out."""
    statement = statements("configuration_items/table")["configuration_item_classes_by_keys"]
    return dict(await database.fetch(statement, {"keys": list(keys)}, KeyedRecord(ConfigurationItemClassRecord)))


async def fetch_classes(database: Database) -> list[ConfigurationItemClassRecord]:
    """Return the whole taxonomy, ordered by key."""
    statement = statements("configuration_items/table")["configuration_item_classes_all"]
    return await database.fetch(statement, {}, ConfigurationItemClassRecord)
