"""What triggers of workflows read: the outbox after their own place, published triggers, and who led to a change."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from datasources.aurora.driver.database import Database
from datasources.aurora.driver.transaction import Transaction
from datasources.aurora.statements import statements
from datasources.records.feed import FeedCursor

_STATEMENTS = "workflow_runs/triggers"


class OutboxEntry(NamedTuple):
    """One row that one transaction changed; kinds and steps as texts, since newer versions may know more."""

    transaction: int
    position: int
    kind: str
    entity_id: str
    step: str
    request_id: str
    # Who stands behind it, as KIND:subject; the run that wrote; whether an executor of steps wrote, whose request id
    # may name a run.
    actor: str = ""
    cause_run_id: str | None = None
    by_executor: bool = False

    @property
    def cursor(self) -> FeedCursor:
        """Where it stands."""
        return FeedCursor(self.transaction, self.position)


class PublishedTrigger(NamedTuple):
    """The trigger of a published workflow, as it stands in its row, and what its publisher could see."""

    workflow_id: str
    key: str
    trigger: Any
    sees_restricted: bool
    team_keys: list[str]


class RunContext(NamedTuple):
    """What a run is for, and where it is."""

    id: str
    incident_id: str | None
    configuration_item_id: str | None
    state: str


async def has_new_entries(database: Database, name: str) -> bool:
    """Whether there is something to do for a reader. Writes nothing, so it may be asked often."""
    [found] = await database.fetch(statements(_STATEMENTS)["reader_is_behind"], {"name": name}, bool)
    return found


async def start_reader(transaction: Transaction, name: str) -> None:
    """Let a reader begin at the end, unless it has begun."""
    await transaction.execute(statements(_STATEMENTS)["reader_begun"], {"name": name})


async def lock_reader(transaction: Transaction, name: str) -> FeedCursor | None:
    """Where the reader is; None if it has not begun, or somebody else reads for it."""
    found = await transaction.fetch(statements(_STATEMENTS)["reader_locked"], {"name": name}, FeedCursor)
    return found[0] if found else None


async def fetch_after(transaction: Transaction, place: FeedCursor, most: int) -> list[OutboxEntry]:
    """At most `most` rows after a place, oldest first."""
    bound = {"transaction": str(place.transaction), "position": place.position, "most": most}
    return await transaction.fetch(statements(_STATEMENTS)["reader_next"], bound, OutboxEntry)


async def advance_reader(transaction: Transaction, name: str, place: FeedCursor) -> None:
    """The locked reader is done with everything up to a place."""
    bound = {"name": name, "transaction": str(place.transaction), "position": place.position}
    await transaction.execute(statements(_STATEMENTS)["reader_moved"], bound)


async def add_dead_letter(
    transaction: Transaction, queue: str, id: str, entry: OutboxEntry, body: str, reason: str
) -> None:
    """Keep a row that was passed over among the dead letters of a queue."""
    bound = {
        "queue": queue, "ids": [id], "groups": [entry.entity_id], "bodies": [body], "request_ids": [entry.request_id],
        "attempts": [1], "reasons": [reason],
    }  # fmt: skip
    await transaction.execute(statements("queues/queues")["dead_letters_buried"], bound)


async def fetch_published(transaction: Transaction) -> list[PublishedTrigger]:
    """The triggers of published workflows that are not started by people only, by key."""
    return await transaction.fetch(statements(_STATEMENTS)["triggers_published"], {}, PublishedTrigger)


async def fetch_descendants(transaction: Transaction, keys: Collection[str]) -> set[tuple[str, str]]:
    """Each class with each one below it, itself included."""
    bound = {"keys": sorted(keys)}
    return set(await transaction.fetch(statements(_STATEMENTS)["triggers_classes"], bound, _pair))


async def fetch_run(transaction: Transaction, id: str) -> RunContext | None:
    """What a run is for."""
    found = await transaction.fetch(statements(_STATEMENTS)["trigger_run"], {"id": id}, RunContext)
    return found[0] if found else None


async def find_cause(transaction: Transaction, entity_id: str, request_id: str) -> str | None:
    """The id of the run on whose behalf an incident or an item was changed in a request."""
    bound = {"entity_id": entity_id, "request_id": request_id}
    found = await transaction.fetch(statements(_STATEMENTS)["trigger_cause"], bound, str)
    return found[0] if found else None


async def fetch_initiators(transaction: Transaction, run_id: str, *, acted: bool = False) -> list[str]:
    """Who stands behind a run, each as KIND:subject; with those who acted on it, who stands behind what it leads to."""
    bound = {"id": run_id, "acted": acted}
    return await transaction.fetch(statements(_STATEMENTS)["trigger_initiators"], bound, str)


async def write_problem(transaction: Transaction, workflow_id: str, reason: str, now: datetime) -> None:
    """Keep why a trigger started no run; it takes the place of what was kept before."""
    bound = {"id": workflow_id, "now": now, "reason": reason}
    await transaction.execute(statements(_STATEMENTS)["trigger_problem_written"], bound)


async def fetch_chain(transaction: Transaction, run_id: str, most: int) -> Sequence[str]:
    """The keys of the workflows of a run and of those that led to it, the last one first; empty if there is none."""
    return await transaction.fetch(statements(_STATEMENTS)["trigger_chain"], {"id": run_id, "most": most}, str)


def _pair(one: str, other: str) -> tuple[str, str]:
    return one, other
