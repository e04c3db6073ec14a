"""A large backlog projected by the follower compared with a repair, and a bucket comparison compared with a check.

`python -m bench.following [--items 5000] [--degree 2]`. The graph is empty before the first three. The engine is an
embedded Gremlin Server. The figures are of one run: only the ratios are comparable.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from bench.landscape import Landscape, load
from datasources.aurora.driver.database import Database
from datasources.aurora.outbox import graph_buckets
from datasources.cache.off import NoCache
from datasources.config import GraphSettings
from datasources.embedded.engines import TINKERGRAPH
from datasources.embedded.gremlin import EmbeddedGremlin
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.graph.gremlin.client.client import GremlinClient
from datasources.graph.gremlin.projection import GremlinProjection
from datasources.graph.recursive.adapter import RecursiveGraph
from datasources.sources import Sources
from resolvers.projection.check import check
from resolvers.projection.comparison import BucketComparer
from resolvers.projection.follow import OutboxProjector
from workers.migrations import migrate

ROUNDS = 1


async def seconds(work: Callable[[], Awaitable[object]]) -> float:
    begin = time.perf_counter()
    await work()
    return time.perf_counter() - begin


async def measure(url: str, graph: str) -> dict[str, float]:
    """Return medians in seconds, with the same backlog and an empty graph each time; the methods alternate."""
    main = Database("main", url, statement_timeout=60)
    client = GremlinClient(GraphSettings(url=graph))
    projection = GremlinProjection(client)
    sources = Sources(main, main, RecursiveGraph(main), NoCache(), projection)
    spans: dict[str, list[float]] = {"small rounds": [], "follower": [], "repair": [], "check": [], "buckets": []}
    try:
        for number in range(ROUNDS + 1):
            for name, work in (
                ("small rounds", lambda: OutboxProjector(sources, 1_000, backlog=1_000, at_once=1).run_until_done()),
                ("follower", lambda: OutboxProjector(sources).run_until_done()),
                ("repair", lambda: check(main, projection, repair=True)),
            ):
                await projection.clear()
                async with main.connection() as connection:
                    await connection.execute("UPDATE outbox SET projected = false")
                    await connection.execute("VACUUM ANALYZE outbox")
                spent = await seconds(work)
                # The first run of each warms up the engine.
                spans[name] += [spent] if number else []
            async with main.connection() as connection:
                await connection.execute("UPDATE outbox SET projected = true")
            spans["check"].append(await seconds(lambda: check(main, projection)))
            await graph_buckets.mark_all_due(main)
            spans["buckets"].append(await seconds(lambda: BucketComparer(sources, 300).run_until_done()))
    finally:
        await client.close()
        await main.close()
    return {name: sorted(times)[len(times) // 2] for name, times in spans.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--items", type=int, default=5_000)
    parser.add_argument("--degree", type=int, default=2)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="stackflow-bench-") as folder:
        Path(folder).chmod(0o755)
        server = EmbeddedPostgres(Path(folder) / "postgres")
        server.start(("stackflow",), {"fsync": "off"})
        engine = EmbeddedGremlin(Path(folder) / "graph", TINKERGRAPH, "1g")
        engine.start()
        try:
            url = server.url("stackflow")
            migrate("main", url)
            load(url, Landscape(items=chosen.items, degree=chosen.degree, incidents=0))
            medians = asyncio.run(measure(url, engine.url))
        finally:
            engine.stop()
            server.stop()
    rows = chosen.items * (1 + chosen.degree)
    for base, names in (("repair", ("small rounds", "follower", "repair")), ("check", ("check", "buckets"))):
        for name in names:
            ratio = medians[name] / medians[base]
            print(f"{name:13} {medians[name]:6.2f} s  {rows / medians[name]:8,.0f} rows/s  {ratio:.2f} of a {base}")


if __name__ == "__main__":
    main()
