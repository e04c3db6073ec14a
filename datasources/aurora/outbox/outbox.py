"""The outbox: the changes of committed writes, and their projection."""

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
    """The numbers of rows that wait and that were set aside, and the age of the oldest waiting row in seconds; 0 if
    none waits."""

    pending: int
    refused: int
    lag: float


class ConsistencyCheck(NamedTuple):
    """The time of the last comparison of the whole graph with the tables, and the number of remaining differences."""

    checked_at: datetime
    divergent: int


async def lock(transaction: Transaction, silence: float) -> bool:
    """Become the only projector until the transaction ends; return False immediately if another process is.

    The server ends the transaction after `silence` seconds without a statement: otherwise a process that is frozen
    during a round would hold the lock while it is frozen. Behind RDS Proxy this pins the connection.
    """
    await transaction.fetch(_sql("outbox_bounded"), {"milliseconds": str(round(silence * 1_000))}, str)
    return (await transaction.fetch(_sql("outbox_locked"), {}, bool))[0]


async def claim(transaction: Transaction, most: int) -> list[OutboxRow]:
    """Return the first rows, ordered by position, that are neither projected nor set aside.

    Positions are not in commit order, so a row may become visible below others that are done; it is returned then,
    since a flag, not a cursor, marks what is done. Rows of one entity are in order, since its row was locked before.
    """
    return await transaction.fetch(_sql("outbox_claimed"), {"most": most}, OutboxRow)


async def mark_projected(transaction: Transaction, positions: Sequence[int], ids: Sequence[str]) -> None:
    """Mark rows as projected, and also the rows of these entities that were set aside."""
    await transaction.execute(_sql("outbox_projected"), {"positions": list(positions), "ids": list(ids)})


async def record_failures(transaction: Transaction, reasons: Mapping[int, str], attempts: int) -> int:
    """Count one more attempt at rows by position; return how many were set aside after so many attempts."""
    bound = {"positions": list(reasons), "reasons": list(reasons.values()), "attempts": attempts}
    return sum(await transaction.fetch(_sql("outbox_attempted"), bound, bool))


async def fetch_poison_positions(main: Database) -> list[int]:
    """Return the positions of the rows that were set aside, in order."""
    return await main.fetch(_sql("outbox_set_aside"), {}, int)


async def mark_repaired(main: Database, positions: Sequence[int]) -> None:
    """Mark rows that were set aside as projected, since a repair has updated the graph."""
    async with main.transaction() as transaction:
        await mark_projected(transaction, positions, ())


async def fetch_state(main: Database) -> OutboxState:
    """Return the current state; reads only rows that are not done."""
    return (await main.fetch(_sql("outbox_state"), {}, OutboxState))[0]


async def purge(main: Database, days: float, most: int) -> int:
    """Delete at most `most` projected rows older than so many days; return how many. Cursors before them expire."""
    return len(await main.fetch(_sql("outbox_forgotten"), {"days": days, "most": most}, int))


async def purge_responses(main: Database, hours: float, most: int) -> int:
    """Delete at most `most` responses stored for more than so many hours; return how many."""
    return len(
        await main.fetch(statements("outbox/bookkeeping")["answers_forgotten"], {"hours": hours, "most": most}, bool)
    )


async def store_check(main: Database, nodes: int, edges: int, divergent: int) -> None:
    """Store the result of a check of the whole graph: how much was compared, and the remaining differences."""
    async with main.transaction() as transaction:
        bound = {"nodes": nodes, "edges": edges, "divergent": divergent}
        await transaction.execute(_sql("graph_checked"), bound)


async def fetch_last_check(main: Database) -> ConsistencyCheck | None:
    """Return the latest check of the whole graph; None if there was none."""
    rows = await main.fetch(_sql("graph_last_checked"), {}, ConsistencyCheck)
    return rows[0] if rows else None


def _sql(name: str) -> Statement:
    return statements("outbox/outbox")[name]
