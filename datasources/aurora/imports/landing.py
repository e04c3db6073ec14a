"""One database as the place where staged rows land: COPY, plan, batches, each batch one transaction."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import AsyncConnection

from datasources.aurora.imports.tables import Table
from datasources.aurora.statements import Statement, statements


class ImportStopped(Exception):
    """The database refused a batch. What was committed before stays; the same import can be run again."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What would become of the staged rows: counts by fate, and the first labels of some fates."""

    counts: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)


class Landing:
    """A connection for the length of an import. Staged rows live in temporary tables of its session."""

    def __init__(self, connection: AsyncConnection[Any]) -> None:
        self.connection = connection

    async def run(self, statement: Statement, **parameters: object) -> psycopg.AsyncCursor[Any]:
        """Execute one statement on the session."""
        return await self.connection.execute(statement.text.encode(), parameters or None)

    async def stage(self, table: Table, columns: list[str], blocks: Iterator[bytes]) -> None:
        """Take in blocks of COPY text. Memory stays at one block."""
        await self.clear()
        await self.run(table.stage())
        async with (
            self.connection.cursor() as cursor,
            cursor.copy(table.copy(columns).text.encode()) as copy,
        ):
            for block in blocks:
                await copy.write(block)
        await self.run(_frame("measure_staged"))

    async def plan(self, table: Table, *, distinct: bool) -> Plan:
        """Decide the fate of every staged row; nothing is written outside temporary tables."""
        async with self.connection.transaction():
            await self.run(_frame("memory"))
            await self.run(table.plan())
            await self.run(table.mark_repeats(), distinct=distinct)
            await self.run(_frame("index_planned"))
        counts = dict(await (await self.run(_frame("count_actions"))).fetchall())
        examples: dict[str, list[str]] = {}
        for action, label in await (await self.run(_frame("examples"))).fetchall():
            examples.setdefault(action, []).append(label)
        return Plan(counts, examples)

    async def refusals(self) -> AsyncIterator[tuple[int, str, Any]]:
        """Line, reason and staged values of each row the plan rejects, in file order, streamed."""
        async with self.connection.cursor() as cursor:
            async for row in cursor.stream(_frame("rejected_rows").text.encode()):
                yield row

    async def notes(self) -> AsyncIterator[tuple[int, str, Any]]:
        """Line, note and label of each row that goes in with a reference left empty, in file order, streamed."""
        async with self.connection.cursor() as cursor:
            async for row in cursor.stream(_frame("noted_rows").text.encode()):
                yield row

    async def carry_out(self, table: Table, after: int, upto: int) -> None:
        """Write the planned rows of ordinals above `after` to `upto` in one transaction. ImportStopped if refused."""
        span = {"after": after, "upto": upto}
        change = table.change()
        try:
            async with self.connection.transaction():
                await self.run(table.create(), **span)
                if change is not None:
                    await self.run(change, **span)
                if table.entity == "configuration_items":
                    await self.run(statements("imports/landscape")["keep_keys"], **span)
                if table.entity == "relationships":
                    await self.run(statements("imports/relationships")["keep_pending"], **span)
        except (psycopg.IntegrityError, psycopg.DataError) as error:
            named = error.diag.constraint_name or type(error).__name__
            raise ImportStopped(
                f"rows {after + 1} to {upto} of {table.entity} break {named}; nothing of this batch was written,"
                " the batches before it were"
            ) from error

    async def clear(self) -> None:
        """Drop the staged and planned rows."""
        await self.run(_frame("drop_tables"))

    async def lock(self) -> bool:
        """Keep other imports out until `unlock`; False when one is under way."""
        row = await (await self.run(_frame("lock"))).fetchone()
        return bool(row and row[0])

    async def unlock(self) -> None:
        """Let other imports in."""
        await self.run(_frame("unlock"))


def _frame(name: str) -> Statement:
    return statements("imports/frame")[name]
