"""Writes of changes: statements inside a transaction."""

from collections.abc import Sequence

from msgspec.structs import asdict

from datasources.aurora.driver.transaction import Transaction
from datasources.aurora.statements import statements
from datasources.records.changes import ChangeRecord

_STATEMENTS = "changes/writes"


async def insert(transaction: Transaction, record: ChangeRecord, proposer: str) -> ChangeRecord:
    """Insert a change and return it. The database sets the state, the version and the number; numbers that are taken
    are skipped in growing steps."""
    bound, step = asdict(record) | {"proposer": proposer}, 1
    while True:
        [number] = await transaction.fetch(statements(_STATEMENTS)["change_number"], {"step": step}, str)
        bound["number"] = number
        rows = await transaction.fetch(statements(_STATEMENTS)["change_insert"], bound, ChangeRecord)
        if rows:
            return rows[0]
        step *= 2


async def lock(transaction: Transaction, id: str) -> ChangeRecord | None:
    """Lock the change until the transaction ends, and return it."""
    rows = await transaction.fetch(statements(_STATEMENTS)["changes_locked"], {"ids": [id]}, ChangeRecord)
    return rows[0] if rows else None


async def fetch_proposers(transaction: Transaction, id: str) -> list[str]:
    """Return the principals who proposed or edited the change, each as KIND:subject."""
    return await transaction.fetch(statements(_STATEMENTS)["change_proposers"], {"id": id}, str)


async def update(
    transaction: Transaction, record: ChangeRecord, stamps: Sequence[str] = (), proposer: str | None = None
) -> ChangeRecord:
    """Update a locked change; the version increases. `stamps` names times to set; `proposer` is added if given."""
    bound = asdict(record) | {"stamps": list(stamps), "proposer": proposer}
    [updated] = await transaction.fetch(statements(_STATEMENTS)["change_update"], bound, ChangeRecord)
    return updated


async def link(transaction: Transaction, id: str, items: Sequence[str]) -> list[str]:
    """Link items; return those that were not linked before."""
    bound = {"id": id, "items": list(items)}
    return await transaction.fetch(statements(_STATEMENTS)["change_items_linked"], bound, str)


async def unlink(transaction: Transaction, id: str, items: Sequence[str]) -> list[str]:
    """Unlink items; return those that were linked."""
    bound = {"id": id, "items": list(items)}
    return await transaction.fetch(statements(_STATEMENTS)["change_items_unlinked"], bound, str)
