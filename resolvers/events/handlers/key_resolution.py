"""Resolve keys in events to ids; an unknown key rejects the event with a message that names what to send first."""

from collections.abc import Sequence

from msgspec import UNSET, UnsetType

from datasources.aurora.driver.transaction import Transaction
from datasources.aurora.events import writes as rows
from resolvers import validation
from resolvers.events.handlers.landscape_types import Key


async def resolve_items(transaction: Transaction, keys: Sequence[Key], field: str) -> tuple[str, ...]:
    """Return the distinct items with these identification keys, in order."""
    pairs = [(key.source, key.key) for key in keys]
    known = await rows.find_item_ids(transaction, pairs) if pairs else {}
    if unknown := [f"{key} of {source}" for source, key in pairs if (source, key) not in known]:
        message = f"configuration item {unknown[0]} is not known; send it first, then replay this event"
        raise validation.not_found(field, message)
    return tuple(dict.fromkeys(known[pair] for pair in pairs))


async def resolve_team(transaction: Transaction, key: str | UnsetType | None, field: str) -> str | None:
    """Return the id of the team with this key; None for null or a missing key."""
    if key is None or key is UNSET:
        return None
    teams = await rows.find_names(transaction, (), (), [key])
    if not teams:
        raise validation.not_found(field, f"there is no team {key}; create it, then replay this event")
    return teams[0].value
