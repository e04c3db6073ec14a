"""Prune: delete what a source no longer contains. Items that records refer to are retired, not deleted."""

from dataclasses import dataclass

from psycopg.rows import dict_row

from datasources.aurora.imports.staging_session import StagingSession
from datasources.aurora.imports.tables import ImportTable
from datasources.aurora.statements import Statement, statements

# Names of removed rows in a report.
MAX_REPORTED_NAMES = 20
# This many rows are never too large a share: of two items one may be removed.
ALWAYS_ALLOWED_ROWS = 1


@dataclass(frozen=True, slots=True)
class PrunePlan:
    """The rows that a prune removes, and the totals of the source; `names` are the first removed ones by fate."""

    relationships: int
    pending: int
    keys: int
    retired: int
    deleted: int
    items_before: int
    items_absent: int
    relationships_before: int
    names: dict[str, list[str]]

    def excess(self, share: float) -> str | None:
        """Return why this needs force; None if it does not. `share` is between 0 and 1."""
        for what, absent, before in (
            ("items", self.items_absent, self.items_before),
            ("relationships", self.relationships, self.relationships_before),
        ):
            if before and absent == before:
                return f"all {before:,} {what} of the source would go"
            if absent > max(share * before, ALWAYS_ALLOWED_ROWS):
                return f"{absent:,} of {before:,} {what} of the source would go, more than {share:.0%}"
        return None


class Prune:
    """The prune of one source during one import: it records what the files contain, and then removes the rest.

    Entities without a section in the mapping are not pruned: a mapping of items says nothing about relationships.
    """

    def __init__(self, main: StagingSession, source: str) -> None:
        self._main = main
        self._source = source
        self._covered: set[str] = set()

    async def begin(self) -> None:
        """Create the tables for what this import will see."""
        for name in ("drop_seen", "make_seen_items", "make_seen_relationships"):
            await self._main.run(_named(name))

    async def mark_present(self, table: ImportTable) -> None:
        """Record the staged rows of a section as seen."""
        if table.entity == "configuration_items":
            await self._main.run(_named("see_configuration_items"))
        elif table.entity == "relationships":
            await self._main.run(_named("see_relationships"))
            await self._main.run(_named("see_ends"))
        else:
            return
        if await (await self._main.run(_named("staged_source"), source=self._source)).fetchone():
            self._covered.add(table.entity)

    def cover(self, entity: str) -> None:
        """Record that the mapping has a section of this entity and source, even if its file contains no rows."""
        self._covered.add(entity)

    async def plan(self) -> PrunePlan:
        """Return what would be removed. Deletes nothing."""
        await self._measure("seen_items", "seen_relationships")
        for name, entity in (
            ("gone_relationships", "relationships"),
            ("gone_waiting", "relationships"),
            ("gone_keys", "configuration_items"),
        ):
            await self._main.run(_named(name), source=self._source, covered=entity in self._covered)
            await self._measure(name)
        await self._main.run(_named("gone_items"))
        await self._measure("gone_items")
        totals, counts = await self._row("totals", source=self._source), await self._row("counts")
        names: dict[str, list[str]] = {}
        for what, name in await (await self._main.run(_named("names"), limit=MAX_REPORTED_NAMES)).fetchall():
            names.setdefault(what, []).append(name)
        return PrunePlan(**totals, **counts, names=names)

    async def apply(self, requirements: StagingSession) -> None:
        """Delete or retire the planned rows, in one transaction of the main database."""
        main = self._main
        async with main.connection.transaction():
            for name in ("prune_relationships", "prune_waiting", "prune_keys"):
                await main.run(_named(name))
            await main.run(_named("remember_status"), source=self._source)
            await main.run(_named("retire_items"))
            deleted = [row[0] for row in await (await main.run(_named("delete_items"))).fetchall()]
        if deleted:
            await requirements.run(_named("unlink_items"), ids=deleted)

    async def end(self) -> None:
        """Drop the tables."""
        if not self._main.connection.closed:
            await self._main.run(_named("drop_seen"))

    async def _row(self, name: str, **parameters: object) -> dict[str, int]:
        cursor = self._main.connection.cursor(row_factory=dict_row)
        return await (await cursor.execute(_named(name).text.encode(), parameters or None)).fetchone() or {}

    async def _measure(self, *tables: str) -> None:
        for table in tables:
            await self._main.run(_named("measure").fill_slots(table=table))


def _named(name: str) -> Statement:
    return statements("imports/prune")[name]
