"""Changes written: statements inside a transaction."""

from collections.abc import Sequence

from msgspec.structs import asdict

from datasources.aurora.driver.transaction import Transaction
from datasources.aurora.statements import statements
from datasources.records.changes import ChangeRecord

_STATEMENTS = "changes/writes"


async def insert(transaction: Transaction, record: ChangeRecord, proposer: str) -> ChangeRecord:
    """A new change as it now is. State and version are the database's, and so is the number: a taken one is passed
    over in growing steps."""
    bound, step = asdict(record) | {"proposer": proposer}, 1
    while True:
        [number] = await transaction.fetch(statements(_STATEMENTS)["change_number"], {"step": step}, str)
        bound["number"] = number
        found = await transaction.fetch(statements(_STATEMENTS)["change_insert"], bound, ChangeRecord)
        if found:
            return found[0]
        step *= 2


async def lock(transaction: Transaction, id: str) -> ChangeRecord | None:
    """The change as it is and stays until the transaction ends."""
    found = await transaction.fetch(statements(_STATEMENTS)["changes_locked"], {"ids": [id]}, ChangeRecord)
    return found[0] if found else None


async def fetch_proposers(transaction: Transaction, id: str) -> list[str]:
    """Who had a hand in the proposal, each as KIND:subject."""
    return await transaction.fetch(statements(_STATEMENTS)["change_proposers"], {"id": id}, str)


async def update(
    transaction: Transaction, record: ChangeRecord, stamps: Sequence[str] = (), proposer: str | None = None
) -> ChangeRecord:
    """A locked change as it is to be, one version further. `stamps` names times to set; `proposer` is remembered."""
    bound = asdict(record) | {"stamps": list(stamps), "proposer": proposer}
    [updated] = await transaction.fetch(statements(_STATEMENTS)["change_update"], bound, ChangeRecord)
    return updated


async def link(transaction: Transaction, id: str, items: Sequence[str]) -> list[str]:
    """Those items that were not linked before."""
    bound = {"id": id, "items": list(items)}
    return await transaction.fetch(statements(_STATEMENTS)["change_items_linked"], bound, str)


async def unlink(transaction: Transaction, id: str, items: Sequence[str]) -> list[str]:
    """Those items that were linked."""
    bound = {"id": id, "items": list(items)}
    return await transaction.fetch(statements(_STATEMENTS)["change_items_unlinked"], bound, str)
