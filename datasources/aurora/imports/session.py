"""The session of an import: its lock, its name for others, and statistics that keep its plans linear."""

import os
import socket
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import AsyncConnection

from datasources.aurora.statements import Statement, statements

# A table is analyzed again once so many rows, and such a share of its rows, were written since.
GROWTH_ROWS = 500
GROWTH_SHARE = 0.2
# Rows of a section above which a session without right to analyze goes without nested loops.
MAX_NESTED_LOOP_ROWS = 1_000


class ImportStopped(Exception):
    """An import can't begin or go on. What was committed before stays; the same import can be run again."""


@dataclass(slots=True)
class _Size:
    rows: int
    analyzable: bool
    written: int = 0


@dataclass(slots=True)
class Session:
    """One connection for the length of an import, in autocommit."""

    connection: AsyncConnection[Any]
    _sizes: dict[str, _Size] = field(default_factory=dict)
    _name: str = ""

    async def run(self, statement: Statement, **parameters: object) -> psycopg.AsyncCursor[Any]:
        """Execute one statement on the session."""
        return await self.connection.execute(statement.text.encode(), parameters or None)

    async def begin(self) -> None:
        """Name the session; the server ends it within seconds of its client, in the middle of a statement too."""
        self._name = self.connection.info.parameter_status("application_name") or ""
        name = f"stackflow import, process {os.getpid()} on {socket.gethostname()}"[:63]
        try:
            await self.run(_named("begin"), name=name)
        except psycopg.errors.InvalidParameterValue:
            await self.run(_named("name"), name=name)

    async def end(self) -> None:
        """Give the session back as it was."""
        if not self.connection.closed:
            await self.run(_named("end"), name=self._name)

    async def lock(self) -> None:
        """Keep other imports out until `unlock`. ImportStopped, naming the holder, while one is under way."""
        row = await (await self.run(_named("lock"))).fetchone()
        if row and row[0]:
            return
        pid, name, since = await (await self.run(_named("holder"))).fetchone() or (None, None, None)
        about = f" since {since} ({name}; session {pid} of PostgreSQL)" if since else ""
        by_force = f"; if it hangs, end it by SELECT pg_terminate_backend({pid})" if pid else ""
        raise ImportStopped(f"another import is under way{about}; wait for it and run this one again{by_force}")

    async def unlock(self) -> None:
        """Let other imports in."""
        if not self.connection.closed:
            await self.run(_named("unlock"))

    async def refresh_statistics(self) -> None:
        """Renew statistics that describe another size, as a rolled back or killed import leaves them.

        With them the planner takes a table of many rows for an empty one and joins it row by row.
        """
        for (table,) in await (await self.run(_named("stale_tables"))).fetchall():
            await self._analyze(table)

    async def record_growth(self, table: str, rows: int) -> None:
        """Count rows written to a table, and renew its statistics once it has grown by a fifth."""
        size = await self._size(table)
        size.written += rows
        if size.written >= max(GROWTH_ROWS, GROWTH_SHARE * size.rows):
            size.rows, size.written = size.rows + size.written, 0
            if size.analyzable:
                await self._analyze(table)

    async def choose_joins(self, table: str, staged: int) -> None:
        """Go without nested loops for a large section where statistics can't be renewed: hashes stay linear."""
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
