"""Walks on a Gremlin engine compared with bare traversals on the bare driver, and a rebuild with a bare load:
`python -m bench.gremlin [--small] [--json]`.

Two graphs: 100,000 items in one cycle with 1,000,000 relationships, and 20,000 in layers with 60,000. The engine is
an embedded Gremlin Server. The figures are of one run: only the ratios are comparable.
"""

import asyncio
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from gremlin_python.driver.driver_remote_connection import DriverRemoteConnection
from gremlin_python.process.anonymous_traversal import traversal
from gremlin_python.process.graph_traversal import GraphTraversal, GraphTraversalSource, __
from gremlin_python.process.traversal import Direction as Ends
from gremlin_python.process.traversal import P, T
from gremlin_python.statics import long
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bench.landscape import EPOCH, Landscape, item_id, relationship_id, relationships
from datasources.config import GraphSettings, ReachStrategy
from datasources.embedded.engines import TINKERGRAPH
from datasources.embedded.gremlin import EmbeddedGremlin
from datasources.graph.gremlin import model
from datasources.graph.gremlin.adapter import GremlinGraph
from datasources.graph.gremlin.client.client import GremlinClient
from datasources.graph.gremlin.projection import GremlinProjection
from datasources.graph.port import Direction, Edge, Impact, Walk
from datasources.graph.projection import Changes, EdgeChange, EdgeVersion, NodeChange
from datasources.request import RequestContext, use_request

BATCH = 500
AT_ONCE = 4
OPEN = long(model.OPEN_ENDED_MICROS)

Pairs = Callable[[], Iterator[tuple[str, str, str, Impact]]]


def cycle(items: int, degree: int) -> Iterator[tuple[str, str, str, Impact]]:
    """Yield from, to, type and impact of each relationship of the landscape of the other benchmarks."""
    for _, tail, head, type_, _, impact_from, *_ in relationships(Landscape(items=items, degree=degree, incidents=0)):
        yield str(tail), str(head), str(type_), Impact.FORWARD if impact_from == tail else Impact.REVERSE


def layers(items: int, edges: int) -> Iterator[tuple[str, str, str, Impact]]:
    """Yield relationships that mostly lead to a later item, as services to databases to hosts: deep, few cycles."""
    chance = random.Random(7)
    for _ in range(edges):
        tail = chance.randrange(items)
        head = min(items - 1, int(tail * 0.9 + chance.random() * items * 0.1) + 1)
        yield item_id(tail), item_id(head), chance.choice(("depends_on", "runs_on", "uses")), Impact.REVERSE


def versions(pairs: Iterator[tuple[str, str, str, Impact]]) -> Iterator[EdgeVersion]:
    for number, (tail, head, type_, impact) in enumerate(pairs):
        yield EdgeVersion(Edge(relationship_id(number), tail, head, type_, impact), EPOCH)


async def rebuild(client: GremlinClient, items: int, edges: Iterator[EdgeVersion], bar: Callable[[int], None]) -> float:
    """Return the seconds in which our projection sends everything."""
    projection = GremlinProjection(client)
    begin = time.perf_counter()

    async def send(batches: Iterator[Changes]) -> None:
        for batch in batches:
            await projection.apply(batch)
            bar(len(batch.nodes) + len(batch.edges))

    with use_request(RequestContext()):
        for changes in (nodes_of(items), edges_of(edges)):
            # All senders share one iterator of batches, so none waits for another.
            await asyncio.gather(*(send(changes) for _ in range(AT_ONCE)))
    return time.perf_counter() - begin


def nodes_of(items: int) -> Iterator[Changes]:
    for first in range(0, items, BATCH):
        yield Changes(nodes=tuple(NodeChange(item_id(n)) for n in range(first, min(items, first + BATCH))))


def edges_of(edges: Iterator[EdgeVersion]) -> Iterator[Changes]:
    batch: list[EdgeChange] = []
    for version in edges:
        batch.append(EdgeChange(version))
        if len(batch) == BATCH:
            yield Changes(edges=tuple(batch), fresh=True)
            batch = []
    yield Changes(edges=tuple(batch), fresh=True)


