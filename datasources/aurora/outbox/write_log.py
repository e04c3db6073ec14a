"""The write log in PostgreSQL: which tables were written, and until when cached values may miss a write."""

from collections.abc import Sequence
from typing import NamedTuple

from datasources.aurora.driver.database import Database
from datasources.aurora.statements import Statement, statements
from datasources.aurora.tables.invalidation import stale_tables
from datasources.cache.write_log import WrittenTables


class _WrittenRow(NamedTuple):
    moment: str
    later: bool
    entities: list[str]
    tables: list[str]


class PostgresWriteLog:
    """The write log of a cache. A snapshot is that of the main database, as `pg_current_snapshot()` writes it.

    Writes are in the outbox, and for tables without an entity in `table_writes`, which triggers fill; so every
    committed write is seen, including one made with psql.
    """

    def __init__(self, main: Database) -> None:
        self._main = main

    async def record_lease(self, seconds: float) -> None:
        await self._main.fetch(_sql("cache_vouched"), {"seconds": seconds}, bool)

    async def read_writes(self, since: str | None) -> WrittenTables:
        """Read the writes by a separate statement, so that it sees everything committed before `record_lease`."""
        [written] = await self._main.fetch(_sql("tables_written"), {"since": since}, _WrittenRow)
        # A restored database is older than the known snapshot.
        known = frozenset((*stale_tables(written.entities), *written.tables)) if written.later else None
        return WrittenTables(written.moment, known)

    async def record_writes(self, tables: Sequence[str]) -> float:
        """Takes two statements: the writes must be visible to others before the remaining trust is read."""
        if tables:
            await self._main.fetch(_sql("tables_owed"), {"tables": list(tables)}, bool)
        return (await self._main.fetch(_sql("cache_trusted_for"), {}, float))[0]


async def purge(main: Database) -> None:
    """Delete old entries."""
    async with main.transaction() as transaction:
        await transaction.execute(_sql("table_writes_forgotten"), {})


def _sql(name: str) -> Statement:
    return statements("outbox/write_log")[name]
