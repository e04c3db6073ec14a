"""A rebuild through Neptune's loader: nodes and edges as files, and one load of them all."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import TypeVar

from datasources.graph.gremlin.bulk.csv import EDGE_HEADER, NODE_HEADER, Part, Row, edge_row, node_row, part_of
from datasources.graph.gremlin.bulk.loading import BulkStore, LoadFailed
from datasources.graph.recursive.source import Counts, Truth
from resolvers.projection.checkpoint import Place, PlaceFile
from resolvers.projection.pages import edge_pages, node_pages
from resolvers.projection.reports import Pass, Progress

# Rows read at once, at most.
READ = 5_000

T = TypeVar("T")


class BulkRebuild:
    """The passes of a rebuild that go by files. `place` is kept after each file that the bucket has."""

    def __init__(
        self,
        truth: Truth,
        bulk: BulkStore,
        place: Place,
        file: PlaceFile,
        progress: Progress,
    ) -> None:
        self._truth = truth
        self._bulk = bulk
        self._place = place
        self._file = file
        self._progress = progress

    async def run(self, counts: Counts) -> None:
        """Write the files, start the loader, and wait for it. LoadFailed if it gives up; it starts anew on resuming."""
        place, size = self._place, min(self._bulk.rows, READ)
        if place.step is Pass.NODES:
            pages = node_pages(self._truth, place.last, size)
            await self._files(pages, NODE_HEADER, node_row, lambda id: id, counts.nodes)
            self._enter(Pass.EDGES)
        if place.step is Pass.EDGES:
            versions = edge_pages(self._truth, place.last, size)
            await self._files(versions, EDGE_HEADER, edge_row, lambda version: version.edge.id, counts.edges)
            self._enter(Pass.LOAD)
        if place.step is Pass.LOAD:
            await self._load()
            self._enter(Pass.COMPARE_NODES)

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
                with part_of(path, header) as part:
                    while page and part.rows + len(page) <= self._bulk.rows:
                        part.write(map(row, page))
                        last = page[-1]
                        self._progress(self._place.step, self._done + part.rows, max(self._done + part.rows, of))
                        page = await anext(pages, None)
                await self._sent(part, id_of(last))

    async def _sent(self, part: Part, last: str) -> None:
        place = self._place
        name = f"{place.step}-{place.part + 1:05}.csv.gz"
        await self._bulk.upload(part.path, place.folder or "", name)
        place.part += 1
        place.last = last
        if place.step is Pass.NODES:
            place.nodes += part.rows
        else:
            place.edges += part.rows
        self._file.write(place)

    @property
    def _done(self) -> int:
        return self._place.nodes if self._place.step is Pass.NODES else self._place.edges

    async def _load(self) -> None:
        place = self._place
        if not place.nodes and not place.edges:
            return
        if place.load is None:
            place.load = await self._bulk.start(place.folder or "")
            self._file.write(place)
        of = place.nodes + place.edges
        while (status := await self._bulk.status(place.load)).under_way:
            self._progress(Pass.LOAD, status.records, max(of, status.records))
            await asyncio.sleep(self._bulk.poll)
        if not status.completed:
            place.load = None
            self._file.write(place)
            raise LoadFailed(status)
        self._progress(Pass.LOAD, status.records, max(of, status.records))

    def _enter(self, step: Pass) -> None:
        self._place.step, self._place.last, self._place.part = step, None, 0
        self._file.write(self._place)
