"""Effects of events as sets of rows: statements inside a transaction."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TypeVar

from datasources.aurora.driver.column_values import dump_document
from datasources.aurora.driver.database import Database
from datasources.aurora.driver.row_factory import KeyedRecord
from datasources.aurora.driver.transaction import Transaction
from datasources.aurora.statements import statements
from datasources.records.configuration_items import ConfigurationItemRecord
from datasources.records.events import EventTimesRecord, ResolvedKey
from datasources.records.relationships import RelationshipRecord

R = TypeVar("R")

Pair = tuple[str, str]


async def claim_events(transaction: Transaction, contents: dict[Pair, bytes]) -> set[Pair]:
    """Claim events by source and id for this transaction; return those that were not claimed before."""
    bound = _pairs(contents, "ids") | {"contents": list(contents.values())}
    return set(await _fetch(transaction, "events_claimed", bound, KeyedRecord(str, "source")))


async def fetch_contents(transaction: Transaction, names: Collection[Pair]) -> dict[Pair, bytes]:
    """Return the contents of events that took effect before."""
    row = KeyedRecord(KeyedRecord(bytes, "id"), "source")
    rows = await _fetch(transaction, "events_contents", _pairs(names, "ids"), row) if names else []
    return {(source, id): content for source, (id, content) in rows}


async def release_events(transaction: Transaction, names: Collection[Pair]) -> None:
    """Release events that had no effect."""
    if names:
        await _execute(transaction, "events_unclaimed", _pairs(names, "ids"))


async def lock_times(transaction: Transaction, names: Collection[tuple[str, str, str]]) -> list[EventTimesRecord]:
    """Lock and return the newest times of entities by source, entity and identity."""
    bound = {
        "sources": [each[0] for each in names],
        "entities": [each[1] for each in names],
        "identities": [each[2] for each in names],
    }
    return await _fetch(transaction, "event_times_locked", bound, EventTimesRecord)


async def write_times(transaction: Transaction, times: Sequence[EventTimesRecord]) -> None:
    """Write new times."""
    if times:
        await _execute(
            transaction,
            "event_times_kept",
            {
                "sources": [each.source for each in times],
                "entities": [each.entity for each in times],
                "identities": [each.identity for each in times],
                "upserted_ats": [each.upserted_at for each in times],
                "upserted_bys": [each.upserted_by for each in times],
                "ended_ats": [each.ended_at for each in times],
                "ended_bys": [each.ended_by for each in times],
            },
        )


async def find_item_ids(transaction: Transaction, keys: Collection[Pair]) -> dict[Pair, str]:
    """Return ids of items by source and key; unknown ones are left out."""
    row = KeyedRecord(KeyedRecord(str, "key"), "source")
    rows = await _fetch(transaction, "events_known_keys", _pairs(keys, "keys"), row)
    return {(source, key): id for source, (key, id) in rows}


async def find_names(
    transaction: Transaction, classes: Iterable[str], types: Iterable[str], teams: Iterable[str]
) -> list[ResolvedKey]:
    """Return which of these classes, relationship types and teams exist."""
    bound = {"classes": list(classes), "types": list(types), "teams": list(teams)}
    return await _fetch(transaction, "events_known_names", bound, ResolvedKey)


async def lock_items(transaction: Transaction, ids: Collection[str]) -> dict[str, ConfigurationItemRecord]:
    """Lock items until the transaction ends, and return them by id."""
    bound = {"ids": list(ids)}
    rows = await _fetch(transaction, "events_items_locked", bound, ConfigurationItemRecord) if ids else []
    return {each.id: each for each in rows}


async def find_relationships(
    transaction: Transaction, identities: Collection[tuple[str, str, str, str]]
) -> list[RelationshipRecord]:
    """Return relationships by from, to, type and source; unknown ones are left out."""
    if not identities:
        return []
    columns = [list(column) for column in zip(*identities, strict=True)]
    bound = dict(zip(("from_ids", "to_ids", "type_keys", "sources"), columns, strict=True))
    return await _fetch(transaction, "events_relationships_found", bound, RelationshipRecord)


async def write_items(
    transaction: Transaction,
    new: Sequence[ConfigurationItemRecord],
    changed: Sequence[ConfigurationItemRecord],
    keys: dict[Pair, str],
) -> None:
    """Insert new items with their keys, and update changed ones."""
    if new:
        await _execute(transaction, "events_items_inserted", _items(new))
        await _execute(transaction, "events_keys_inserted", _pairs(keys, "keys") | {"ids": list(keys.values())})
    if changed:
        await _execute(transaction, "events_items_changed", _items(changed))


async def write_relationships(
    transaction: Transaction,
    new: Sequence[RelationshipRecord],
    changed: Sequence[RelationshipRecord],
    removed: Sequence[RelationshipRecord],
) -> None:
    """Write new, changed and removed relationships. The impact of a new one is that of its type."""
    if removed:
        await _execute(transaction, "events_relationships_removed", {"ids": [each.id for each in removed]})
    if new:
        bound = {
            "ids": [each.id for each in new],
            "from_ids": [each.from_id for each in new],
            "to_ids": [each.to_id for each in new],
            "type_keys": [each.type_key for each in new],
            "sources": [each.source for each in new],
            "attributes": [dump_document(each.attributes) for each in new],
        }
        await _execute(transaction, "events_relationships_inserted", bound)
    if changed:
        attributes = [dump_document(each.attributes) for each in changed]
        bound = {"ids": [each.id for each in changed], "attributes": attributes}
        await _execute(transaction, "events_relationships_changed", bound)


async def purge(main: Database, days: float, most: int) -> int:
    """Delete at most `most` events that took effect more than so many days ago; return how many."""
    return len(await main.fetch(statements("events/writes")["events_forgotten"], {"days": days, "most": most}, bool))


async def purge_times(main: Database, days: float, most: int) -> int:
    """Delete at most `most` times of entities that ended more than so many days ago; return how many."""
    return len(
        await main.fetch(statements("events/writes")["event_times_forgotten"], {"days": days, "most": most}, bool)
    )


def _items(records: Sequence[ConfigurationItemRecord]) -> dict[str, object]:
    return {
        "ids": [each.id for each in records],
        "names": [each.name for each in records],
        "class_keys": [each.class_key for each in records],
        "statuses": [str(each.status) for each in records],
        "environments": [str(each.environment) for each in records],
        "criticalities": [str(each.criticality) for each in records],
        "owner_team_ids": [each.owner_team_id for each in records],
        "attributes": [dump_document(each.attributes) for each in records],
    }


def _pairs(pairs: Collection[Pair], second: str) -> dict[str, object]:
    return {"sources": [each[0] for each in pairs], second: [each[1] for each in pairs]}


async def _fetch(transaction: Transaction, name: str, bound: Mapping[str, object], record: Callable[..., R]) -> list[R]:
    return await transaction.fetch(statements("events/writes")[name], bound, record)


async def _execute(transaction: Transaction, name: str, bound: Mapping[str, object]) -> None:
    await transaction.execute(statements("events/writes")[name], bound)
