"""Writes of requirements: statements inside a transaction of the requirements database."""

from collections.abc import Sequence

from msgspec.structs import asdict

from datasources.aurora.driver.transaction import Transaction
from datasources.aurora.statements import statements
from datasources.records.requirements import RequirementRecord

_STATEMENTS = "requirements/writes"

# Links refer to items by source and key. A link that was made by id has this source, and the id as its key.
MANUAL_SOURCE = "manual"


async def insert(transaction: Transaction, record: RequirementRecord) -> RequirementRecord | None:
    """Insert a requirement and return it; None if its key is taken. The database sets state and version."""
    rows = await transaction.fetch(statements(_STATEMENTS)["requirement_insert"], asdict(record), RequirementRecord)
    return rows[0] if rows else None


async def lock(transaction: Transaction, id: str) -> RequirementRecord | None:
    """Lock the requirement until the transaction ends, and return it."""
    rows = await transaction.fetch(statements(_STATEMENTS)["requirement_locked"], {"id": id}, RequirementRecord)
    return rows[0] if rows else None


async def update(transaction: Transaction, record: RequirementRecord) -> RequirementRecord:
    """Update a locked requirement; the version increases."""
    [updated] = await transaction.fetch(
        statements(_STATEMENTS)["requirement_update"], asdict(record), RequirementRecord
    )
    return updated


async def link(transaction: Transaction, id: str, items: Sequence[str]) -> list[str]:
    """Link items; return those that were not linked before."""
    bound = {"id": id, "source": MANUAL_SOURCE, "items": list(items)}
    return await transaction.fetch(statements(_STATEMENTS)["requirement_items_linked"], bound, str)


async def unlink(transaction: Transaction, id: str, items: Sequence[str]) -> set[str]:
    """Unlink items, whatever the number of their keys; return those that were linked."""
    bound = {"id": id, "items": list(items)}
    return set(await transaction.fetch(statements(_STATEMENTS)["requirement_items_unlinked"], bound, str))
