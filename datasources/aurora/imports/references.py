"""References that could not be met when their row came in: pending relationships and links of requirements."""

from uuid_utils import uuid7

from datasources.aurora.database import Database
from datasources.aurora.imports.landing import Landing
from datasources.aurora.statements import statements

# Pending relationships settled, and keys looked up, in one round.
ROUND = 10_000


async def settle_pending(main: Landing) -> int:
    """Make relationships of the pending ones whose ends are both known by now; how many were made."""
    statement = statements("imports/relationships")["settle_pending"]
    made = 0
    while True:
        row = await (await main.run(statement, ids=[str(uuid7()) for _ in range(ROUND)])).fetchone()
        if row is None or row[0] == 0:
            return made
        made += row[1]


async def count_pending(main: Landing, sources: set[str]) -> int:
    """How many relationships of these sources still wait for an end."""
    row = await (
        await main.run(statements("imports/relationships")["count_pending"], sources=sorted(sources))
    ).fetchone()
    return int(row[0]) if row else 0


async def link_requirements(main: Landing, requirements: Landing) -> int:
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
        row = await (await Landing(connection).run(statements("imports/relationships")["any_item"])).fetchone()
    return row is None
