"""Events per second through the queue in tables, compared with bare batched INSERTs of the same rows.

    PYTHONPATH=. python -m bench.events [--items 5000] [--relationships 5000]

One process handles the events; the server is embedded. Prefix `taskset -c 0` to run both on one core. Bare INSERTs are
batches of 500 rows by unnest, each in a transaction, into the same tables of another database, with the same triggers,
keys and indexes.
"""

import argparse
import asyncio
import json
import random
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from uuid_utils import uuid7

from datasources.aurora.driver.database import Database
from datasources.cache.off import NoCache
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.graph.recursive.adapter import RecursiveGraph
from datasources.queues.factory import open_queues
from datasources.sources import Sources
from resolvers.events.handlers.landscape_types import EVENT_TYPE_PREFIX
from resolvers.events.ingest import ingest_events
from workers.events import process_batch
from workers.migrations import migrate

BATCH = 500
ITEMS = """
INSERT INTO configuration_items (id, name, class_key, attributes)
SELECT * FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::jsonb[])
"""
KEYS = """
INSERT INTO configuration_item_keys (source, key, configuration_item_id)
SELECT 'cmdb', * FROM unnest(%s::text[], %s::uuid[])
"""
RELATIONSHIPS = """
INSERT INTO relationships (id, from_id, to_id, type_key, source, impact_from_id, impact_to_id)
SELECT i, f, t, 'depends_on', '/bench', t, f FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[]) AS g (i, f, t)
"""


def event(id: str, kind: str, data: dict[str, Any]) -> bytes:
    """Return a CloudEvent with the current time."""
    return json.dumps({
        "specversion": "1.0", "id": id, "source": "/bench", "type": EVENT_TYPE_PREFIX + kind,
        "time": datetime.now(UTC).isoformat(), "data": data,
    }).encode()  # fmt: skip


def name(number: int) -> dict[str, str]:
    """Return the identification key of an item."""
    return {"source": "cmdb", "key": f"host-{number:06}"}


def upserts(items: int, label: str) -> Iterator[bytes]:
    """Yield an event for each item."""
    for number in range(items):
        data = {"item": name(number), "name": f"{label} {number}", "class": "host", "attributes": {"rack": number % 40}}
        yield event(f"{label}-{number}", "configuration-item.upserted", data)


def pairs(items: int, relationships: int) -> list[tuple[int, int]]:
    """Return distinct pairs of ends, from a fixed seed."""
    draw = random.Random(7)
    ends: set[tuple[int, int]] = set()
    while len(ends) < relationships:
        one, two = draw.randrange(items), draw.randrange(items)
        if one != two:
            ends.add((one, two))
    return sorted(ends, key=lambda _: draw.random())


def edges(items: int, relationships: int) -> Iterator[bytes]:
    """Yield an event for each relationship."""
    for number, (one, two) in enumerate(pairs(items, relationships)):
        data = {"from": name(one), "to": name(two), "type": "depends_on"}
        yield event(f"edge-{number}", "relationship.upserted", data)


async def handled(sources: Sources, events: list[bytes]) -> tuple[float, float]:
    """Return the seconds to send these events and the seconds to handle them."""
    queue = open_queues(sources.main).events
    begin = time.perf_counter()
    for at in range(0, len(events), BATCH):
        accepted = await ingest_events(queue, events[at : at + BATCH], "bench")
        assert accepted.refused == []
    sent = time.perf_counter()
    while await process_batch(sources, queue):
        pass
    end = time.perf_counter()
    assert await queue.list_dead_letters(1) == []
    return sent - begin, end - sent


def bare(url: str, items: int, relationships: int) -> tuple[float, float]:
    """Return the seconds of bare INSERTs of the items with their keys, and of the relationships."""
    ids = [str(uuid7()) for _ in range(items)]
    ends = pairs(items, relationships)
    with psycopg.connect(url, autocommit=True) as connection:
        begin = time.perf_counter()
        for at in range(0, items, BATCH):
            part = range(at, min(at + BATCH, items))
            texts = [json.dumps({"rack": number % 40}) for number in part]
            names, classes = [f"host {number}" for number in part], ["host"] * len(part)
            with connection.transaction():
                connection.execute(ITEMS, (ids[at : at + BATCH], names, classes, texts))
                connection.execute(KEYS, ([name(number)["key"] for number in part], ids[at : at + BATCH]))
        middle = time.perf_counter()
        for at in range(0, relationships, BATCH):
            some = ends[at : at + BATCH]
            froms, tos = [ids[one] for one, _ in some], [ids[two] for _, two in some]
            with connection.transaction():
                connection.execute(RELATIONSHIPS, ([str(uuid7()) for _ in some], froms, tos))
        return middle - begin, time.perf_counter() - middle


async def measure(url: str, items: int, relationships: int) -> dict[str, tuple[float, float]]:
    """Return the seconds to send and to handle each kind of events."""
    main = Database("main", url, statement_timeout=60)
    sources = Sources(main, main, RecursiveGraph(main), NoCache())
    try:
        return {
            "new items": await handled(sources, list(upserts(items, "host"))),
            "new relationships": await handled(sources, list(edges(items, relationships))),
            "changed items": await handled(sources, list(upserts(items, "renamed"))),
        }
    finally:
        await main.close()


def prepared(server: EmbeddedPostgres, database: str) -> str:
    """Return the URL of a migrated database with a class and a relationship type."""
    url = server.url(database)
    migrate("main", url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("INSERT INTO configuration_item_classes (key, name) VALUES ('host', 'Host')")
        connection.execute(
            "INSERT INTO relationship_types VALUES ('depends_on', 'depends on', 'is needed by', 'REVERSE')"
        )
    return url


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--items", type=int, default=5_000)
    parser.add_argument("--relationships", type=int, default=5_000)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="stackflow-bench-") as folder:
        Path(folder).chmod(0o755)
        server = EmbeddedPostgres(Path(folder) / "postgres")
        server.start(("stackflow", "bare"), {"fsync": "off"})
        try:
            url, bare_url = prepared(server, "stackflow"), prepared(server, "bare")
            bares = bare(bare_url, chosen.items, chosen.relationships)
            measured = asyncio.run(measure(url, chosen.items, chosen.relationships))
        finally:
            server.stop()
    counts = {"new items": chosen.items, "new relationships": chosen.relationships, "changed items": chosen.items}
    bare_seconds_of = {"new items": bares[0], "new relationships": bares[1]}
    for kind, (sending, handling) in measured.items():
        line = f"{kind:18} {counts[kind] / sending:8,.0f} sent/s {counts[kind] / handling:8,.0f} handled/s"
        if kind in bare_seconds_of:
            bare_seconds = bare_seconds_of[kind]
            line += f"  bare {counts[kind] / bare_seconds:8,.0f} rows/s  ratio {handling / bare_seconds:.1f}"
        print(line)


if __name__ == "__main__":
    main()
