"""How long a large answer of the graph holds up the service's loop, and its time beside the plain driver's.

`python -m bench.decoding [--json]` starts a Gremlin server. Figures of one run on one machine: read the ratios.
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
    """A walk's edges, as the adapter asks for them: a row each of six values."""
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
    """A hub with so many edges."""
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
    """Wakes every millisecond and notes how much later than that it did, and what other threads computed meanwhile.

    The second figure is nearly free of what else runs on the machine: no thread of ours can hold the loop up for
    longer than it computes. On a crowded machine it is too high, as they compute while the loop waits for a core.
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
    """Seconds that an answer took, the longest time that the loop stood still meanwhile, and by our doing."""
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
    """Medians and maxima over so many answers, in milliseconds; ours and the driver's are asked for in turn."""
    ours = GremlinClient(GraphSettings(url=url))
    driver = Client(url, "g", pool_size=1, max_workers=1, message_serializer=GraphSONSerializersV3d0())
    await load(ours)
    # As the service does once it is loaded: what stays is not to be gone through again and again.
    gc.collect()
    gc.freeze()

    async def by_us() -> list[Any]:
        return await ours.submit(facts(), "facts")

    async def by_driver() -> list[Any]:
        rows: list[Any] = await asyncio.to_thread(lambda: driver.submit(facts().bytecode).all().result())
        return rows

    async def by_nobody() -> None:
        await asyncio.sleep(0.2)

    assert sorted(map(str, await by_us())) == sorted(map(str, await by_driver()))
    kinds: dict[str, Callable[[], Awaitable[Any]]] = {"ours": by_us, "driver": by_driver, "idle": by_nobody}
    spans: dict[str, list[tuple[float, float, float]]] = {name: [] for name in kinds}
    for _ in range(ANSWERS):
        for name, ask in kinds.items():
            spans[name].append(await measured(ask))
    await ours.close()
    await asyncio.to_thread(driver.close)
    found: dict[str, float] = {}
    for name, triples in spans.items():
        for place, figure in enumerate(("answer", "standstill", "standstill by our threads")):
            values = [each[place] * 1_000 for each in triples]
            found[f"{name}: {figure}, median"] = statistics.median(values)
            found[f"{name}: {figure}, longest"] = max(values)
    found["ratio of answers, driver to ours"] = found["driver: answer, median"] / found["ours: answer, median"]
    return found


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="stackflow-") as folder:
        server = EmbeddedGremlin(Path(folder))
        server.start()
        try:
            found = asyncio.run(figures(server.url))
        finally:
            server.stop()
    if "--json" in sys.argv:
        print(json.dumps(found))
        return
    table = Table(title=f"{ANSWERS} answers of {EDGES} edge facts, ms")
    table.add_column("figure")
    table.add_column("value", justify="right")
    for name, value in found.items():
        table.add_row(name, f"{value:.1f}")
    Console().print(table)


if __name__ == "__main__":
    main()
