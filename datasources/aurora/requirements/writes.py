"""Requirements written: statements inside a transaction of the requirements database."""

from collections.abc import Sequence

from msgspec.structs import asdict

from datasources.aurora.driver.transaction import Transaction
from datasources.aurora.statements import statements
from datasources.records.requirements import RequirementRecord

_STATEMENTS = "requirements/writes"

# Links go by source and key. One that was made by id says so, and has the id for a key.
MANUAL_SOURCE = "manual"


async def insert(transaction: Transaction, record: RequirementRecord) -> RequirementRecord | None:
    """A new requirement as it now is, None if its key is taken. State and version are the database's."""
    found = await transaction.fetch(statements(_STATEMENTS)["requirement_insert"], asdict(record), RequirementRecord)
    return found[0] if found else None


async def lock(transaction: Transaction, id: str) -> RequirementRecord | None:
    """The requirement as it is and stays until the transaction ends."""
    found = await transaction.fetch(statements(_STATEMENTS)["requirement_locked"], {"id": id}, RequirementRecord)
    return found[0] if found else None


async def update(transaction: Transaction, record: RequirementRecord) -> RequirementRecord:
    """A locked requirement as it is to be, one version further."""
    [updated] = await transaction.fetch(
        statements(_STATEMENTS)["requirement_update"], asdict(record), RequirementRecord
    )
    return updated


async def link(transaction: Transaction, id: str, items: Sequence[str]) -> list[str]:
    """Those items that were not linked before."""
    bound = {"id": id, "source": MANUAL_SOURCE, "items": list(items)}
    return await transaction.fetch(statements(_STATEMENTS)["requirement_items_linked"], bound, str)


async def unlink(transaction: Transaction, id: str, items: Sequence[str]) -> set[str]:
    """Those items that were linked, by however many keys."""
    bound = {"id": id, "items": list(items)}
    return set(await transaction.fetch(statements(_STATEMENTS)["requirement_items_unlinked"], bound, str))
