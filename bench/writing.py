"""An update of a configuration item, end to end, against its bare transaction: `python -m bench.writing [--json]`.

Both change the name of one of 100,000 items in the same database, alternating. The bare transaction is BEGIN, SELECT
FOR UPDATE, UPDATE, INSERT of the audit entry and COMMIT on the driver; its triggers are the same. The figures are of
one run: only the ratios are comparable.
"""

import asyncio
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import orjson
import psycopg
from psycopg import AsyncConnection
from rich.console import Console
from rich.table import Table
from uuid_utils import uuid7

from datasources.aurora.driver.database import Database
from datasources.aurora.statements import statements
from datasources.cache.off import NoCache
from datasources.config import DocumentLimits
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.graph.recursive.adapter import RecursiveGraph
from datasources.records.queries import Scope
from datasources.request import RequestContext
from datasources.sources import Sources
from resolvers.context import Context
from resolvers.principals.principal import Principal, PrincipalKind
from schema.execution.execution import GraphQLRequest, execute_request, freeze_gc
from workers.migrations import migrate

ITEMS = 100_000
ROUNDS = 500
WARM_UP = 50
WRITER = Principal("bench", "Bench", PrincipalKind.USER, frozenset({"*"}))
DOCUMENT = """mutation ($input: UpdateConfigurationItemInput!) {
  updateConfigurationItem(input: $input) { configurationItem { id name version } userErrors { code } }
}"""
AUDIT = statements("outbox/bookkeeping")["audit"].text.encode()
LOCKED = statements("configuration_items/writes")["configuration_items_locked"].text.encode()
UPDATE = statements("configuration_items/writes")["configuration_item_update"].text.encode()


def load(url: str) -> list[str]:
    """Load the items and return ids."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("INSERT INTO configuration_item_classes (key, name) VALUES ('service', 'Service')")
        connection.execute(
            "INSERT INTO configuration_items (id, name, class_key, attributes) "
            "SELECT gen_random_uuid(), 'item ' || n, 'service', '{\"tier\": 1}' FROM generate_series(1, %s) n",
            [ITEMS],
        )
        connection.execute("VACUUM ANALYZE")
        rows = connection.execute(
            "SELECT id::text FROM configuration_items ORDER BY id LIMIT %s", [2 * (ROUNDS + WARM_UP)]
        )
        return [row[0] for row in rows]


async def change(sources: Sources, id: str) -> float:
    """Return the milliseconds of one mutation, from the document to its answer."""
    context = Context(WRITER, Scope(sees_restricted=True), sources, RequestContext())
    input = {"id": f"ci_{id}", "expectedVersion": 1, "name": "changed"}
    begin = time.perf_counter()
    response = await execute_request(GraphQLRequest(DOCUMENT, {"input": input}), context, DocumentLimits())
    seconds = time.perf_counter() - begin
    changed = response.body["data"]["updateConfigurationItem"]["configurationItem"]
    if (changed["name"], changed["version"]) != ("changed", 2):
        raise SystemExit(f"the mutation failed: {response.body}")
    return seconds * 1_000


async def change_bare(connection: AsyncConnection[Any], id: str) -> float:
    """Return the milliseconds of the bare transaction."""
    begin = time.perf_counter()
    async with connection.transaction():
        row = await (await connection.execute(LOCKED, {"ids": [id]})).fetchone()
        assert row is not None
        _, name, class_key, status, environment, criticality, owner, attributes, *_ = row
        values = {
            "id": id, "name": "changed", "class_key": class_key, "status": status, "environment": environment,
            "criticality": criticality, "owner_team_id": owner, "attributes": orjson.dumps(attributes).decode(),
        }  # fmt: skip
        await connection.execute(UPDATE, values)
        entry = {
            "request_ids": ["bench"], "principals": ["bench"], "actions": ["UpdateConfigurationItem"],
            "ids": [str(uuid7())], "entities": ["CONFIGURATION_ITEM"], "entity_ids": [id],
            "befores": [json.dumps({"id": id, "name": name})], "afters": [json.dumps({"id": id, "name": "changed"})],
        }  # fmt: skip
        await connection.execute(AUDIT, entry)
    return (time.perf_counter() - begin) * 1_000


async def measure(url: str, ids: list[str]) -> dict[str, float]:
    """Return medians in milliseconds and their ratio. Neither side uses prepared statements."""
    main = Database("main", url)
    sources = Sources(main, main, RecursiveGraph(main), NoCache())
    bare = await psycopg.AsyncConnection.connect(url, autocommit=True, prepare_threshold=None)
    freeze_gc()
    mutations, bare_transactions = [], []
    for number in range(0, len(ids), 2):
        # The first of a pair alternates too, because each leaves the machine in another state.
        if number % 4:
            bare_transactions.append(await change_bare(bare, ids[number + 1]))
            mutations.append(await change(sources, ids[number]))
        else:
            mutations.append(await change(sources, ids[number]))
            bare_transactions.append(await change_bare(bare, ids[number + 1]))
    await bare.close()
    await sources.close()
    mutations, bare_transactions = mutations[WARM_UP:], bare_transactions[WARM_UP:]
    return {
        "updateConfigurationItem p50 ms": round(statistics.median(mutations), 2),
        "bare transaction p50 ms": round(statistics.median(bare_transactions), 2),
        "ratio of p50": round(statistics.median(mutations) / statistics.median(bare_transactions), 2),
        "updateConfigurationItem p95 ms": round(statistics.quantiles(mutations, n=20)[-1], 2),
        "bare transaction p95 ms": round(statistics.quantiles(bare_transactions, n=20)[-1], 2),
    }


def main() -> None:
    """Load items into a new server and measure."""
    with tempfile.TemporaryDirectory(prefix="stackflow-bench-") as folder:
        Path(folder).chmod(0o755)
        server = EmbeddedPostgres(Path(folder) / "postgres")
        # Durable, as in production: both sides wait for the disk once.
        server.start(("stackflow",), {})
        try:
            migrate("main", server.url("stackflow"))
            figures = asyncio.run(measure(server.url("stackflow"), load(server.url("stackflow"))))
        finally:
            server.stop()
    if "--json" in sys.argv[1:]:
        print(json.dumps(figures))
        return
    table = Table("figure", "value")
    for name, value in figures.items():
        table.add_row(name, str(value))
    Console().print(table)


if __name__ == "__main__":
    main()
