"""Whether the graph is still there: one that was emptied behind our back is told everything again."""

from datasources.request import RequestContext, use_request
from datasources.sources import Sources
from resolvers.projection.check import check
from resolvers.projection.reports import CheckReport
from resolvers.projection.stale import TRAVERSAL_TABLES


async def ensure_complete(sources: Sources) -> CheckReport | None:
    """Compare and mend the whole graph if it is not known to be whole: it is new, or was emptied. None if it is.

    Costs one traversal where there is nothing to do. Writes may go on meanwhile. Errors are those of the database and
    the graph; then it is still not whole, and the next call goes on. So it is if the graph is emptied once more.
    """
    marks, projection = sources.completeness_marker, sources.projection
    with use_request(RequestContext()):
        if marks is None or projection is None or await marks.is_complete():
            return None
        await marks.begin()
    report = await check(sources.main, projection, repair=True)
    # Walks of the time in which it was empty may be cached.
    await sources.cache.invalidate(TRAVERSAL_TABLES)
    if not report.left:
        with use_request(RequestContext()):
            await marks.finish()
    return report
