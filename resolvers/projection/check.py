"""The consistency check: compare the whole graph with the tables, page by page, and optionally repair it."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from datasources.aurora.driver.database import Database
from datasources.graph.projection import Changes, NodeChange, Projection
from datasources.graph.recursive.source import RelationalSource
from datasources.request import RequestContext, use_request
from resolvers.projection.edges import EdgeComparison, RepairResult
from resolvers.projection.nodes import compare_nodes, remove_nodes
from resolvers.projection.pages import MAX_CONCURRENT_PAGES, PAGE_SIZE, node_pages, process_in_order
from resolvers.projection.reports import CheckReport, Progress, RebuildPhase, ignore_progress


async def check(
    main: Database,
    projection: Projection,
    *,
    repair: bool = False,
    page: int = PAGE_SIZE,
    at_once: int = MAX_CONCURRENT_PAGES,
    progress: Progress = ignore_progress,
) -> CheckReport:
    """Compare every node and edge of the graph with the tables; `repair` sends only the differences.

    Safe during writes: a difference is read a second time before it counts, and repaired edges are read again. A page
    has `page` nodes with all their outgoing edges; `at_once` pages are processed concurrently. Errors are those of the
    database and the graph; completed repairs stay.
    """
    begin = time.perf_counter()
    with use_request(RequestContext()):
        report = CheckReport(repaired=0 if repair else None)
        await _Check(main, projection, report, page, at_once, progress).run()
    report.seconds = time.perf_counter() - begin
    return report


class _Check:
    def __init__(
        self, main: Database, projection: Projection, report: CheckReport, page: int, at_once: int, progress: Progress
    ) -> None:
        self._truth = RelationalSource(main)
        self._projection = projection
        self._comparison = EdgeComparison(self._truth, projection)
        self._report = report
        self._repairs = report.repaired is not None
        self._page = page
        self._at_once = at_once
        self._progress = progress

    async def run(self) -> None:
        counts = await self._truth.counts()
        self._progress(RebuildPhase.COMPARE_NODES, 0, counts.nodes)
        nodes = await compare_nodes(
            self._truth,
            self._projection,
            self._page,
            lambda done: self._progress(RebuildPhase.COMPARE_NODES, done, max(done, counts.nodes)),
        )
        self._report.nodes = nodes.nodes
        self._report.missing_nodes.add(nodes.missing)
        self._report.extra_nodes.add(nodes.extra)
        if self._repairs:
            await self._in_order(self._batches(nodes.missing), self._add)
        # Compare edges before removing extra nodes: an engine removes a node with its edges, which must be counted.
        self._progress(RebuildPhase.COMPARE_EDGES, 0, counts.edges)
        await self._edges(nodes.extra, counts.edges)
        if self._repairs:
            await self._in_order(self._batches(nodes.extra), self._remove)

    async def _edges(self, extra: Sequence[str], of: int) -> None:
        async def pages() -> AsyncIterator[list[str]]:
            async for page in self._batches(extra):
                yield page
            async for page in node_pages(self._truth, None, self._page):
                yield page

        def done(_: object, result: RepairResult) -> None:
            self._report.edges += result.found.edges
            for difference in result.found.differences:
                self._report.add(difference)
            if self._repairs:
                left = len(result.left)
                self._repaired(max(0, len(result.found.differences) - left), left)
            self._progress(RebuildPhase.COMPARE_EDGES, self._report.edges, max(self._report.edges, of))

        await process_in_order(pages(), self._compare, done, self._at_once)

    async def _compare(self, ids: Sequence[str]) -> RepairResult:
        return (
            await self._comparison.repair(ids) if self._repairs else RepairResult(await self._comparison.compare(ids))
        )

    async def _add(self, ids: Sequence[str]) -> int:
        await self._projection.apply(Changes(nodes=tuple(NodeChange(id) for id in ids)))
        return len(ids)

    async def _remove(self, ids: Sequence[str]) -> int:
        return await remove_nodes(self._truth, self._projection, ids)

    async def _in_order(self, pages: AsyncIterator[list[str]], work: Callable[[list[str]], Awaitable[int]]) -> None:
        await process_in_order(pages, work, lambda _, count: self._repaired(count), self._at_once)

    async def _batches(self, ids: Sequence[str]) -> AsyncIterator[list[str]]:
        for begin in range(0, len(ids), self._page):
            yield list(ids[begin : begin + self._page])

    def _repaired(self, count: int, left: int = 0) -> None:
        self._report.repaired = (self._report.repaired or 0) + count
        self._report.left += left
