"""Relationships written: statements inside a transaction, each for any number of rows."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from datasources.aurora.driver.column_values import dump_document
from datasources.aurora.driver.transaction import Transaction
from datasources.aurora.statements import Statement, statements
from datasources.records.configuration_items import ConfigurationItemStatus
from datasources.records.relationship_types import Impact
from datasources.records.relationships import RelationshipRecord


class Identity(NamedTuple):
    """What makes a relationship the same one."""

    from_id: str
    to_id: str
    type_key: str
    source: str


class ImpactEdge(NamedTuple):
    """From which item to which a failure travels along a relationship; None where it does not."""

    id: str
    impact_from_id: str | None
    impact_to_id: str | None


def identity(record: RelationshipRecord) -> Identity:
    """The identity of a relationship."""
    return Identity(record.from_id, record.to_id, record.type_key, record.source)


async def lock_endpoints(transaction: Transaction, ids: Iterable[str]) -> dict[str, ConfigurationItemStatus]:
    """The status of items, which stays until the transaction ends; unknown ones are left out."""

    def pair(id_: str, status: str) -> tuple[str, ConfigurationItemStatus]:
        return id_, ConfigurationItemStatus(status)

    return dict(await transaction.fetch(_statement("relationship_ends"), {"ids": sorted(ids)}, pair))


async def lock_types(transaction: Transaction, keys: Iterable[str]) -> dict[str, Impact]:
    """The impact of types, which stays until the transaction ends; unknown ones are left out."""

    def pair(key: str, impact: str) -> tuple[str, Impact]:
        return key, Impact(impact)

    return dict(await transaction.fetch(_statement("relationship_types_held"), {"keys": sorted(keys)}, pair))


async def insert(transaction: Transaction, records: Sequence[RelationshipRecord]) -> set[str]:
    """New relationships, in one statement; the ids of those that were not there yet."""
    bound = {
        "ids": [each.id for each in records],
        **_identities([identity(each) for each in records]),
        "attributes": [dump_document(each.attributes) for each in records],
        "group_ids": [each.redundancy_group_id for each in records],
    }
    return set(await transaction.fetch(_statement("relationships_insert"), bound, str))


async def lock_by_identity(transaction: Transaction, wanted: Sequence[Identity]) -> dict[Identity, RelationshipRecord]:
    """The relationships of these identities, locked; unknown ones are left out."""
    found = await transaction.fetch(_statement("relationships_alike_locked"), _identities(wanted), RelationshipRecord)
    return {identity(record): record for record in found}


async def lock(transaction: Transaction, ids: Iterable[str]) -> dict[str, RelationshipRecord]:
    """Relationships by id, locked; unknown ones are left out."""
    found = await transaction.fetch(_statement("relationships_locked"), {"ids": sorted(ids)}, RelationshipRecord)
    return {record.id: record for record in found}


async def update(transaction: Transaction, records: Sequence[RelationshipRecord]) -> None:
    """Write attributes and groups of locked relationships, in one statement."""
    bound = {
        "ids": [each.id for each in records],
        "attributes": [dump_document(each.attributes) for each in records],
        "group_ids": [each.redundancy_group_id for each in records],
    }
    await transaction.execute(_statement("relationships_update"), bound)


async def delete(transaction: Transaction, id: str) -> None:
    """Take a locked relationship away."""
    await transaction.execute(_statement("relationship_delete"), {"id": id})


async def fetch_impact_edges(transaction: Transaction, ids: Iterable[str]) -> dict[str, ImpactEdge]:
    """Which way a failure travels along relationships, by id."""
    found = await transaction.fetch(_statement("relationship_impacts"), {"ids": sorted(ids)}, ImpactEdge)
    return {each.id: each for each in found}


def _identities(wanted: Sequence[Identity]) -> dict[str, object]:
    return {
        "from_ids": [each.from_id for each in wanted],
        "to_ids": [each.to_id for each in wanted],
        "type_keys": [each.type_key for each in wanted],
        "sources": [each.source for each in wanted],
    }


def _statement(name: str) -> Statement:
    return statements("relationships/writes")[name]
