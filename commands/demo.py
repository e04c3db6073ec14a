"""Load the demo landscape once, into empty embedded stores only."""

import asyncio

from datasources.sources import open_sources
from demo.load import load_if_empty
from settings import Settings


def load(resolved: Settings) -> int:
    """Load the demo if there is no configuration item. Return the number of created rows, 0 if there were items.

    Blocks. ImportStopped if another process imports at the same time.
    """
    return asyncio.run(_load(resolved))


async def _load(resolved: Settings) -> int:
    sources = open_sources(*resolved.require_stores())
    try:
        report = await load_if_empty(
            sources.main, sources.requirements, after_write=lambda tables: sources.cache.invalidate(sorted(tables))
        )
    finally:
        await sources.close()
    return 0 if report is None else report.total("created")
