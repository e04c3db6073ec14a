"""Reads of workflow triggers: the outbox after their cursor, published triggers, and the causes of changes."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from datasources.aurora.driver.database import Database
from datasources.aurora.driver.row_factory import KeyedRecord
from datasources.aurora.driver.transaction import Transaction
from datasources.aurora.statements import statements
from datasources.records.feed import FeedCursor

_STATEMENTS = "workflow_runs/triggers"


class OutboxEntry(NamedTuple):
    """One row that a transaction changed; kinds and steps are texts, since newer versions may know more."""

    transaction: int
    position: int
    kind: str
    entity_id: str
    step: str
    request_id: str
    # The principal behind it, as KIND:subject; the run that wrote; whether an executor wrote, whose request id may
    # name a run.
    actor: str = ""
    cause_run_id: str | None = None
    by_executor: bool = False

    @property
    def cursor(self) -> FeedCursor:
        """The position of the entry."""
        return FeedCursor(self.transaction, self.position)


class PublishedTrigger(NamedTuple):
    """The trigger of a published workflow, as stored, and the scope of its publisher."""

    workflow_id: str
    key: str
    trigger: Any
    sees_restricted: bool
    team_keys: list[str]


class RunContext(NamedTuple):
    """The subjects of a run, and its state."""

    id: str
    incident_id: str | None
    configuration_item_id: str | None
    state: str


async def has_new_entries(database: Database, name: str) -> bool:
    """Return whether there are entries for a reader. Writes nothing, so it can be called often."""
    [is_behind] = await database.fetch(statements(_STATEMENTS)["reader_is_behind"], {"name": name}, bool)
    return is_behind


async def start_reader(transaction: Transaction, name: str) -> None:
    """Start a reader at the end, unless it has started."""
    await transaction.execute(statements(_STATEMENTS)["reader_begun"], {"name": name})


async def lock_reader(transaction: Transaction, name: str) -> FeedCursor | None:
    """Lock a reader and return its cursor; None if it has not started, or another process holds it."""
    rows = await transaction.fetch(statements(_STATEMENTS)["reader_locked"], {"name": name}, FeedCursor)
    return rows[0] if rows else None


async def fetch_after(transaction: Transaction, place: FeedCursor, most: int) -> list[OutboxEntry]:
    """Return at most `most` rows after a cursor, oldest first."""
    bound = {"transaction": str(place.transaction), "position": place.position, "most": most}
    return await transaction.fetch(statements(_STATEMENTS)["reader_next"], bound, OutboxEntry)


async def advance_reader(transaction: Transaction, name: str, place: FeedCursor) -> None:
    """Move the locked reader to a cursor."""
    bound = {"name": name, "transaction": str(place.transaction), "position": place.position}
    await transaction.execute(statements(_STATEMENTS)["reader_moved"], bound)


async def add_dead_letter(
    transaction: Transaction, queue: str, id: str, entry: OutboxEntry, body: str, reason: str
) -> None:
    """Store a skipped entry as a dead letter of a queue."""
    bound = {
        "queue": queue, "ids": [id], "groups": [entry.entity_id], "bodies": [body], "request_ids": [entry.request_id],
        "attempts": [1], "reasons": [reason],
    }  # fmt: skip
    await transaction.execute(statements("queues/queues")["dead_letters_buried"], bound)


async def fetch_published(transaction: Transaction) -> list[PublishedTrigger]:
    """Return the triggers of published workflows, except those started by people only, ordered by key."""
    return await transaction.fetch(statements(_STATEMENTS)["triggers_published"], {}, PublishedTrigger)


async def fetch_descendants(transaction: Transaction, keys: Collection[str]) -> set[tuple[str, str]]:
    """Return each class with each of its descendants, itself included."""
    bound = {"keys": sorted(keys)}
    pair = KeyedRecord(str, "ancestor_key")
    return set(await transaction.fetch(statements(_STATEMENTS)["triggers_classes"], bound, pair))


async def fetch_run(transaction: Transaction, id: str) -> RunContext | None:
    """Return the subjects of a run."""
    rows = await transaction.fetch(statements(_STATEMENTS)["trigger_run"], {"id": id}, RunContext)
    return rows[0] if rows else None


async def find_cause(transaction: Transaction, entity_id: str, request_id: str) -> str | None:
    """Return the id of the run for which a request changed an incident or an item."""
    bound = {"entity_id": entity_id, "request_id": request_id}
    rows = await transaction.fetch(statements(_STATEMENTS)["trigger_cause"], bound, str)
    return rows[0] if rows else None


async def fetch_initiators(transaction: Transaction, run_id: str, *, acted: bool = False) -> list[str]:
    """Return the principals behind a run, each as KIND:subject; with `acted`, also those who acted on it."""
    bound = {"id": run_id, "acted": acted}
    return await transaction.fetch(statements(_STATEMENTS)["trigger_initiators"], bound, str)


async def write_problem(transaction: Transaction, workflow_id: str, reason: str, now: datetime) -> None:
    """Store why a trigger started no run; this replaces the previous reason."""
    bound = {"id": workflow_id, "now": now, "reason": reason}
    await transaction.execute(statements(_STATEMENTS)["trigger_problem_written"], bound)


async def fetch_chain(transaction: Transaction, run_id: str, most: int) -> Sequence[str]:
    """Return the keys of the workflows of a run and of those that led to it, the last first; empty if none."""
    return await transaction.fetch(statements(_STATEMENTS)["trigger_chain"], {"id": run_id, "most": most}, str)