async def bare_load(url: str, items: int, edges: Iterator[EdgeVersion]) -> float:
    """Return the seconds of the fastest known load over the wire: the same merges, in parallel, by bare drivers."""
    begin = time.perf_counter()

    def run(batches: Iterator[list[dict[Any, Any]]], merge: Callable[[GraphTraversal], GraphTraversal]) -> None:
        connection = DriverRemoteConnection(url, "g", pool_size=1)
        g = traversal().with_remote(connection)
        try:
            for batch in batches:
                merge(g.inject(batch).unfold()).iterate()
        finally:
            connection.close()

    nodes = [
        [{T.id_: item_id(n), T.label: model.NODE_LABEL} for n in range(first, min(items, first + BATCH))]
        for first in range(0, items, BATCH)
    ]
    maps = [
        {
            T.id_: v.edge.id, T.label: v.edge.type, Ends.OUT: v.edge.from_id, Ends.IN: v.edge.to_id,
            model.KEY: v.edge.id, model.IMPACT: v.edge.impact.value,
            model.VALID_FROM: long(model.to_micros(v.valid_from)), model.VALID_TO: OPEN,
        }
        for v in edges
    ]  # fmt: skip
    batches = [maps[first : first + BATCH] for first in range(0, len(maps), BATCH)]
    begin = time.perf_counter()
    for some, merge in (
        (nodes, lambda t: t.merge_v(__.identity())), (batches, lambda t: t.merge_e(__.identity())),
    ):  # fmt: skip
        await asyncio.gather(
            *(asyncio.to_thread(run, iter(some[lane::AT_ONCE]), merge) for lane in range(AT_ONCE))
        )  # fmt: skip
    return time.perf_counter() - begin


class Bare:
    """Minimal walks on the plain driver: no caps, pages or batches."""

    def __init__(self, url: str) -> None:
        self._connection = DriverRemoteConnection(url, "g", pool_size=1, max_content_length=1 << 28)
        self.g: GraphTraversalSource = traversal().with_remote(self._connection)

    def neighbours(self, id: str) -> int:
        edges = self.g.V(id).out_e().has(model.VALID_TO, OPEN)
        rows = edges.project("n", "k", "l", "i").by(__.in_v().id_()).by(model.KEY).by(T.label).by(model.IMPACT)
        return len(rows.to_list())

    def reach(self, id: str, depth: int) -> int:
        hop = (
            __.out_e().has(model.VALID_TO, OPEN).in_v().dedup().barrier().group("m").by(__.loops()).by(__.id_().fold())
        )
        [levels] = self.g.V(id).repeat(hop).times(depth).cap("m").to_list()
        return sum(map(len, levels.values()))

    def paths(self, id: str, other: str) -> int:
        hop = __.out_e().has(model.VALID_TO, OPEN).in_v().dedup().barrier()
        rows = self.g.V(id).repeat(hop).until(__.has_id(other)).limit(1).path().by(T.id).to_list()
        return len(rows)

    def degrees(self, ids: Sequence[str]) -> int:
        counts = self.g.V(*ids).project("n", "o", "i").by(T.id)
        return len(
            counts.by(__.out_e().group_count().by(T.label)).by(__.in_e().group_count().by(T.label)).to_list()
        )  # fmt: skip

    def subgraph(self, ids: Sequence[str]) -> int:
        edges = self.g.V(*ids).out_e().has(model.VALID_TO, OPEN).where(__.in_v().has_id(P.within(*ids)))
        rows = edges.project("a", "b", "k", "l", "i").by(__.out_v().id_()).by(__.in_v().id_()).by(model.KEY)
        return len(rows.by(T.label).by(model.IMPACT).to_list())

    def close(self) -> None:
        self._connection.close()


Act = Callable[[str, str], Awaitable[int]]


