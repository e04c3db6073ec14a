"""The overview of an incident, end to end, compared with its bare statements: `python -m bench.document [--json]`.

On 100,000 items, 1,000,000 relationships, 200,000 incidents, and changes and requirements for some of the items. The
cache is off, so every run sends every statement. The figures are of one run: only the ratios are comparable.
"""

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import psycopg
from psycopg import AsyncConnection
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bench.landscape import Landscape, item_id, load
from datasources.aurora.driver.database import Database
from datasources.aurora.statements import Statement
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
from schema.operations import trusted_documents
from workers.migrations import migrate

ROUNDS = 40
ANALYST = Principal("bench", "Bench", PrincipalKind.USER, frozenset({"*"}))

Sent = list[tuple[str, bytes, Mapping[str, object]]]


class RecordingDatabase(Database):
    """Records its statements, so that they can be timed on a bare connection."""

    def __init__(self, name: str, url: str, sent: Sent) -> None:
        super().__init__(name, url, statement_timeout=60)
        self._sent = sent

    async def _run(
        self,
        connection: AsyncConnection[Any],
        statement: Statement,
        parameters: Mapping[str, object],
        record: Callable[..., Any] | None,
        counter: Literal["sql", "graph"],
    ) -> list[Any]:
        self._sent.append((self.name, statement.text.encode(), dict(parameters)))
        return await super()._run(connection, statement, parameters, record, counter)


def add_operations(main: str, requirements: str, landscape: Landscape) -> None:
    """Add a change for every fifth item and a requirement for every tenth."""
    with psycopg.connect(main, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO changes (id, number, title, state, planned_start) "
            "SELECT gen_random_uuid(), 'CHG' || n, 'Change ' || n, 'SCHEDULED', now() + n * interval '1 minute' "
            "FROM generate_series(1, %s) n",
            [landscape.items // 5],
        )
        connection.execute(
            "INSERT INTO change_configuration_items SELECT h.id, c.id FROM "
            "(SELECT id, row_number() OVER (ORDER BY number) n FROM changes) h JOIN "
            "(SELECT id, row_number() OVER (ORDER BY id) n FROM configuration_items) c ON c.n = h.n * 5"
        )
        connection.execute("VACUUM ANALYZE")
    with psycopg.connect(requirements, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO requirements (id, key, title) "
            "SELECT gen_random_uuid(), 'REQ-' || n, 'Requirement ' || n FROM generate_series(1, %s) n",
            [landscape.items // 10],
        )
        numbered = connection.execute("SELECT id, substr(key, 5)::int FROM requirements").fetchall()
        with connection.cursor().copy("COPY requirement_configuration_items FROM STDIN") as copy:
            for id_, number in numbered:
                copy.write_row((id_, "bench", str(number), item_id(number * 10 - 1)))
        connection.execute("VACUUM ANALYZE")


async def measure(main: str, requirements: str) -> dict[str, float]:
    """Return medians in milliseconds, their ratio, and the statements and rows of small and large answers."""
    sent: Sent = []
    databases = {
        "main": RecordingDatabase("main", main, sent),
        "requirements": RecordingDatabase("requirements", requirements, sent),
    }
    sources = Sources(databases["main"], databases["requirements"], RecursiveGraph(databases["main"]), NoCache())
    bare = {
        "main": await psycopg.AsyncConnection.connect(main, autocommit=True, prepare_threshold=None),
        "requirements": await psycopg.AsyncConnection.connect(requirements, autocommit=True, prepare_threshold=None),
    }
    document = next(each.text for each in trusted_documents().values() if each.name == "incident-overview")

    async def ask(number: int, dependents: int) -> tuple[float, RequestContext]:
        call = RequestContext()
        context = Context(ANALYST, Scope(sees_restricted=True), sources, call)
        variables = {"number": f"INC{number:07d}", "dependents": dependents}
        begin = time.perf_counter()
        response = await execute_request(GraphQLRequest(document, variables), context, DocumentLimits(cost=10_000_000))
        seconds = time.perf_counter() - begin
        if "errors" in response.body or response.body["data"]["incident"] is None:
            raise SystemExit(f"the document failed: {response.body}")
        return seconds * 1_000, call

    async def ask_bare() -> float:
        begin = time.perf_counter()
        for name, text, parameters in sent:
            await (await bare[name].execute(text, parameters)).fetchall()
        return (time.perf_counter() - begin) * 1_000

    freeze_gc()
    await ask(1, 50)
    documents, statements = [], []
    for number in range(ROUNDS):
        sent.clear()
        documents.append((await ask(number * 97 + 1, 50))[0])
        statements.append(await ask_bare())
    small, large = (await ask(5, 5))[1].usage, (await ask(5, 200))[1].usage
    for connection in bare.values():
        await connection.close()
    await sources.close()
    return {
        "document ms": round(statistics.median(documents), 1),
        "bare statements ms": round(statistics.median(statements), 1),
        "ratio": round(statistics.median(a / b for a, b in zip(documents, statements, strict=True)), 2),
        "statements for 5 dependents": small.sql + small.graph,
        "rows for 5 dependents": small.rows,
        "statements for 200 dependents": large.sql + large.graph,
        "rows for 200 dependents": large.rows,
    }


def main() -> None:
    """Load a landscape into a new server and measure."""
    landscape = Landscape()
    errors = Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="stackflow-bench-") as folder:
        Path(folder).chmod(0o755)
        server = EmbeddedPostgres(Path(folder) / "postgres")
        server.start(("stackflow", "requirements"), {"fsync": "off"})
        try:
            for name, database in (("main", "stackflow"), ("requirements", "requirements")):
                migrate(name, server.url(database))
            with Progress(console=errors) as progress:
                task = progress.add_task("loading", total=None)
                load(
                    server.url("stackflow"),
                    landscape,
                    lambda table, rows: progress.update(task, completed=rows, description=table),
                )
            add_operations(server.url("stackflow"), server.url("requirements"), landscape)
            figures = asyncio.run(measure(server.url("stackflow"), server.url("requirements")))
        finally:
            server.stop()
    if "--json" in sys.argv[1:]:
        print(json.dumps(figures))
    else:
        table = Table("figure", "value")
        for name, value in figures.items():
            table.add_row(name, f"{value:,}")
        Console().print(table)


if __name__ == "__main__":
    main()
