"""Walks through the adapter compared with bare statements on the bare driver: `python -m bench.graph [--json]`.

The figures are of one run: only the ratios are comparable.
"""

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import psycopg
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bench.landscape import Landscape, item_id, load
from datasources.aurora.driver.database import Database
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.graph.port import Direction, Position, Walk
from datasources.graph.recursive.adapter import RecursiveGraph
from datasources.request import RequestContext, use_request
from workers.migrations import migrate

# A minimal walk: no caps, pages, types, batches or history.
BARE_REACH = b"""
WITH RECURSIVE walk (depth, frontier, seen) AS (
    SELECT 0, ARRAY[%(id)s::uuid], ARRAY[%(id)s::uuid]
    UNION ALL
    SELECT w.depth + 1, next.ids, w.seen || next.ids
    FROM walk w CROSS JOIN LATERAL (
        SELECT ARRAY(
            SELECT r.to_id FROM unnest(w.frontier) AS f (id) JOIN relationships r ON r.from_id = f.id
            EXCEPT SELECT unnest(w.seen)
        ) AS ids
    ) AS next
    WHERE w.depth < %(depth)s AND w.frontier <> '{}'
)
SELECT unnest(frontier)::text, depth FROM walk WHERE depth > 0
"""
BARE_NEIGHBOURS = b"""
SELECT to_id::text, id::text, type_key, impact_from_id::text, redundancy_group_id::text
FROM relationships WHERE from_id = %(id)s::uuid ORDER BY to_id, id LIMIT 1001
"""

Act = Callable[[int], Awaitable[int]]


async def medians_ms(acts: Sequence[Act], times: int) -> list[tuple[float, int]]:
    """Return the median of each function over `times` runs in milliseconds, and the result of its last run.

    The functions alternate, so that load on the machine affects all of them.
    """
    spans: list[list[float]] = [[] for _ in acts]
    answered = [0 for _ in acts]
    for number in range(times + 1):
        for place, act in enumerate(acts):
            begin = time.perf_counter()
            answered[place] = await act(number)
            spans[place].append((time.perf_counter() - begin) * 1_000)
    # The first run opens connections and reads cold pages.
    return [(statistics.median(span[1:]), count) for span, count in zip(spans, answered, strict=True)]


async def measure(url: str, landscape: Landscape) -> dict[str, dict[str, float]]:
    """Return each figure: its median in milliseconds, the size of its answer, and the ratio to the bare walk."""
    database = Database("main", url, statement_timeout=120)
    graph = RecursiveGraph(database)
    # Ids are text on both sides: creating UUID objects would favour the adapter.
    bare = await psycopg.AsyncConnection.connect(url, autocommit=True, prepare_threshold=None)

    def item(number: int) -> str:
        return item_id(number * 7_919 % landscape.items)

    async def bare_reach(number: int) -> int:
        rows = await (await bare.execute(BARE_REACH, {"id": item(number), "depth": 3})).fetchall()
        return len(rows)

    async def reach(number: int) -> int:
        walk = Walk(Direction.OUT, max_depth=3, max_nodes=10_000)
        return len((await graph.reach([frozenset([item(number)])], walk))[0].nodes)

    async def bare_neighbours(number: int) -> int:
        return len(await (await bare.execute(BARE_NEIGHBOURS, {"id": item(number)})).fetchall())

    async def neighbours(number: int) -> int:
        return (await graph.neighbours([item(number)], Walk(Direction.OUT)))[item(number)].degree

    async def bare_impact(number: int) -> int:
        rows = await (await bare.execute(BARE_REACH, {"id": item(number), "depth": 64})).fetchall()
        return len(rows)

    impact = Walk(Direction.OUT, max_depth=64, max_nodes=1_000)

    async def first_page(number: int) -> int:
        return len((await graph.reach([frozenset([item(number)])], impact))[0].nodes)

    async def all_pages(number: int) -> int:
        place: Position | None = None
        found = 0
        walk = Walk(Direction.OUT, max_depth=64, max_nodes=10_000)
        while True:
            [page] = await graph.reach([frozenset([item(number)])], walk, place)
            found += len(page.nodes)
            place = page.cursor
            if place is None:
                return found

    async def paths(number: int) -> int:
        return len((await graph.paths(item(number), item(number + 50_000), impact, 1_000)).paths)

    figures: dict[str, dict[str, float]] = {}
    rounds: tuple[tuple[int, dict[str, Act]], ...] = (
        (200, {"bare neighbours": bare_neighbours, "neighbours": neighbours}),
        (100, {"bare 3 hops": bare_reach, "3 hops": reach, "all shortest paths": paths}),
        (3, {"bare full impact": bare_impact, "its first 1,000": first_page, "its pages of 10,000": all_pages}),
    )
    with use_request(RequestContext()):
        for times, acts in rounds:
            measured = await medians_ms(list(acts.values()), times)
            base = measured[0][0]
            for name, (ms, answered) in zip(acts, measured, strict=True):
                figures[name] = {"ms": round(ms, 3), "answered": answered, "ratio": round(ms / base, 3)}
    await bare.close()
    await database.close()
    return figures


def show(figures: dict[str, dict[str, float]], console: Console) -> None:
    """Print the figures as a table."""
    table = Table("walk", "median ms", "answered", "ratio to bare")
    for name, figure in figures.items():
        table.add_row(name, f"{figure['ms']:.3f}", str(figure["answered"]), f"{figure['ratio']:.3f}")
    console.print(table)


def main() -> None:
    """Load a landscape into a new server and measure."""
    landscape = Landscape(incidents=0)
    errors = Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="stackflow-bench-") as folder:
        Path(folder).chmod(0o755)
        server = EmbeddedPostgres(Path(folder) / "postgres")
        server.start(("stackflow",), {"fsync": "off"})
        try:
            migrate("main", server.url("stackflow"))
            with Progress(console=errors) as progress:
                task = progress.add_task("loading", total=landscape.items * (landscape.degree + 1))
                sent: dict[str, int] = {}

                def each(table: str, rows: int) -> None:
                    sent[table] = rows
                    progress.update(task, completed=sum(sent.values()), description=table)

                load(server.url("stackflow"), landscape, each)
            figures = asyncio.run(measure(server.url("stackflow"), landscape))
        finally:
            server.stop()
    if "--json" in sys.argv[1:]:
        print(json.dumps(figures))
    else:
        show(figures, Console())


if __name__ == "__main__":
    main()
