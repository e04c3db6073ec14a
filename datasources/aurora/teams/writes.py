"""Writes of teams and their memberships: statements inside a transaction."""

from msgspec.structs import asdict

from datasources.aurora.driver.transaction import Transaction
from datasources.aurora.statements import statements
from datasources.records.teams import MembershipRole, TeamRecord
from datasources.records.users import MembershipRecord

_STATEMENTS = "teams/writes"


async def insert(transaction: Transaction, record: TeamRecord) -> TeamRecord | None:
    """Insert a team and return it; None if its key is taken."""
    rows = await transaction.fetch(statements(_STATEMENTS)["team_insert"], asdict(record), TeamRecord)
    return rows[0] if rows else None


async def lock(transaction: Transaction, id: str) -> TeamRecord | None:
    """Lock the team with its memberships until the transaction ends, and return it."""
    rows = await transaction.fetch(statements(_STATEMENTS)["teams_locked"], {"ids": [id]}, TeamRecord)
    return rows[0] if rows else None


async def update(transaction: Transaction, record: TeamRecord) -> TeamRecord:
    """Update a locked team; the version increases."""
    [updated] = await transaction.fetch(statements(_STATEMENTS)["team_update"], asdict(record), TeamRecord)
    return updated


async def fetch_memberships(transaction: Transaction, id: str) -> list[MembershipRecord]:
    """Return the memberships of a team, ordered by the user's id."""
    return await transaction.fetch(statements(_STATEMENTS)["team_memberships_of"], {"id": id}, MembershipRecord)


async def set_membership(transaction: Transaction, id: str, user_id: str, role: MembershipRole) -> None:
    """Add a user to a locked team, or change the role of a member."""
    bound = {"id": id, "user_id": user_id, "role": role.value}
    await transaction.execute(statements(_STATEMENTS)["team_membership_set"], bound)


async def remove_membership(transaction: Transaction, id: str, user_id: str) -> None:
    """Remove a user from a locked team."""
    await transaction.execute(statements(_STATEMENTS)["team_membership_removed"], {"id": id, "user_id": user_id})
