"""The outbox: what committed writes changed, and what has been done about it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from datasources.aurora.driver.database import Database
from datasources.aurora.driver.transaction import Transaction
from datasources.aurora.statements import Statement, statements


class OutboxRow(NamedTuple):
    """A change of one entity: `age` in seconds since its transaction began, `attempts` how often it was refused."""

    position: int
    entity: str
    entity_id: str
    attempts: int
    age: float


class OutboxState(NamedTuple):
    """How many rows wait, how many were set aside, and how many seconds ago the oldest that waits was written; 0 if
    none waits."""

    pending: int
    refused: int
    lag: float


class ConsistencyCheck(NamedTuple):
    """When the whole graph was last compared with the tables, and how many differences it was left with."""

    checked_at: datetime
    divergent: int


async def lock(transaction: Transaction, silence: float) -> bool:
    """Become the only projector until the transaction ends; false at once if another is.

    The server ends the transaction after `silence` seconds without a statement: a process that is frozen in the middle
    of a round would otherwise hold the lock for as long as it sleeps. Behind RDS Proxy this pins the connection.
    """
    await transaction.fetch(_sql("outbox_bounded"), {"milliseconds": str(round(silence * 1_000))}, str)
    return (await transaction.fetch(_sql("outbox_locked"), {}, bool))[0]


async def claim(transaction: Transaction, most: int) -> list[OutboxRow]:
    """The first rows, in order of position, that are neither projected nor set aside.

    Positions are not in order of commit, so a row may become visible below others that are done; it is claimed then,
    for what is done is told by a flag and not by a cursor. Rows of one entity are in order: its row was locked before.
    """
    return await transaction.fetch(_sql("outbox_claimed"), {"most": most}, OutboxRow)


async def mark_projected(transaction: Transaction, positions: Sequence[int], ids: Sequence[str]) -> None:
    """Mark rows as projected; and those of these entities that were set aside, for they too are told by now."""
    await transaction.execute(_sql("outbox_projected"), {"positions": list(positions), "ids": list(ids)})


async def record_failures(transaction: Transaction, reasons: Mapping[int, str], attempts: int) -> int:
    """Count one more attempt at rows by position; how many were set aside, having failed so many times."""
    bound = {"positions": list(reasons), "reasons": list(reasons.values()), "attempts": attempts}
    return sum(await transaction.fetch(_sql("outbox_attempted"), bound, bool))


async def fetch_poison_positions(main: Database) -> list[int]:
    """The positions of the rows that were set aside, in order."""
    return await main.fetch(_sql("outbox_set_aside"), {}, int)


async def mark_repaired(main: Database, positions: Sequence[int]) -> None:
    """Mark rows that were set aside as projected: a repair told the graph what they are about."""
    async with main.transaction() as transaction:
        await mark_projected(transaction, positions, ())


async def fetch_state(main: Database) -> OutboxState:
    """What waits, as of now; reads the rows that are not done and no other."""
    return (await main.fetch(_sql("outbox_state"), {}, OutboxState))[0]


async def purge(main: Database, days: float, most: int) -> int:
    """Delete rows that are projected and older than so many days, at most `most`; how many. Who reads the feed from a
    place before them is refused from then on."""
    return len(await main.fetch(_sql("outbox_forgotten"), {"days": days, "most": most}, int))


async def purge_responses(main: Database, hours: float, most: int) -> int:
    """Delete answers kept for idempotency keys for longer than so many hours, at most `most`; how many."""
    return len(
        await main.fetch(statements("outbox/bookkeeping")["answers_forgotten"], {"hours": hours, "most": most}, bool)
    )


async def store_check(main: Database, nodes: int, edges: int, divergent: int) -> None:
    """Remember what a comparison of the whole graph found: how much it compared, and what differs still."""
    async with main.transaction() as transaction:
        bound = {"nodes": nodes, "edges": edges, "divergent": divergent}
        await transaction.execute(_sql("graph_checked"), bound)


async def fetch_last_check(main: Database) -> ConsistencyCheck | None:
    """The latest comparison of the whole graph; None if there was none."""
    found = await main.fetch(_sql("graph_last_checked"), {}, ConsistencyCheck)
    return found[0] if found else None


def _sql(name: str) -> Statement:
    return statements("outbox/outbox")[name]
