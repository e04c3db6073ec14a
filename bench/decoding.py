"""How long a large answer of the graph blocks the event loop, and its latency compared with the plain driver.

`python -m bench.decoding [--json]` starts a Gremlin server. The figures are of one run: only the ratios are comparable.
"""

import asyncio
import gc
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gremlin_python.driver.client import Client
from gremlin_python.driver.serializer import GraphSONSerializersV3d0
from gremlin_python.process.graph_traversal import GraphTraversal, __
from gremlin_python.process.traversal import Direction, T
from rich.console import Console
from rich.table import Table

from datasources.config import GraphSettings
from datasources.embedded.gremlin import EmbeddedGremlin
from datasources.graph.gremlin.client import GremlinClient
from datasources.graph.gremlin.source import g

EDGES = 5_000
ANSWERS = 10
BATCH = 250
TICK = 0.001
HUB = "00000000-0000-7000-8000-000000000000"


def item(number: int) -> str:
    return f"00000000-0000-7000-8000-{number:012d}"


def facts() -> GraphTraversal:
    """Return a traversal of a hub's edges, with a row of six values for each, as the adapter does."""
    return (
        g.V(HUB)
        .out_e("depends_on")
        .project("id", "type", "from", "to", "impact", "group")
        .by(T.id)
        .by(T.label)
        .by(__.out_v().id_())
        .by(__.in_v().id_())
        .by("impact")
        .by("group")
    )


async def load(client: GremlinClient) -> None:
    """Create a hub with EDGES edges."""
    await client.submit(g.inject([{T.id: HUB, T.label: "item"}]).unfold().merge_v(__.identity()).count(), "load")
    for first in range(1, EDGES + 1, BATCH):
        numbers = range(first, min(first + BATCH, EDGES + 1))
        nodes = [{T.id: item(number), T.label: "item"} for number in numbers]
        await client.submit(g.inject(nodes).unfold().merge_v(__.identity()).count(), "load")
        edges = [
            {
                T.id: f"edge-{number}",
                T.label: "depends_on",
                Direction.OUT: HUB,
                Direction.IN: item(number),
                "impact": item(number),
                "group": item(number % 7),
            }
            for number in numbers
        ]
        await client.submit(g.inject(edges).unfold().merge_e(__.identity()).count(), "load")


@dataclass
class Ticker:
    """Wakes every millisecond and records its delay, and the CPU time of other threads meanwhile.

    The second figure is almost independent of the machine's load: our threads cannot block the loop for longer than
    they compute. On a busy machine it is too high, because they also compute while the loop waits for a core.
    """

    lags: list[float] = field(default_factory=list)
    held: list[float] = field(default_factory=list)

    async def run(self) -> None:
        while True:
            due, others = time.perf_counter() + TICK, time.process_time() - time.thread_time()
            await asyncio.sleep(TICK)
            lag = time.perf_counter() - due
            self.lags.append(lag)
            self.held.append(min(max(lag, 0.0), time.process_time() - time.thread_time() - others))


async def measured(ask: Callable[[], Awaitable[Any]]) -> tuple[float, float, float]:
    """Return the seconds of an answer, the longest delay of the loop meanwhile, and the part due to our threads."""
    ticker = Ticker()
    task = asyncio.create_task(ticker.run())
    await asyncio.sleep(5 * TICK)
    ticker.lags.clear()
    ticker.held.clear()
    begin = time.perf_counter()
    await ask()
    seconds = time.perf_counter() - begin
    await asyncio.sleep(2 * TICK)
    task.cancel()
    return seconds, max(ticker.lags), max(ticker.held)


async def figures(url: str) -> dict[str, float]:
    """Return medians and maxima over all answers, in milliseconds; our client and the driver alternate."""
    ours = GremlinClient(GraphSettings(url=url))
    driver = Client(url, "g", pool_size=1, max_workers=1, message_serializer=GraphSONSerializersV3d0())
    await load(ours)
    # As the service does after loading: exclude permanent objects from garbage collection.
    gc.collect()
    gc.freeze()

    async def by_us() -> list[Any]:
        return await ours.submit(facts(), "facts")

    async def by_driver() -> list[Any]:
        rows: list[Any] = await asyncio.to_thread(lambda: driver.submit(facts().bytecode).all().result())
        return rows

    async def idle() -> None:
        await asyncio.sleep(0.2)

    assert sorted(map(str, await by_us())) == sorted(map(str, await by_driver()))
    kinds: dict[str, Callable[[], Awaitable[Any]]] = {"ours": by_us, "driver": by_driver, "idle": idle}
    spans: dict[str, list[tuple[float, float, float]]] = {name: [] for name in kinds}
    for _ in range(ANSWERS):
        for name, ask in kinds.items():
            spans[name].append(await measured(ask))
    await ours.close()
    await asyncio.to_thread(driver.close)
    results: dict[str, float] = {}
    for name, triples in spans.items():
        for place, figure in enumerate(("answer", "standstill", "standstill by our threads")):
            values = [each[place] * 1_000 for each in triples]
            results[f"{name}: {figure}, median"] = statistics.median(values)
            results[f"{name}: {figure}, longest"] = max(values)
    results["ratio of answers, driver to ours"] = results["driver: answer, median"] / results["ours: answer, median"]
    return results


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="stackflow-") as folder:
        server = EmbeddedGremlin(Path(folder))
        server.start()
        try:
            results = asyncio.run(figures(server.url))
        finally:
            server.stop()
    if "--json" in sys.argv:
        print(json.dumps(results))
        return
    table = Table(title=f"{ANSWERS} answers of {EDGES} edge facts, ms")
    table.add_column("figure")
    table.add_column("value", justify="right")
    for name, value in results.items():
        table.add_row(name, f"{value:.1f}")
    Console().print(table)


if __name__ == "__main__":
    main()
