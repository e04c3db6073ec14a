"""Prune: delete what a named source no longer holds. Items that records point to are retired, not deleted."""

from dataclasses import dataclass

from datasources.aurora.imports.landing import Landing
from datasources.aurora.imports.tables import Table
from datasources.aurora.statements import statements


@dataclass(frozen=True, slots=True)
class Pruned:
    """What a prune did, in rows."""

    relationships: int = 0
    pending: int = 0
    keys: int = 0
    retired: int = 0
    deleted: int = 0


async def begin(main: Landing) -> None:
    """Make room for what this import will see."""
    named = statements("imports/prune")
    for name in ("drop_seen", "make_seen_items", "make_seen_relationships"):
        await main.run(named[name])


async def remember(main: Landing, table: Table) -> None:
    """Note the staged rows of a section as seen."""
    statement = statements("imports/prune").get(f"see_{table.entity}")
    if statement is not None:
        await main.run(statement)


async def prune(main: Landing, requirements: Landing, source: str) -> Pruned:
    """Delete or retire what `source` no longer holds, in one transaction of the main database."""
    named = statements("imports/prune")
    slots = {"gone": named["gone"].text, "referenced": named["referenced"].text}
    async with main.connection.transaction():
        relationships = (await main.run(named["prune_relationships"], source=source)).rowcount
        pending = (await main.run(named["prune_pending"], source=source)).rowcount
        keys = (await main.run(named["prune_keys"], source=source)).rowcount
        retired = (await main.run(named["retire_items"].filled(**slots), source=source)).rowcount
        cursor = await main.run(named["delete_items"].filled(**slots), source=source)
        deleted = [row[0] for row in await cursor.fetchall()]
    if deleted:
        await requirements.run(named["unlink_items"], ids=deleted)
    return Pruned(relationships, pending, keys, retired, len(deleted))


async def end(main: Landing) -> None:
    """Drop what was remembered."""
    await main.run(statements("imports/prune")["drop_seen"])
