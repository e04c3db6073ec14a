"""Rebuild through the Neptune bulk loader: write nodes and edges to files, and load them together."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import TypeVar

from datasources.graph.gremlin.bulk.csv import EDGE_HEADER, NODE_HEADER, CsvFile, Row, edge_row, node_row, open_csv
from datasources.graph.gremlin.bulk.loading import BulkStore, LoadFailed
from datasources.graph.recursive.source import Counts, RelationalSource
from resolvers.projection.checkpoint import Checkpoint, CheckpointFile
from resolvers.projection.pages import edge_pages, node_pages
from resolvers.projection.reports import Progress, RebuildPhase

# Maximum number of rows in one read.
READ_PAGE_SIZE = 5_000

T = TypeVar("T")


class BulkRebuild:
    """The phases of a rebuild that use files. The checkpoint is stored after each uploaded file."""

    def __init__(
        self,
        truth: RelationalSource,
        bulk: BulkStore,
        place: Checkpoint,
        file: CheckpointFile,
        progress: Progress,
    ) -> None:
        self._truth = truth
        self._bulk = bulk
        self._place = place
        self._file = file
        self._progress = progress

    async def run(self, counts: Counts) -> None:
        """Write the files, start the loader, and wait. Raises LoadFailed; a resumed rebuild starts it again."""
        place, size = self._place, min(self._bulk.rows, READ_PAGE_SIZE)
        if place.step is RebuildPhase.NODES:
            pages = node_pages(self._truth, place.last, size)
            await self._files(pages, NODE_HEADER, node_row, lambda id: id, counts.nodes)
            self._start_phase(RebuildPhase.EDGES)
        if place.step is RebuildPhase.EDGES:
            versions = edge_pages(self._truth, place.last, size)
            await self._files(versions, EDGE_HEADER, edge_row, lambda version: version.edge.id, counts.edges)
            self._start_phase(RebuildPhase.LOAD)
        if place.step is RebuildPhase.LOAD:
            await self._load()
            self._start_phase(RebuildPhase.COMPARE_NODES)

    async def _files(
        self,
        pages: AsyncIterator[Sequence[T]],
        header: tuple[str, ...],
        row: Callable[[T], Row],
        id_of: Callable[[T], str],
        of: int,
    ) -> None:
        with tempfile.TemporaryDirectory(prefix="stackflow-") as folder:
            path = Path(folder) / "part.csv.gz"
            page: Sequence[T] | None = await anext(pages, None)
            while page:
                last = page[-1]
                with open_csv(path, header) as part:
                    while page and part.rows + len(page) <= self._bulk.rows:
                        part.write(map(row, page))
                        last = page[-1]
                        self._progress(self._place.step, self._done + part.rows, max(self._done + part.rows, of))
                        page = await anext(pages, None)
                await self._record_upload(part, id_of(last))

    async def _record_upload(self, part: CsvFile, last: str) -> None:
        place = self._place
        name = f"{place.step}-{place.part + 1:05}.csv.gz"
        await self._bulk.upload(part.path, place.folder or "", name)
        place.part += 1
        place.last = last
        if place.step is RebuildPhase.NODES:
            place.nodes += part.rows
        else:
            place.edges += part.rows
        self._file.write(place)

    @property
    def _done(self) -> int:
        return self._place.nodes if self._place.step is RebuildPhase.NODES else self._place.edges

    async def _load(self) -> None:
        place = self._place
        if not place.nodes and not place.edges:
            return
        if place.load is None:
            place.load = await self._bulk.start(place.folder or "")
            self._file.write(place)
        of = place.nodes + place.edges
        while (status := await self._bulk.status(place.load)).is_running:
            self._progress(RebuildPhase.LOAD, status.records, max(of, status.records))
            await asyncio.sleep(self._bulk.poll)
        if not status.is_completed:
            place.load = None
            self._file.write(place)
            raise LoadFailed(status)
        self._progress(RebuildPhase.LOAD, status.records, max(of, status.records))

    def _start_phase(self, step: RebuildPhase) -> None:
        self._place.step, self._place.last, self._place.part = step, None, 0
        self._file.write(self._place)
