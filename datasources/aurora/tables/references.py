"""Locks the rows that a write refers to, so that they exist until its transaction ends."""

from collections.abc import Sequence

from datasources.aurora.driver.row_factory import KeyedRecord
from datasources.aurora.driver.transaction import Transaction
from datasources.aurora.statements import statements

_STATEMENTS = "tables/references"


async def lock_teams(transaction: Transaction, ids: Sequence[str]) -> dict[str, str]:
    """Lock existing teams, and return their keys by id."""
    statement = statements(_STATEMENTS)["referred_teams"]
    return dict(await transaction.fetch(statement, {"ids": list(ids)}, KeyedRecord(str)))


async def lock_users(transaction: Transaction, ids: Sequence[str]) -> set[str]:
    """Lock and return existing users who are active."""
    return set(await transaction.fetch(statements(_STATEMENTS)["referred_users"], {"ids": list(ids)}, str))


async def lock_changes(transaction: Transaction, ids: Sequence[str]) -> set[str]:
    """Lock and return existing changes."""
    return set(await transaction.fetch(statements(_STATEMENTS)["referred_changes"], {"ids": list(ids)}, str))


async def lock_configuration_items(transaction: Transaction, ids: Sequence[str]) -> set[str]:
    """Lock and return existing configuration items."""
    return set(await transaction.fetch(statements(_STATEMENTS)["referred_items"], {"ids": list(ids)}, str))


async def is_member(transaction: Transaction, team_id: str, user_id: str) -> bool:
    """Return whether a user is in a team; the membership is locked until the transaction ends."""
    bound = {"team_id": team_id, "user_id": user_id}
    return bool(await transaction.fetch(statements(_STATEMENTS)["referred_member"], bound, bool))
