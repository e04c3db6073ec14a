"""Rows whose references could not be met when they came in: waiting rows, and links of requirements."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from datasources.aurora.driver.database import Database
from datasources.aurora.imports.session import Session
from datasources.aurora.imports.staging_session import StagingSession
from datasources.aurora.imports.tables import TABLES
from datasources.aurora.statements import Statement, statements

# Keys looked up in one round.
BATCH_SIZE = 10_000
# A group before its relationships, an item's links in any order.
ENTITY_ORDER = (
    "redundancy_groups", "relationships", "change_items", "incident_items", "document_items", "workflow_items",
)  # fmt: skip


@dataclass(slots=True)
class WaitingRowsResult:
    """Rows of one entity that waited and went in, and lines, reasons and rows of those that were refused or noted."""

    entity: str
    created: int = 0
    changed: int = 0
    rejected: list[tuple[int, str, Any]] = field(default_factory=list)
    unresolved: list[tuple[int, str, Any]] = field(default_factory=list)


async def apply_waiting_rows(main: StagingSession, batch: int) -> AsyncIterator[WaitingRowsResult]:
    """Plan and write the waiting rows whose items are all known by now, as if they had come in this moment."""
    entities = {row[0] for row in await (await main.run(_named("any_waiting"))).fetchall()}
    for entity in ENTITY_ORDER:
        if entity in entities:
            yield await _settle(main, entity, batch)


async def _settle(main: StagingSession, entity: str, batch: int) -> WaitingRowsResult:
    table, settled = TABLES[entity], WaitingRowsResult(entity)
    await main.clear()
    await main.run(table.stage_statement())
    staged = (await main.run(table.stage_ready_statement(), entity=entity)).rowcount
    if not staged:
        return settled
    await main.run(statements("imports/frame")["measure_staged"])
    # Rows of several names for one edge are the same row.
    plan = await main.plan(table, staged, "first")
    if plan.writes or plan.counts.get("reject"):
        async for refusal in main.stream_refusals():
            settled.rejected.append(refusal)
    async for note in main.stream_notes():
        settled.unresolved.append(note)
    refused = 0
    if plan.writes:
        for after in range(0, staged, batch):
            refused += await main.apply(
                table, plan, after, min(after + batch, staged), lambda *row: settled.rejected.append(row)
            )
    await main.finish(table, plan, settled=True)
    settled.created = plan.counts.get("create", 0) - refused
    settled.changed = plan.counts.get("change", 0)
    return settled


async def count_waiting(main: Session, sources: set[str]) -> dict[str, int]:
    """How many rows of each entity still wait for an item: relationships of these sources, links of any."""
    return dict(await (await main.run(_named("count_waiting"), sources=sorted(sources))).fetchall())


async def link_requirements(main: Session, requirements: Session) -> int:
    """Give requirements' links the items that are known by now; how many links were given one."""
    named = statements("imports/requirements")
    linked, after = 0, ("", "")
    while True:
        cursor = await requirements.run(named["unlinked_items"], source=after[0], key=after[1])
        keys = await cursor.fetchall()
        if not keys:
            return linked
        after = keys[-1]
        cursor = await main.run(named["known_items"], sources=[k[0] for k in keys], keys=[k[1] for k in keys])
        found = await cursor.fetchall()
        if found:
            sources, names, ids = (list(column) for column in zip(*found, strict=True))
            linked += (await requirements.run(named["link_items"], sources=sources, keys=names, ids=ids)).rowcount


async def is_empty(main: Database) -> bool:
    """True when there is no configuration item."""
    async with main.connection() as connection:
        row = await (await Session(connection).run(_named("any_item"))).fetchone()
    return row is None


def _named(name: str) -> Statement:
    return statements("imports/waiting")[name]
