"""Keys of incidents in other systems: statements inside a transaction."""

from collections.abc import Sequence

from datasources.aurora.driver.transaction import Transaction
from datasources.aurora.statements import statements
from datasources.records.incidents import IncidentRole

_STATEMENTS = "incidents/keys"


async def find(transaction: Transaction, source: str, key: str) -> str | None:
    """Return the id of the incident; None for an unknown key."""
    bound = {"source": source, "key": key}
    rows = await transaction.fetch(statements(_STATEMENTS)["incident_key_found"], bound, str)
    return rows[0] if rows else None


async def insert(transaction: Transaction, source: str, key: str, id: str) -> None:
    """Store a new key. Raise SourceDuplicate if another transaction stored it first."""
    bound = {"source": source, "key": key, "id": id}
    await transaction.execute(statements(_STATEMENTS)["incident_key_kept"], bound)


async def filter_unlinked(transaction: Transaction, id: str, role: IncidentRole, items: Sequence[str]) -> list[str]:
    """Return those items that a locked incident is not linked to in this role."""
    bound = {"id": id, "role": role.value, "items": list(items)}
    return await transaction.fetch(statements(_STATEMENTS)["incident_items_not_linked"], bound, str)
