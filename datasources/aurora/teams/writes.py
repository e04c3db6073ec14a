"""Teams and who is in them, written: statements inside a transaction."""

from msgspec.structs import asdict

from datasources.aurora.driver.transaction import Transaction
from datasources.aurora.statements import statements
from datasources.records.teams import MembershipRole, TeamRecord
from datasources.records.users import MembershipRecord

_STATEMENTS = "teams/writes"


async def insert(transaction: Transaction, record: TeamRecord) -> TeamRecord | None:
    """A new team as it now is; None if its key is taken."""
    found = await transaction.fetch(statements(_STATEMENTS)["team_insert"], asdict(record), TeamRecord)
    return found[0] if found else None


async def lock(transaction: Transaction, id: str) -> TeamRecord | None:
    """The team, with who is in it, as it is and stays until the transaction ends."""
    found = await transaction.fetch(statements(_STATEMENTS)["teams_locked"], {"ids": [id]}, TeamRecord)
    return found[0] if found else None


async def update(transaction: Transaction, record: TeamRecord) -> TeamRecord:
    """A locked team as it is to be, one version further."""
    [updated] = await transaction.fetch(statements(_STATEMENTS)["team_update"], asdict(record), TeamRecord)
    return updated


async def fetch_memberships(transaction: Transaction, id: str) -> list[MembershipRecord]:
    """Who is what in a team, in order of the user's id."""
    return await transaction.fetch(statements(_STATEMENTS)["team_memberships_of"], {"id": id}, MembershipRecord)


async def set_membership(transaction: Transaction, id: str, user_id: str, role: MembershipRole) -> None:
    """Put somebody into a locked team, or give a member another role."""
    bound = {"id": id, "user_id": user_id, "role": role.value}
    await transaction.execute(statements(_STATEMENTS)["team_membership_set"], bound)


async def remove_membership(transaction: Transaction, id: str, user_id: str) -> None:
    """Take somebody out of a locked team."""
    await transaction.execute(statements(_STATEMENTS)["team_membership_removed"], {"id": id, "user_id": user_id})
