"""Writes of relationships: statements inside a transaction, each for any number of rows."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from datasources.aurora.driver.column_values import dump_document
from datasources.aurora.driver.row_factory import KeyedRecord
from datasources.aurora.driver.transaction import Transaction
from datasources.aurora.statements import Statement, statements
from datasources.records.configuration_items import ConfigurationItemStatus
from datasources.records.relationship_types import Impact
from datasources.records.relationships import RelationshipRecord


class Identity(NamedTuple):
    """The columns that identify a relationship."""

    from_id: str
    to_id: str
    type_key: str
    source: str


class ImpactEdge(NamedTuple):
    """The items between which a relationship passes on a failure, from and to; None if it does not."""

    id: str
    impact_from_id: str | None
    impact_to_id: str | None


def identity(record: RelationshipRecord) -> Identity:
    """Return the identity of a relationship."""
    return Identity(from_id=record.from_id, to_id=record.to_id, type_key=record.type_key, source=record.source)


async def lock_endpoints(transaction: Transaction, ids: Iterable[str]) -> dict[str, ConfigurationItemStatus]:
    """Lock items until the transaction ends, and return their status; unknown ones are left out."""
    status = KeyedRecord(ConfigurationItemStatus)
    return dict(await transaction.fetch(_statement("relationship_ends"), {"ids": sorted(ids)}, status))


async def lock_types(transaction: Transaction, keys: Iterable[str]) -> dict[str, Impact]:
    """Lock types until the transaction ends, and return their impact; unknown ones are left out."""
    impact = KeyedRecord(Impact)
    return dict(await transaction.fetch(_statement("relationship_types_held"), {"keys": sorted(keys)}, impact))


async def insert(transaction: Transaction, records: Sequence[RelationshipRecord]) -> set[str]:
    """Insert relationships by one statement; return the ids of those that did not exist."""
    bound = {
        "ids": [each.id for each in records],
        **_identities([identity(each) for each in records]),
        "attributes": [dump_document(each.attributes) for each in records],
        "group_ids": [each.redundancy_group_id for each in records],
    }
    return set(await transaction.fetch(_statement("relationships_insert"), bound, str))


async def lock_by_identity(transaction: Transaction, wanted: Sequence[Identity]) -> dict[Identity, RelationshipRecord]:
    """Lock and return the relationships with these identities; unknown ones are left out."""
    rows = await transaction.fetch(_statement("relationships_alike_locked"), _identities(wanted), RelationshipRecord)
    return {identity(record): record for record in rows}


async def lock(transaction: Transaction, ids: Iterable[str]) -> dict[str, RelationshipRecord]:
    """Lock and return relationships by id; unknown ones are left out."""
    rows = await transaction.fetch(_statement("relationships_locked"), {"ids": sorted(ids)}, RelationshipRecord)
    return {record.id: record for record in rows}


async def update(transaction: Transaction, records: Sequence[RelationshipRecord]) -> None:
    """Write attributes and groups of locked relationships, by one statement."""
    bound = {
        "ids": [each.id for each in records],
        "attributes": [dump_document(each.attributes) for each in records],
        "group_ids": [each.redundancy_group_id for each in records],
    }
    await transaction.execute(_statement("relationships_update"), bound)


async def delete(transaction: Transaction, id: str) -> None:
    """Delete a locked relationship."""
    await transaction.execute(_statement("relationship_delete"), {"id": id})


async def fetch_impact_edges(transaction: Transaction, ids: Iterable[str]) -> dict[str, ImpactEdge]:
    """Return the direction in which relationships pass on failures, by id."""
    rows = await transaction.fetch(_statement("relationship_impacts"), {"ids": sorted(ids)}, ImpactEdge)
    return {each.id: each for each in rows}


def _identities(wanted: Sequence[Identity]) -> dict[str, object]:
    return {
        "from_ids": [each.from_id for each in wanted],
        "to_ids": [each.to_id for each in wanted],
        "type_keys": [each.type_key for each in wanted],
        "sources": [each.source for each in wanted],
    }


def _statement(name: str) -> Statement:
    return statements("relationships/writes")[name]
