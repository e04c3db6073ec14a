"""Rebuild the graph from the tables, whatever it contains."""

import time
from dataclasses import dataclass
from pathlib import Path

from datasources.aurora.driver.database import Database
from datasources.graph.gremlin.bulk.loading import BulkStore
from datasources.graph.projection import Changes, EdgeChange, EdgeVersion, NodeChange, Projection
from datasources.graph.recursive.source import Counts, RelationalSource
from datasources.request import RequestContext, use_request
from resolvers.projection.bulk import BulkRebuild
from resolvers.projection.check import check
from resolvers.projection.checkpoint import Checkpoint, CheckpointFile
from resolvers.projection.pages import MAX_CONCURRENT_PAGES, PAGE_SIZE, edge_pages, node_pages, process_in_order
from resolvers.projection.reports import Progress, RebuildPhase, RebuildReport, ignore_progress


@dataclass(frozen=True, slots=True)
class RebuildOptions:
    """Options of a rebuild. `clear` empties the graph first; `resume` continues an interrupted rebuild.

    `place` is the checkpoint file, None to store none; `store` identifies the graph in it. Without `compare` nothing is
    read back: only for a graph that was empty.
    """

    clear: bool = False
    resume: bool = False
    compare: bool = True
    place: Path | None = None
    store: str = ""
    page: int = PAGE_SIZE
    at_once: int = MAX_CONCURRENT_PAGES


async def rebuild(
    main: Database,
    projection: Projection,
    options: RebuildOptions | None = None,
    *,
    bulk: BulkStore | None = None,
    progress: Progress = ignore_progress,
) -> RebuildReport:
    """Upsert every node, then every edge, then compare with the tables and repair: extra nodes and edges are removed.

    Safe during writes; the comparison finds changes on pages that were already sent. All writes are idempotent, so
    after an interruption everything since the last acknowledged page is sent again. With `bulk` nodes and edges are
    loaded by the Neptune bulk loader. Raises CheckpointError if there is nothing to resume, and errors of the database
    and graph.
    """
    options = options or RebuildOptions()
    file = CheckpointFile(options.place)
    begin = time.perf_counter()
    with use_request(RequestContext()):
        if options.resume:
            place = file.read(options.store, bulk=bulk is not None)
        else:
            folder = None if bulk is None else bulk.new_folder()
            place = Checkpoint(
                store=options.store, step=RebuildPhase.CLEAR if options.clear else RebuildPhase.NODES, folder=folder
            )
        report = await _Rebuild(RelationalSource(main), projection, options, place, file, progress).run(bulk)
        if options.compare:
            report.compared = await check(
                main, projection, repair=True, page=options.page, at_once=options.at_once, progress=progress
            )
    file.remove()
    report.seconds = time.perf_counter() - begin
    return report


class _Rebuild:
    def __init__(
        self,
        truth: RelationalSource,
        projection: Projection,
        options: RebuildOptions,
        place: Checkpoint,
        file: CheckpointFile,
        progress: Progress,
    ) -> None:
        self._truth = truth
        self._projection = projection
        self._options = options
        self._place = place
        self._file = file
        self._progress = progress
        # False after an interruption: nothing is known about the edges that the earlier rebuild wrote.
        self._fresh = not options.resume and (options.clear or not options.compare)

    async def run(self, bulk: BulkStore | None) -> RebuildReport:
        place = self._place
        self._file.write(place)
        if place.step is RebuildPhase.CLEAR:
            self._progress(RebuildPhase.CLEAR, 0, None)
            await self._projection.clear()
            self._start_phase(RebuildPhase.NODES)
        counts = await self._truth.counts()
        if bulk is not None:
            await BulkRebuild(self._truth, bulk, place, self._file, self._progress).run(counts)
        else:
            await self._send(counts)
        return RebuildReport(nodes=place.nodes, edges=place.edges)

    async def _send(self, counts: Counts) -> None:
        if self._place.step is RebuildPhase.NODES:
            await self._nodes(counts.nodes)
            self._start_phase(RebuildPhase.EDGES)
        if self._place.step is RebuildPhase.EDGES:
            await self._edges(counts.edges)
            self._start_phase(RebuildPhase.COMPARE_NODES)

    async def _nodes(self, of: int) -> None:
        def done(page: list[str], _: None) -> None:
            self._place.last = page[-1]
            self._place.nodes += len(page)
            self._file.write(self._place)
            self._progress(RebuildPhase.NODES, self._place.nodes, max(self._place.nodes, of))

        async def work(page: list[str]) -> None:
            await self._projection.apply(Changes(nodes=tuple(NodeChange(id) for id in page)))

        self._progress(RebuildPhase.NODES, self._place.nodes, of)
        pages = node_pages(self._truth, self._place.last, self._options.page)
        await process_in_order(pages, work, done, self._options.at_once)

    async def _edges(self, of: int) -> None:
        def done(page: list[EdgeVersion], _: None) -> None:
            self._place.last = page[-1].edge.id
            self._place.edges += len(page)
            self._file.write(self._place)
            self._progress(RebuildPhase.EDGES, self._place.edges, max(self._place.edges, of))

        async def work(page: list[EdgeVersion]) -> None:
            edges = tuple(EdgeChange(version) for version in page)
            await self._projection.apply(Changes(edges=edges, fresh=self._fresh))

        self._progress(RebuildPhase.EDGES, self._place.edges, of)
        pages = edge_pages(self._truth, self._place.last, self._options.page)
        await process_in_order(pages, work, done, self._options.at_once)

    def _start_phase(self, step: RebuildPhase) -> None:
        self._place.step, self._place.last = step, None
        self._file.write(self._place)