async def verbs(url: str, items: int, times: int) -> dict[str, dict[str, float]]:
    """Measure each method against its bare traversal: medians in milliseconds, sizes of answers and their ratio.

    They alternate, so that load on the machine affects all of them.
    """
    client = GremlinClient(GraphSettings(url=url, timeout=300))
    graph, hops = GremlinGraph(client), GremlinGraph(client, ReachStrategy.FRONTIER)
    bare = Bare(url)
    some = [item_id(number * 97 % items) for number in range(100)]
    deep = Walk(Direction.OUT, max_depth=64, max_nodes=10_000, fan_out=10_000)
    near = Walk(Direction.OUT, max_depth=3, max_nodes=10_000)

    def in_thread(work: Callable[[str, str], int]) -> Act:
        # The bare driver runs its own event loop and cannot run inside another one, so it is called in a thread.
        return lambda id, other: asyncio.to_thread(work, id, other)

    async def reach(graph: GremlinGraph, id: str, walk: Walk) -> int:
        return len((await graph.reach([frozenset([id])], walk))[0].nodes)

    async def neighbours(id: str, _: str) -> int:
        return (await graph.neighbours([id], Walk(Direction.OUT)))[id].degree

    async def paths(id: str, other: str) -> int:
        return len((await graph.paths(id, other, deep, 100)).paths)

    async def degrees(*_: str) -> int:
        return len(await graph.degrees(some))

    async def subgraph(*_: str) -> int:
        return len((await graph.subgraph(some, Walk(Direction.OUT), 10_000)).edges)

    rounds: list[tuple[str, int, Act, Act]] = [
        ("neighbours", times, in_thread(lambda id, _: bare.neighbours(id)), neighbours),
        ("3 hops", times, in_thread(lambda id, _: bare.reach(id, 3)), lambda id, _: reach(graph, id, near)),
        ("3 hops, hop by hop", times, in_thread(lambda id, _: bare.reach(id, 3)), lambda id, _: reach(hops, id, near)),
        ("degrees of 100", times, in_thread(lambda *_: bare.degrees(some)), degrees),
        ("subgraph of 100", times, in_thread(lambda *_: bare.subgraph(some)), subgraph),
        ("shortest paths", max(5, times // 10), in_thread(bare.paths), paths),
        (
            "full impact, first 10,000", max(3, times // 20), in_thread(lambda id, _: bare.reach(id, 64)),
            lambda id, _: reach(graph, id, deep),
        ),
    ]  # fmt: skip
    figures = {}
    with use_request(RequestContext()):
        for name, count, plain, ours in rounds:
            spans: tuple[list[float], list[float]] = ([], [])
            sizes = [0, 0]
            for number in range(count + 1):
                id, other = item_id(number * 7_919 % items), item_id(items - 1 - number * 13 % (items // 10))
                for place, act in enumerate((plain, ours)):
                    begin = time.perf_counter()
                    sizes[place] = await act(id, other)
                    spans[place].append((time.perf_counter() - begin) * 1_000)
            # The first run opens connections and lets the engine compile.
            medians = [statistics.median(span[1:]) for span in spans]
            figures[name] = {
                "bare ms": round(medians[0], 2), "ms": round(medians[1], 2),
                "bare answered": sizes[0], "answered": sizes[1], "ratio": round(medians[1] / medians[0], 2),
            }  # fmt: skip
    await asyncio.to_thread(bare.close)
    await client.close()
    return figures


async def measure(name: str, items: int, pairs: Pairs, memory: str, times: int) -> dict[str, dict[str, float]]:
    """Measure both loads, one after the other into new engines, then the methods on ours."""
    count = sum(1 for _ in pairs())
    with tempfile.TemporaryDirectory(prefix="stackflow-bench-") as folder:
        other = EmbeddedGremlin(Path(folder) / "bare", TINKERGRAPH, memory)
        other.start()
        try:
            bare_seconds = await bare_load(other.url, items, versions(pairs()))
        finally:
            other.stop()
        server = EmbeddedGremlin(Path(folder) / "ours", TINKERGRAPH, memory)
        server.start()
        try:
            client = GremlinClient(GraphSettings(url=server.url, timeout=300))
            with Progress(console=Console(stderr=True)) as progress:
                task = progress.add_task(f"{name}: rebuilding", total=items + count)
                seconds = await rebuild(client, items, versions(pairs()), lambda n: progress.advance(task, n))
            await client.close()
            figures = {
                "load": {
                    "bare ms": round(bare_seconds * 1e3), "ms": round(seconds * 1e3), "bare answered": items + count,
                    "answered": items + count, "ratio": round(seconds / bare_seconds, 2),
                }
            }  # fmt: skip
            return figures | await verbs(server.url, items, times)
        finally:
            server.stop()


def show(title: str, figures: dict[str, dict[str, float]], console: Console) -> None:
    """Print the figures as a table."""
    table = Table("", "bare ms", "ms", "bare answered", "answered", "ratio to bare", title=title)
    for name, figure in figures.items():
        table.add_row(name, *(f"{figure[each]:,}" for each in ("bare ms", "ms", "bare answered", "answered", "ratio")))
    console.print(table)


def main() -> None:
    """Measure on both graphs, or only on the small one."""
    graphs: list[tuple[str, int, Pairs, str, int]] = [
        ("20,000 items in layers, 60,000 relationships", 20_000, lambda: layers(20_000, 60_000), "2g", 60)
    ]
    if "--small" not in sys.argv[1:]:
        large = Landscape(incidents=0)
        graphs.append(
            (
                "100,000 items in one cycle, 1,000,000 relationships",
                large.items,
                lambda: cycle(large.items, large.degree),
                "5g",
                40,
            )
        )
    for name, items, pairs, memory, times in graphs:
        figures = asyncio.run(measure(name, items, pairs, memory, times))
        if "--json" in sys.argv[1:]:
            print(json.dumps({name: figures}))
        else:
            show(name, figures, Console())


if __name__ == "__main__":
    main()
