"""Incidents written: statements inside a transaction."""

from collections.abc import Sequence

from msgspec.structs import asdict
from uuid_utils import uuid7

from datasources.aurora.driver.transaction import Transaction
from datasources.aurora.statements import statements
from datasources.records.incidents import IncidentRecord, IncidentRole
from datasources.records.queries import Scope

_STATEMENTS = "incidents/writes"


async def insert(transaction: Transaction, record: IncidentRecord) -> IncidentRecord:
    """A new incident as it now is. State, times and version are the database's, and so is the number.

    A taken number is passed over: one, then two, then four more, so that a long row of imported ones ends soon.
    """
    bound, step = asdict(record) | {"attributes": None}, 1
    while True:
        [number] = await transaction.fetch(statements(_STATEMENTS)["incident_number"], {"step": step}, str)
        bound["number"] = number
        found = await transaction.fetch(statements(_STATEMENTS)["incident_insert"], bound, IncidentRecord)
        if found:
            return found[0]
        step *= 2


async def lock(transaction: Transaction, id: str, scope: Scope) -> IncidentRecord | None:
    """The incident as it is and stays until the transaction ends; None for one that the asker may not see."""
    bound = {"ids": [id], "sees_restricted": scope.sees_restricted, "team_keys": list(scope.team_keys)}
    found = await transaction.fetch(statements(_STATEMENTS)["incidents_locked"], bound, IncidentRecord)
    return found[0] if found else None


async def update(
    transaction: Transaction, record: IncidentRecord, stamps: Sequence[str] = (), clears: Sequence[str] = ()
) -> IncidentRecord:
    """A locked incident as it is to be, one version further. `stamps` and `clears` name times to set and to empty."""
    bound = asdict(record) | {"attributes": None, "stamps": list(stamps), "clears": list(clears)}
    [updated] = await transaction.fetch(statements(_STATEMENTS)["incident_update"], bound, IncidentRecord)
    return updated


async def append_activity(
    transaction: Transaction, incident_id: str, kind: str, body: str, *, team_id: str | None, user_key: str | None
) -> None:
    """Something that happened to the incident just now; `user_key` is who did it, if that may be a known user."""
    bound = {
        "id": str(uuid7()), "incident_id": incident_id, "kind": kind, "body": body, "team_id": team_id,
        "user_key": user_key,
    }  # fmt: skip
    await transaction.execute(statements(_STATEMENTS)["incident_activity_insert"], bound)


async def link(transaction: Transaction, id: str, role: IncidentRole, items: Sequence[str]) -> list[str]:
    """Those items that were not linked in this role before."""
    bound = {"id": id, "role": role.value, "items": list(items)}
    return await transaction.fetch(statements(_STATEMENTS)["incident_items_linked"], bound, str)


async def unlink(transaction: Transaction, id: str, role: IncidentRole, items: Sequence[str]) -> list[str]:
    """Those items that were linked in this role."""
    bound = {"id": id, "role": role.value, "items": list(items)}
    return await transaction.fetch(statements(_STATEMENTS)["incident_items_unlinked"], bound, str)
