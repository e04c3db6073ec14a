"""Writes of incidents: statements inside a transaction."""

from collections.abc import Sequence

from msgspec.structs import asdict
from uuid_utils import uuid7

from datasources.aurora.driver.transaction import Transaction
from datasources.aurora.statements import statements
from datasources.records.incidents import IncidentRecord, IncidentRole
from datasources.records.queries import Scope

_STATEMENTS = "incidents/writes"


async def insert(transaction: Transaction, record: IncidentRecord) -> IncidentRecord:
    """Insert an incident and return it. The database sets state, times, version and number.

    Taken numbers are skipped in steps of one, two, four and so on, so that a long series of imported ones ends soon.
    """
    bound, step = asdict(record) | {"attributes": None}, 1
    while True:
        [number] = await transaction.fetch(statements(_STATEMENTS)["incident_number"], {"step": step}, str)
        bound["number"] = number
        rows = await transaction.fetch(statements(_STATEMENTS)["incident_insert"], bound, IncidentRecord)
        if rows:
            return rows[0]
        step *= 2


async def lock(transaction: Transaction, id: str, scope: Scope) -> IncidentRecord | None:
    """Lock the incident until the transaction ends, and return it; None if the caller may not see it."""
    bound = {"ids": [id], "sees_restricted": scope.sees_restricted, "team_keys": list(scope.team_keys)}
    rows = await transaction.fetch(statements(_STATEMENTS)["incidents_locked"], bound, IncidentRecord)
    return rows[0] if rows else None


async def update(
    transaction: Transaction, record: IncidentRecord, stamps: Sequence[str] = (), clears: Sequence[str] = ()
) -> IncidentRecord:
    """Update a locked incident; the version increases. `stamps` and `clears` name times to set and to clear."""
    bound = asdict(record) | {"attributes": None, "stamps": list(stamps), "clears": list(clears)}
    [updated] = await transaction.fetch(statements(_STATEMENTS)["incident_update"], bound, IncidentRecord)
    return updated


async def append_activity(
    transaction: Transaction, incident_id: str, kind: str, body: str, *, team_id: str | None, user_key: str | None
) -> None:
    """Append an entry to the incident's timeline with the current time; `user_key` names its author, if known."""
    bound = {
        "id": str(uuid7()), "incident_id": incident_id, "kind": kind, "body": body, "team_id": team_id,
        "user_key": user_key,
    }  # fmt: skip
    await transaction.execute(statements(_STATEMENTS)["incident_activity_insert"], bound)


async def link(transaction: Transaction, id: str, role: IncidentRole, items: Sequence[str]) -> list[str]:
    """Link items in this role; return those that were not linked before."""
    bound = {"id": id, "role": role.value, "items": list(items)}
    return await transaction.fetch(statements(_STATEMENTS)["incident_items_linked"], bound, str)


async def unlink(transaction: Transaction, id: str, role: IncidentRole, items: Sequence[str]) -> list[str]:
    """Unlink items from this role; return those that were linked."""
    bound = {"id": id, "role": role.value, "items": list(items)}
    return await transaction.fetch(statements(_STATEMENTS)["incident_items_unlinked"], bound, str)
