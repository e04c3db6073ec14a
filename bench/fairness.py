"""Quick reads of one client during slow statements of another: in the same flow, and in separate flows.

`python -m bench.fairness [--slow 12] [--seconds 6]`. The figures are of one run: only the ratios are comparable. The
last line is the cost of a free turn in the queue, compared with a quick read.
"""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

from datasources.aurora.driver.database import Database
from datasources.aurora.driver.fair_queue import FairQueue
from datasources.aurora.statements import Statement
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.request import RequestContext, use_request

SLOW = Statement("slow", "A slow statement.", "SELECT pg_sleep(%(seconds)s)::text", frozenset())
QUICK = Statement("quick", "A quick one.", "SELECT 1", frozenset())
# The duration of a slow statement, and the pause between two quick ones, in seconds.
SLOW_SECONDS = 1.0
PAUSE = 0.02
TURNS = 100_000


async def quick(database: Database, seconds: float, flow: str) -> list[float]:
    """Return the latencies of consecutive quick reads in milliseconds, sorted."""
    latencies, end = list[float](), time.perf_counter() + seconds
    while time.perf_counter() < end:
        begin = time.perf_counter()
        with use_request(RequestContext(flow=flow)):
            await database.fetch(QUICK, {}, int)
        latencies.append((time.perf_counter() - begin) * 1_000)
        await asyncio.sleep(PAUSE)
    return sorted(latencies)


async def quick_under_load(database: Database, slow: int, seconds: float, flow: str) -> list[float]:
    """Return the same while `slow` slow statements of the flow `hog` are always running or waiting."""

    async def hog() -> None:
        while True:
            with use_request(RequestContext(flow="hog")):
                await database.fetch(SLOW, {"seconds": SLOW_SECONDS}, str)

    tasks = [asyncio.create_task(hog()) for _ in range(slow)]
    await asyncio.sleep(SLOW_SECONDS / 2)
    try:
        return await quick(database, seconds, flow)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def turns() -> float:
    """Return the microseconds to acquire and release a free turn."""
    queue = FairQueue(10)
    begin = time.perf_counter()
    for _ in range(TURNS):
        await queue.acquire("any", 1.0)
        queue.release("any")
    return (time.perf_counter() - begin) / TURNS * 1_000_000


def at(sorted_: list[float], share: float) -> float:
    return sorted_[min(len(sorted_) - 1, int(len(sorted_) * share))]


async def measure(url: str, slow: int, seconds: float) -> None:
    """Print the three cases, each compared with the first."""
    database = Database("main", url)
    await quick(database, 1.0, "warm")
    alone = await quick(database, seconds, "quick")
    one = await quick_under_load(database, slow, seconds, "hog")
    own = await quick_under_load(database, slow, seconds, "quick")
    await database.close()
    for name, latencies in (("alone", alone), ("one flow", one), ("own flow", own)):
        p50, p95 = at(latencies, 0.5), at(latencies, 0.95)
        print(
            f"{name:10} {len(latencies):5} reads  p50 {p50:8.2f} ms ({p50 / at(alone, 0.5):6.1f} x)"
            f"  p95 {p95:8.2f} ms ({p95 / at(alone, 0.95):6.1f} x)  max {latencies[-1]:8.2f} ms"
        )
    cost = await turns()
    print(f"a free turn {cost:.2f} us, {cost / 10 / at(alone, 0.5):.2f} % of a quick read")


def main() -> None:
    """Measure with an embedded PostgreSQL."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slow", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=6.0)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="stackflow-") as folder:
        Path(folder).chmod(0o755)
        server = EmbeddedPostgres(Path(folder) / "postgres")
        server.start(("stackflow",), {"fsync": "off"})
        try:
            asyncio.run(measure(server.url("stackflow"), chosen.slow, chosen.seconds))
        finally:
            server.stop()


if __name__ == "__main__":
    main()
