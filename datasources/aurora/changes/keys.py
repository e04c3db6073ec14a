"""Changes by the keys of other systems: statements inside a transaction."""

from collections.abc import Sequence

from datasources.aurora.driver.transaction import Transaction
from datasources.aurora.statements import statements

_STATEMENTS = "changes/keys"


async def find(transaction: Transaction, source: str, key: str) -> str | None:
    """The id of the change; None for an unknown key."""
    bound = {"source": source, "key": key}
    found = await transaction.fetch(statements(_STATEMENTS)["change_key_found"], bound, str)
    return found[0] if found else None


async def insert(transaction: Transaction, source: str, key: str, id: str) -> None:
    """Remember a new key. SourceDuplicate if somebody was faster."""
    bound = {"source": source, "key": key, "id": id}
    await transaction.execute(statements(_STATEMENTS)["change_key_kept"], bound)


async def filter_unlinked(transaction: Transaction, id: str, items: Sequence[str]) -> list[str]:
    """Those items that a locked change is not linked to."""
    bound = {"id": id, "items": list(items)}
    return await transaction.fetch(statements(_STATEMENTS)["change_items_not_linked"], bound, str)
