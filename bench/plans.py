"""Compiled plans compared with graphql-core, in one process: `python -m bench.plans [--items N] [--json]`.

CPU milliseconds of this process for one request, from the document to the data of the response, as medians, and the
ratio of both. The statements are the same, and the answers are compared first.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench.document import ANALYST
from bench.landscape import Landscape, load
from datasources.aurora.driver.database import Database
from datasources.cache.off import NoCache
from datasources.config import DocumentLimits
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.graph.recursive.adapter import RecursiveGraph
from datasources.records.queries import Scope
from datasources.request import RequestContext
from datasources.sources import Sources
from resolvers.context import Context, Limits
from schema.execution.execution import GraphQLRequest, execute_request, freeze_gc
from workers.migrations import migrate

ROUNDS = 40
LIMITS = DocumentLimits(cost=10_000_000, page=1_000)
ITEM = "id name classKey status environment criticality version validFrom"
DOCUMENTS = {
    "1,000 items with 8 fields": f"{{ configurationItems(first: 1000) {{ nodes {{ {ITEM} }} }} }}",
    "100 items with 20 incidents": "{ configurationItems(first: 100) { nodes { id name "
    "incidents(first: 20) { nodes { id number title state priority openedAt } } } } }",
    "50 incidents with items and total": "{ incidents(first: 50) { edges { cursor node { number title "
    "configurationItems(first: 5) { nodes { id name } } } } totalCount pageInfo { hasNextPage endCursor } } }",
    "one item": f"{{ configurationItems(first: 1) {{ nodes {{ {ITEM} }} }} }}",
}


async def measure(main: str, requirements: str) -> dict[str, dict[str, float]]:
    """Return the medians of both and their ratio for each document."""
    database = Database("main", main, statement_timeout=60)
    sources = Sources(database, Database("requirements", requirements), RecursiveGraph(database), NoCache())

    async def ask(document: str, *, plans: bool) -> tuple[float, Any]:
        limits = Limits(page=LIMITS.page, fields=LIMITS.cost, plans=plans)
        context = Context(ANALYST, Scope(sees_restricted=True), sources, RequestContext(), limits)
        begin = time.process_time()
        response = await execute_request(GraphQLRequest(document), context, LIMITS)
        seconds = time.process_time() - begin
        if "errors" in response.body or (plans and context.fallback):
            raise SystemExit(f"no plan answered: {context.fallback or response.body['errors']}")
        return seconds * 1_000, response.body["data"]

    freeze_gc()
    figures = {}
    for name, document in track(DOCUMENTS.items(), "measuring", console=Console(stderr=True)):
        if (await ask(document, plans=True))[1] != (await ask(document, plans=False))[1]:
            raise SystemExit(f"the answers differ: {document}")
        pairs = [((await ask(document, plans=True))[0], (await ask(document, plans=False))[0]) for _ in range(ROUNDS)]
        plan, core = (statistics.median(each) for each in zip(*pairs, strict=True))
        figures[name] = {"plan ms": round(plan, 2), "graphql-core ms": round(core, 2), "ratio": round(core / plan, 2)}
    await sources.close()
    return figures


def main() -> None:
    """Load a landscape into a new server and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=5_000, help="number of configuration items; default 5,000")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    landscape = Landscape(items=arguments.items, degree=4, incidents=2 * arguments.items)
    with tempfile.TemporaryDirectory(prefix="stackflow-bench-") as folder:
        Path(folder).chmod(0o755)
        server = EmbeddedPostgres(Path(folder) / "postgres")
        server.start(("stackflow", "requirements"), {"fsync": "off"})
        try:
            for name, database in (("main", "stackflow"), ("requirements", "requirements")):
                migrate(name, server.url(database))
            load(server.url("stackflow"), landscape, lambda *_: None)
            figures = asyncio.run(measure(server.url("stackflow"), server.url("requirements")))
        finally:
            server.stop()
    if arguments.json:
        print(json.dumps(figures))
        return
    table = Table("document", "plan ms", "graphql-core ms", "ratio")
    for name, values in figures.items():
        table.add_row(name, *(f"{value:,}" for value in values.values()))
    Console().print(table)


if __name__ == "__main__":
    main()
