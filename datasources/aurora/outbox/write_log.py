"""What was written to tables that cached values come from, and until when values are trusted without knowing of it."""

from collections.abc import Sequence
from typing import NamedTuple

from datasources.aurora.driver.database import Database
from datasources.aurora.statements import Statement, statements
from datasources.aurora.tables.invalidation import stale_tables
from datasources.cache.write_log import WrittenTables


class _Found(NamedTuple):
    moment: str
    later: bool
    entities: list[str]
    tables: list[str]


class PostgresWriteLog:
    """The witness of a cache. A moment is a snapshot of the main database, as `pg_current_snapshot()` writes it.

    What transactions wrote is in the outbox, and for tables of no entity in `table_writes`, which triggers fill; so
    whoever writes, by whatever means, is known here as soon as he committed.
    """

    def __init__(self, main: Database) -> None:
        self._main = main

    async def record_lease(self, seconds: float) -> None:
        await self._main.fetch(_sql("cache_vouched"), {"seconds": seconds}, bool)

    async def read_writes(self, since: str | None) -> WrittenTables:
        """A statement of its own, so that it sees whatever was committed before `vouch` was."""
        [found] = await self._main.fetch(_sql("tables_written"), {"since": since}, _Found)
        # A database that was restored is behind what was known of it.
        known = frozenset((*stale_tables(found.entities), *found.tables)) if found.later else None
        return WrittenTables(found.moment, known)

    async def record_writes(self, tables: Sequence[str]) -> float:
        """Two statements: what is noted must be visible to others before it is asked who may not have seen it."""
        if tables:
            await self._main.fetch(_sql("tables_owed"), {"tables": list(tables)}, bool)
        return (await self._main.fetch(_sql("cache_trusted_for"), {}, float))[0]


async def purge(main: Database) -> None:
    """Drop what is too old to matter."""
    async with main.transaction() as transaction:
        await transaction.execute(_sql("table_writes_forgotten"), {})


def _sql(name: str) -> Statement:
    return statements("outbox/write_log")[name]
