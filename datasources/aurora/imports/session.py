"""The database session of an import: its lock, its name, and statistics that keep its plans linear."""

import os
import socket
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import AsyncConnection

from datasources.aurora.statements import Statement, statements

# A table is analyzed again after this many rows, and this share of its rows, have been written.
GROWTH_ROWS = 500
GROWTH_SHARE = 0.2
# Rows of a section above which nested loops are disabled if the session may not analyze.
MAX_NESTED_LOOP_ROWS = 1_000


class ImportStopped(Exception):
    """An import can't begin or continue. Earlier commits remain; the same import can be run again."""


@dataclass(slots=True)
class _Size:
    rows: int
    analyzable: bool
    written: int = 0


@dataclass(slots=True)
class Session:
    """One connection for the duration of an import, in autocommit."""

    connection: AsyncConnection[Any]
    _sizes: dict[str, _Size] = field(default_factory=dict)
    _name: str = ""

    async def run(self, statement: Statement, **parameters: object) -> psycopg.AsyncCursor[Any]:
        """Execute one statement on the session."""
        return await self.connection.execute(statement.text.encode(), parameters or None)

    async def begin(self) -> None:
        """Name the session; the server ends it within seconds of its client, even during a statement."""
        self._name = self.connection.info.parameter_status("application_name") or ""
        name = f"stackflow import, process {os.getpid()} on {socket.gethostname()}"[:63]
        try:
            await self.run(_named("begin"), name=name)
        except psycopg.errors.InvalidParameterValue:
            await self.run(_named("name"), name=name)

    async def end(self) -> None:
        """Restore the session's settings."""
        if not self.connection.closed:
            await self.run(_named("end"), name=self._name)

    async def lock(self) -> None:
        """Lock out other imports until `unlock`. Raise ImportStopped, naming the holder, if one is in progress."""
        row = await (await self.run(_named("lock"))).fetchone()
        if row and row[0]:
            return
        pid, name, since = await (await self.run(_named("holder"))).fetchone() or (None, None, None)
        about = f" since {since} ({name}; session {pid} of PostgreSQL)" if since else ""
        by_force = f"; if it hangs, end it by SELECT pg_terminate_backend({pid})" if pid else ""
        raise ImportStopped(f"another import is under way{about}; wait for it and run this one again{by_force}")

    async def unlock(self) -> None:
        """Allow other imports."""
        if not self.connection.closed:
            await self.run(_named("unlock"))

    async def refresh_statistics(self) -> None:
        """Refresh statistics that describe another size, as after a rolled back or killed import.

        With them the planner takes a table of many rows for an empty one and joins it row by row.
        """
        for (table,) in await (await self.run(_named("stale_tables"))).fetchall():
            await self._analyze(table)

    async def record_growth(self, table: str, rows: int) -> None:
        """Count rows written to a table, and refresh its statistics once it has grown by a fifth."""
        size = await self._size(table)
        size.written += rows
        if size.written >= max(GROWTH_ROWS, GROWTH_SHARE * size.rows):
            size.rows, size.written = size.rows + size.written, 0
            if size.analyzable:
                await self._analyze(table)

    async def choose_joins(self, table: str, staged: int) -> None:
        """Disable nested loops for a large section if statistics can't be refreshed: hash joins stay linear."""
        nested = (await self._size(table)).analyzable or staged <= MAX_NESTED_LOOP_ROWS
        await self.run(_named("join"), nested="on" if nested else "off")

    async def _size(self, table: str) -> _Size:
        if table not in self._sizes:
            row = await (await self.run(_named("size"), name=table)).fetchone()
            self._sizes[table] = _Size(*(row or (0, False)))
        return self._sizes[table]

    async def _analyze(self, table: str) -> None:
        await self.run(_named("analyze").fill_slots(table=table))


def _named(name: str) -> Statement:
    return statements("imports/session")[name]
