"""Rows whose references were unknown when they were imported: waiting rows, and links of requirements."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from datasources.aurora.driver.database import Database
from datasources.aurora.imports.session import Session
from datasources.aurora.imports.staging_session import StagingSession
from datasources.aurora.imports.tables import TABLES
from datasources.aurora.statements import Statement, statements

# Keys looked up by one statement.
BATCH_SIZE = 10_000
# A group before its relationships, an item's links in any order.
ENTITY_ORDER = (
    "redundancy_groups", "relationships", "change_items", "incident_items", "document_items", "workflow_items",
)  # fmt: skip


@dataclass(slots=True)
class WaitingRowsResult:
    """The waiting rows of one entity that were written, and lines, reasons and rows of those refused or noted."""

    entity: str
    created: int = 0
    changed: int = 0
    rejected: list[tuple[int, str, Any]] = field(default_factory=list)
    unresolved: list[tuple[int, str, Any]] = field(default_factory=list)


async def apply_waiting_rows(main: StagingSession, batch: int) -> AsyncIterator[WaitingRowsResult]:
    """Plan and write the waiting rows whose items are all known now, as if they were imported now."""
    entities = {row[0] for row in await (await main.run(_named("any_waiting"))).fetchall()}
    for entity in ENTITY_ORDER:
        if entity in entities:
            yield await _settle(main, entity, batch)


async def _settle(main: StagingSession, entity: str, batch: int) -> WaitingRowsResult:
    table, result = TABLES[entity], WaitingRowsResult(entity)
    await main.clear()
    await main.run(table.stage_statement())
    staged = (await main.run(table.stage_ready_statement(), entity=entity)).rowcount
    if not staged:
        return result
    await main.run(statements("imports/frame")["measure_staged"])
    # Rows that name one edge differently are the same row.
    plan = await main.plan(table, staged, "first")
    if plan.writes or plan.counts.get("reject"):
        async for refusal in main.stream_refusals():
            result.rejected.append(refusal)
    async for note in main.stream_notes():
        result.unresolved.append(note)
    refused = 0
    if plan.writes:
        for after in range(0, staged, batch):
            refused += await main.apply(
                table, plan, after, min(after + batch, staged), lambda *row: result.rejected.append(row)
            )
    await main.finish(table, plan, settled=True)
    result.created = plan.counts.get("create", 0) - refused
    result.changed = plan.counts.get("change", 0)
    return result


async def count_waiting(main: Session, sources: set[str]) -> dict[str, int]:
    """Return how many rows of each entity still wait for an item: relationships of these sources, links of any."""
    return dict(await (await main.run(_named("count_waiting"), sources=sorted(sources))).fetchall())


async def link_requirements(main: Session, requirements: Session) -> int:
    """Set the items of requirements' links that are known now; return how many links were set."""
    requirement_statements = statements("imports/requirements")
    linked, after = 0, ("", "")
    while True:
        cursor = await requirements.run(requirement_statements["unlinked_items"], source=after[0], key=after[1])
        keys = await cursor.fetchall()
        if not keys:
            return linked
        after = keys[-1]
        cursor = await main.run(
            requirement_statements["known_items"], sources=[k[0] for k in keys], keys=[k[1] for k in keys]
        )
        items = await cursor.fetchall()
        if items:
            sources, names, ids = (list(column) for column in zip(*items, strict=True))
            linked += (
                await requirements.run(requirement_statements["link_items"], sources=sources, keys=names, ids=ids)
            ).rowcount


async def is_empty(main: Database) -> bool:
    """Return whether there is no configuration item."""
    async with main.connection() as connection:
        row = await (await Session(connection).run(_named("any_item"))).fetchone()
    return row is None


def _named(name: str) -> Statement:
    return statements("imports/waiting")[name]
