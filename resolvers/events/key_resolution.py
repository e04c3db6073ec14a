"""Names in events made ids: what is named is there, or the event is refused and says what to send first."""

from collections.abc import Sequence

from msgspec import UNSET, UnsetType

from datasources.aurora.driver.transaction import Transaction
from datasources.aurora.events import writes as rows
from resolvers import validation as rules
from resolvers.events.landscape_types import Key


async def resolve_items(transaction: Transaction, keys: Sequence[Key], field: str) -> tuple[str, ...]:
    """The items of these identification keys, each once, in their order."""
    pairs = [(key.source, key.key) for key in keys]
    known = await rows.find_item_ids(transaction, pairs) if pairs else {}
    if unknown := [f"{key} of {source}" for source, key in pairs if (source, key) not in known]:
        message = f"configuration item {unknown[0]} is not known; send it, then replay this event"
        raise rules.not_found(field, message)
    return tuple(dict.fromkeys(known[pair] for pair in pairs))


async def resolve_team(transaction: Transaction, key: str | UnsetType | None, field: str) -> str | None:
    """The team of this key; None for none, and where nothing is said."""
    if key is None or key is UNSET:
        return None
    found = await rows.find_names(transaction, (), (), [key])
    if not found:
        raise rules.not_found(field, f"there is no team {key}; make it, then replay this event")
    return found[0].value
