"""The complete impact of one failure compared with the bare recursive query: `python -m bench.impact`.

The figures are of one run: compare the ratio, the memory and the longest pause of the event loop.
"""

import asyncio
import resource
import tempfile
import time
from pathlib import Path

import psycopg

from bench.landscape import Landscape, item_id, load
from datasources.aurora.driver.database import Database
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.graph.port import Direction, Walk
from datasources.graph.recursive.impact import ImpactTables
from resolvers.impact.complete_impact import assess_complete_impact
from workers.migrations import migrate

TIMES = 5
# A minimal query for the number of items: no redundancy, status or depth.
BARE = b"""
WITH RECURSIVE walk (id) AS (
    SELECT %(id)s::uuid
    UNION
    SELECT r.impact_to_id FROM walk JOIN relationships r ON r.impact_from_id = walk.id
)
SELECT count(*) FROM walk
"""
# One relationship in five is a member of a group of its dependent, which needs one member.
GROUPED = b"""
INSERT INTO redundancy_groups (id, dependent_id, name, needed)
SELECT gen_random_uuid(), id, 'bench', 1 FROM configuration_items;
UPDATE relationships r SET redundancy_group_id = g.id FROM redundancy_groups g
WHERE g.dependent_id = r.impact_to_id AND hashtext(r.id::text) % 5 = 0;
"""


async def longest_pause(stop: asyncio.Event) -> float:
    """Return the longest time in seconds before the loop resumes this task, which always asks to resume at once."""
    most = 0.0
    while not stop.is_set():
        begin = time.perf_counter()
        await asyncio.sleep(0.001)
        most = max(most, time.perf_counter() - begin)
    return most


async def measure(url: str) -> None:
    """Print medians in seconds, the memory that the computation added in MB, and the longest pause in seconds."""
    database = Database("main", url, statement_timeout=120)
    tables = ImpactTables(database)
    walk = Walk(Direction.DEPENDENTS, max_depth=64)
    bare = await psycopg.AsyncConnection.connect(url, autocommit=True)
    spans: list[float] = []
    bares: list[float] = []
    stop = asyncio.Event()
    pause = asyncio.create_task(longest_pause(stop))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    items = failing = 0
    for number in range(TIMES):
        begin = time.perf_counter()
        impact = await assess_complete_impact(tables, [item_id(number)], walk)
        spans.append(time.perf_counter() - begin)
        begin = time.perf_counter()
        await (await bare.execute(BARE, {"id": item_id(number)})).fetchall()
        bares.append(time.perf_counter() - begin)
        if impact is not None:
            items, failing = len(impact.ids), sum(impact.fails)
    stop.set()
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1_024
    median, least = sorted(spans)[TIMES // 2], sorted(bares)[TIMES // 2]
    print(
        f"{items} items reached, {failing} fail: {median:.2f} s, bare {least:.2f} s, ratio {median / least:.1f}; "
        f"{grown:.0f} MB more, longest pause {await pause:.3f} s"
    )
    await bare.close()
    await database.close()


def main() -> None:
    """Measure on a new server with a landscape of 100,000 items and 1,000,000 relationships."""
    with tempfile.TemporaryDirectory(prefix="stackflow-bench-") as folder:
        Path(folder).chmod(0o755)
        server = EmbeddedPostgres(Path(folder) / "postgres")
        server.start(("bench",), {"fsync": "off", "work_mem": "16MB"})
        try:
            migrate("main", server.url("bench"))
            load(server.url("bench"), Landscape(incidents=10))
            with psycopg.connect(server.url("bench"), autocommit=True) as connection:
                connection.execute(GROUPED)
                connection.execute("VACUUM ANALYZE")
            asyncio.run(measure(server.url("bench")))
        finally:
            server.stop()


if __name__ == "__main__":
    main()
