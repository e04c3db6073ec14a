"""Detect a wiped graph store, and project everything again."""

from datasources.aurora.tables.invalidation import TRAVERSAL_TABLES
from datasources.request import RequestContext, use_request
from datasources.sources import Sources
from resolvers.projection.check import check
from resolvers.projection.reports import CheckReport


async def ensure_complete(sources: Sources) -> CheckReport | None:
    """Compare and repair the whole graph if it is new or was wiped; return None if it is complete.

    Costs one traversal if it is complete. Safe during writes. After an error of the database or the graph, or another
    wipe, it remains incomplete, and the next call continues.
    """
    marks, projection = sources.completeness_marker, sources.projection
    with use_request(RequestContext()):
        if marks is None or projection is None or await marks.is_complete():
            return None
        await marks.begin()
    report = await check(sources.main, projection, repair=True)
    # Walks may have been cached while the graph was incomplete.
    await sources.cache.invalidate(TRAVERSAL_TABLES)
    if not report.left:
        with use_request(RequestContext()):
            await marks.finish()
    return report
