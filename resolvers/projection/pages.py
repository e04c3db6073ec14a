"""Pages of the truth, and work on several of them at once."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from datasources.graph.projection import EdgeVersion
from datasources.graph.recursive.source import RelationalSource

# Nodes or edges that are sent or compared together.
PAGE_SIZE = 1_000
# Pages under way at once: as many as the engine has sockets.
MAX_CONCURRENT_PAGES = 4

P = TypeVar("P")
R = TypeVar("R")


async def node_pages(truth: RelationalSource, after: str | None, size: int) -> AsyncIterator[list[str]]:
    """Every node after an id, in order of id, `size` at a time."""
    while page := await truth.nodes(after, size):
        yield page
        after = page[-1]


async def edge_pages(truth: RelationalSource, after: str | None, size: int) -> AsyncIterator[list[EdgeVersion]]:
    """Every edge after an id, in order of id, `size` at a time."""
    while page := await truth.edges(after, size):
        yield page
        after = page[-1].edge.id


async def process_in_order(
    pages: AsyncIterator[P], work: Callable[[P], Awaitable[R]], done: Callable[[P, R], None], at_once: int
) -> None:
    """Work on at most `at_once` pages at a time; `done` hears of each page in order, once it and all before it are.

    The first failure ends the work on the others and is raised.
    """
    under_way: deque[tuple[P, asyncio.Future[R]]] = deque()

    async def settle() -> None:
        page, future = under_way[0]
        result = await future
        under_way.popleft()
        done(page, result)

    try:
        async for page in pages:
            if len(under_way) == at_once:
                await settle()
            under_way.append((page, asyncio.ensure_future(work(page))))
        while under_way:
            await settle()
    finally:
        for _, future in under_way:
            future.cancel()
        await asyncio.gather(*(future for _, future in under_way), return_exceptions=True)
