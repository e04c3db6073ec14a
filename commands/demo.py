"""Where the demo landscape joins the start: loaded once, into empty embedded stores only."""

import asyncio

from datasources.sources import open_sources
from demo.load import load_if_empty
from settings import Settings


def load(whole: Settings) -> int:
    """Load the demo if there is no configuration item: how many rows were created, 0 if there were items already.

    Blocks. ImportStopped when another process imports at the same moment.
    """
    return asyncio.run(_load(whole))


async def _load(whole: Settings) -> int:
    sources = open_sources(*whole.require_stores())
    try:
        report = await load_if_empty(
            sources.main, sources.requirements, after_write=lambda tables: sources.cache.invalidate(sorted(tables))
        )
    finally:
        await sources.close()
    return 0 if report is None else report.total("created")
