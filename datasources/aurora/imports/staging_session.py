"""The staged rows of one database: COPY, plan and batches, with one transaction per batch."""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg

from datasources.aurora.imports.cycles import reject_cycles
from datasources.aurora.imports.identity import RepeatRule, mark_repeats
from datasources.aurora.imports.session import ImportStopped, Session
from datasources.aurora.imports.tables import ImportTable
from datasources.aurora.statements import Statement, statements

__all__ = ["ImportStopped", "Plan", "RefusalHandler", "StagingSession"]

# Errors about a row that PostgreSQL can't store. A program limit is an OperationalError in the driver.
_REFUSALS = (psycopg.IntegrityError, psycopg.DataError, psycopg.errors.ProgramLimitExceeded)

# Rows of a section above which its temporary tables are analyzed: with fewer, every plan is fast.
MIN_ANALYZED_ROWS = 100

# Line, reason and staged values of a row that the database refused.
RefusalHandler = Callable[[int, str, Any], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """The fates of the staged rows: counts by fate, and the first labels of some fates."""

    counts: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)

    @property
    def writes(self) -> bool:
        """True if there is something to write."""
        return any(self.counts.get(fate) for fate in ("create", "change", "pending", "waiting"))


class StagingSession(Session):
    """A session with staged rows in temporary tables."""

    async def stage(self, table: ImportTable, columns: list[str], blocks: Iterator[bytes]) -> None:
        """Copy blocks of COPY text into the staging table. Memory use is one block."""
        await self.clear()
        await self.run(table.stage_statement())
        async with (
            self.connection.cursor() as cursor,
            cursor.copy(table.copy_statement(columns).text.encode()) as copy,
        ):
            for block in blocks:
                await copy.write(block)
        await self.run(_frame("measure_staged"))

    async def plan(self, table: ImportTable, staged: int, repeats: RepeatRule = "reject") -> Plan:
        """Decide the fate of every staged row; nothing is written outside temporary tables."""
        items, large = table.entity == "configuration_items", staged > MIN_ANALYZED_ROWS
        await self.choose_joins(table.name, staged)
        try:
            async with self.connection.transaction():
                await self.run(_frame("memory"))
                if items:
                    await self.run(_landscape("spread_keys"))
                    if large:
                        await self.run(_landscape("measure_keys"))
                await self.run(table.plan_statement())
                if large:
                    await self.run(table.analyze_statement())
                if items:
                    await mark_repeats(self, repeats)
                else:
                    await self.run(table.mark_repeats_statement(latest=repeats == "latest"), reject=repeats == "reject")
                await reject_cycles(self, table)
                await self.run(_frame("index_planned"))
        except _REFUSALS as error:
            raise ImportStopped(f"no row of {table.entity} was written: {_reason(error)}") from error
        counts = await self.counts(table)
        examples: dict[str, list[str]] = {}
        for action, label in await (await self.run(_frame("examples"))).fetchall():
            examples.setdefault(action, []).append(label)
        return Plan(counts, examples)

    async def counts(self, table: ImportTable) -> dict[str, int]:
        """Return planned rows by fate; `waiting` are those that are written and wait for a group, counted twice."""
        counts = dict(await (await self.run(_frame("count_actions"))).fetchall())
        if table.can_wait:
            counts["waiting"] = sum(row[0] for row in await (await self.run(_waiting("count_lacking"))).fetchall())
        return counts

    async def stream_refusals(self) -> AsyncIterator[tuple[int, str, Any]]:
        """Stream line, reason and staged values of each row that the plan rejects, in file order."""
        async with self.connection.cursor() as cursor:
            async for row in cursor.stream(_frame("rejected_rows").text.encode()):
                yield row

    async def stream_notes(self) -> AsyncIterator[tuple[int, str, Any]]:
        """Stream line, note and label of each row that is written with an empty reference, in file order."""
        async with self.connection.cursor() as cursor:
            async for row in cursor.stream(_frame("noted_rows").text.encode()):
                yield row

    async def apply(self, table: ImportTable, plan: Plan, after: int, upto: int, refused: RefusalHandler) -> int:
        """Write the planned rows with ordinals above `after` to `upto` in one transaction; return the number refused.

        If the database refuses a batch, its halves are tried, down to the single row, which goes to `refused`: one row
        takes at most twice the work of its batch, and never affects another row.
        """
        try:
            async with self.connection.transaction():
                await self._write(table, plan, after, upto)
        except _REFUSALS as error:
            if upto - after > 1:
                middle = (after + upto) // 2
                return await self.apply(table, plan, after, middle, refused) + await self.apply(
                    table, plan, middle, upto, refused
                )
            reason = f"the database refuses the row: {_reason(error)}"
            await self.run(_frame("reject_row"), ordinal=upto, reason=reason)
            line, row = await (await self.run(_frame("refused_row"), ordinal=upto)).fetchone() or (0, None)
            refused(line, reason, row)
            return 1
        return 0

    async def _write(self, table: ImportTable, plan: Plan, after: int, upto: int) -> None:
        span = {"after": after, "upto": upto}
        created = changed = 0
        if plan.counts.get("create"):
            created = (await self.run(table.insert_statement(), **span)).rowcount
        change = table.update_statement()
        if change is not None and plan.counts.get("change"):
            changed = (await self.run(change, **span)).rowcount
        if table.entity == "configuration_items" and created + changed:
            keys = (await self.run(_landscape("keep_keys"), **span)).rowcount
            await self.record_growth("configuration_item_keys", keys)
        if plan.counts.get("pending") or plan.counts.get("waiting"):
            waiting_count = (await self.run(_waiting("keep_waiting"), entity=table.entity, **span)).rowcount
            await self.record_growth("waiting_rows", waiting_count)
        await self.record_growth(table.name, created + changed)

    async def finish(self, table: ImportTable, plan: Plan, *, settled: bool = False) -> None:
        """Complete a section after its last batch: store keys of repeated rows, and delete rows that wait no longer."""
        if table.entity == "configuration_items" and plan.counts.get("repeat"):
            await self.run(_landscape("keep_keys_of_repeats"))
        if table.can_wait:
            await self.run(_waiting("forget_waiting"), entity=table.entity, settled=settled)

    async def clear(self) -> None:
        """Drop the staged and planned rows."""
        if not self.connection.closed:
            await self.run(_frame("drop_tables"))


def _reason(error: psycopg.Error) -> str:
    # The message of a program limit names the index; for a constraint its name is enough, and contains no value.
    if isinstance(error, psycopg.IntegrityError):
        return f"it breaks {error.diag.constraint_name or type(error).__name__}"
    return (error.diag.message_primary or type(error).__name__).splitlines()[0][:200]


def _frame(name: str) -> Statement:
    return statements("imports/frame")[name]


def _landscape(name: str) -> Statement:
    return statements("imports/landscape")[name]


def _waiting(name: str) -> Statement:
    return statements("imports/waiting")[name]
