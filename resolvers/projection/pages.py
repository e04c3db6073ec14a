"""Pages of nodes and edges from the tables, and concurrent processing of several pages."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from datasources.graph.projection import EdgeVersion
from datasources.graph.recursive.source import RelationalSource

# Nodes or edges that are sent or compared together.
PAGE_SIZE = 1_000
# As many as the engine's client has connections.
MAX_CONCURRENT_PAGES = 4

P = TypeVar("P")
R = TypeVar("R")


async def node_pages(truth: RelationalSource, after: str | None, size: int) -> AsyncIterator[list[str]]:
    """Yield every node after an id, in order of id, `size` at a time."""
    while page := await truth.nodes(after, size):
        yield page
        after = page[-1]


async def edge_pages(truth: RelationalSource, after: str | None, size: int) -> AsyncIterator[list[EdgeVersion]]:
    """Yield every edge after an id, in order of id, `size` at a time."""
    while page := await truth.edges(after, size):
        yield page
        after = page[-1].edge.id


async def process_in_order(
    pages: AsyncIterator[P], work: Callable[[P], Awaitable[R]], done: Callable[[P, R], None], at_once: int
) -> None:
    """Process at most `at_once` pages concurrently; `done` is called in page order, once all earlier pages are done.

    The first failure cancels the others and is raised.
    """
    running: deque[tuple[P, asyncio.Future[R]]] = deque()

    async def settle() -> None:
        page, future = running[0]
        result = await future
        running.popleft()
        done(page, result)

    try:
        async for page in pages:
            if len(running) == at_once:
                await settle()
            running.append((page, asyncio.ensure_future(work(page))))
        while running:
            await settle()
    finally:
        for _, future in running:
            future.cancel()
        await asyncio.gather(*(future for _, future in running), return_exceptions=True)
