"""Events per second into the tables and a Gremlin Server, by one process on one core, compared with bare INSERTs.

    PYTHONPATH=. python -m bench.projected [--items 12000] [--relationships 12000] [--profile]

The process handles events and projects the outbox at the same time, like `stackflow serve`. It runs on one core and its
servers on the others; on a machine with one core they share it. The time of sending is not counted. The JVM of the
Gremlin Server speeds up with every thousand events: fewer events give lower figures.
"""

import argparse
import asyncio
import cProfile
import os
import pstats
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.events import BATCH, bare, edges, prepared, upserts
from datasources.aurora.outbox import outbox
from datasources.cache.off import NoCache
from datasources.config import CacheSettings, GraphSettings, PostgresSettings
from datasources.embedded.gremlin import EmbeddedGremlin
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.queues.factory import open_queues
from datasources.queues.port import Queue
from datasources.sources import Sources, open_sources
from resolvers.events.ingest import ingest_events
from resolvers.projection.check import check
from resolvers.projection.follow import OutboxProjector
from workers.events import process_batch

# By kind: events, seconds until handled, seconds until projected, and CPU seconds of the process.
Measured = dict[str, tuple[int, float, float, float]]


@contextmanager
def cores(chosen: set[int]) -> Iterator[None]:
    """Run this process, and processes started in the block, on some cores only. Does nothing if unsupported."""
    if not hasattr(os, "sched_setaffinity") or not chosen:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, chosen)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


async def sent(queue: Queue, events: list[bytes]) -> None:
    """Send events to the queue."""
    for at in range(0, len(events), BATCH):
        assert (await ingest_events(queue, events[at : at + BATCH], "bench")).refused == []


async def worked(sources: Sources, queue: Queue) -> tuple[float, float, float]:
    """Return the seconds until the queue is empty and until the graph is up to date, and this process's CPU seconds."""
    begin, core = time.perf_counter(), time.process_time()
    handled = asyncio.Event()

    async def follow() -> None:
        follower = OutboxProjector(sources)
        while True:
            over = handled.is_set()
            done = await follower.run_until_done()
            if over and not done.rows:
                return
            await asyncio.sleep(0 if done.rows else 0.01)

    following = asyncio.create_task(follow())
    while await process_batch(sources, queue):
        pass
    emptied = time.perf_counter()
    handled.set()
    await following
    end, spent = time.perf_counter(), time.process_time() - core
    assert await queue.list_dead_letters(1) == []
    assert (await outbox.fetch_state(sources.main)).pending == 0
    return emptied - begin, end - begin, spent


async def measure(database: str, graph: str, items: int, relationships: int) -> Measured:
    """Measure each kind of events."""
    postgres = PostgresSettings(url=database, statement_timeout=60)
    sources = open_sources(postgres, postgres, CacheSettings(url=None), GraphSettings(url=graph))
    assert isinstance(sources.cache, NoCache)
    queue = open_queues(sources.main).events
    measured: Measured = {}
    try:
        for kind, events in {
            "new items": list(upserts(items, "host")),
            "new relationships": list(edges(items, relationships)),
            "changed items": list(upserts(items, "renamed")),
        }.items():
            await sent(queue, events)
            measured[kind] = (len(events), *await worked(sources, queue))
        assert sources.projection is not None
        assert (await check(sources.main, sources.projection)).differences == 0
    finally:
        await sources.close()
    return measured


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--items", type=int, default=12_000)
    parser.add_argument("--relationships", type=int, default=12_000)
    parser.add_argument("--profile", action="store_true", help="also print where the process spends its time")
    chosen = parser.parse_args()
    first, *others = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]
    with tempfile.TemporaryDirectory(prefix="stackflow-bench-") as folder, ExitStack() as stack:
        Path(folder).chmod(0o755)
        server, graph = EmbeddedPostgres(Path(folder) / "postgres"), EmbeddedGremlin(Path(folder) / "graph")
        with cores(set(others)):
            server.start(("stackflow", "bare"), {"fsync": "off"})
            stack.callback(server.stop)
            graph.start()
            stack.callback(graph.stop)
        url, bare_url = prepared(server, "stackflow"), prepared(server, "bare")
        profile = cProfile.Profile()
        with cores({first}):
            bares = dict(zip(("new items", "new relationships"), bare(bare_url, chosen.items, chosen.relationships),
                             strict=True))  # fmt: skip
            if chosen.profile:
                profile.enable()
            measured = asyncio.run(measure(url, graph.url, chosen.items, chosen.relationships))
            profile.disable()
    for kind, (count, handled, projected, core) in measured.items():
        line = f"{kind:18} {count / handled:8,.0f} handled/s {count / projected:8,.0f} projected/s"
        line += f" {count / core:8,.0f}/s of core"
        if kind in bares:
            line += f"  bare {count / bares[kind]:8,.0f} rows/s  ratio {projected / bares[kind]:.1f}"
        print(line)
    both = [measured[kind] for kind in bares]
    count, seconds = sum(each[0] for each in both), sum(each[2] for each in both)
    ratio = seconds / sum(bares.values())
    cores_of = count / sum(each[3] for each in both)
    line = f"{'new, both':37} {count / seconds:8,.0f} projected/s {cores_of:8,.0f}/s of core"
    print(f"{line}  ratio to bare {ratio:.1f}")
    print(f"load of the machine, one minute: {os.getloadavg()[0]:.1f}")
    if chosen.profile:
        pstats.Stats(profile).sort_stats("tottime").print_stats(25)


if __name__ == "__main__":
    main()
