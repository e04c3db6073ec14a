"""The most expensive legal documents under the default limits: `python -m bench.dearest [--json] [NAME ...]`.

A document costs CPU time and memory of the server process, including the encoding of its answer. `block` is the longest
uninterrupted part of it, in which the process served no other request. The cache is off, so every run sends every
statement. The last figure is the cost of counting fields: the CPU time of one answer with and without it, within one
run.
"""

import asyncio
import gc
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import orjson
from graphql.execution.executor import Executor
from rich.console import Console
from rich.table import Table

from bench.dearest_documents import LIMITS, families, fill
from bench.landscape import Landscape
from datasources.aurora.driver.bounded_rows import MAX_ROW_BYTES
from datasources.aurora.driver.database import Database
from datasources.cache.off import NoCache
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.graph.recursive.adapter import RecursiveGraph
from datasources.records.queries import Scope
from datasources.request import RequestContext
from datasources.sources import Sources
from resolvers.context import Context, Limits
from resolvers.principals.principal import Principal, PrincipalKind
from schema.execution.execution import GraphQLRequest, execute_request, freeze_gc
from schema.execution.executor import DeclaredExecutor
from workers.migrations import migrate

ANALYST = Principal("bench", "Bench", PrincipalKind.USER, frozenset({"*"}))
TIMEOUT = 10.0
TICK = 0.005
ROUNDS = 30
APPLICATIONS = 'filter: { class: { eq: "application" } }'


def _document(items: int, incidents: int) -> str:
    return (
        f"{{ configurationItems(first: {items}, {APPLICATIONS}) "
        f"{{ nodes {{ id name status incidents(first: {incidents}) {{ nodes {{ id title }} }} }} }} }}"
    )


ORDINARY = _document(25, 10)
LARGE = _document(500, 20)


@dataclass(frozen=True, slots=True)
class Figures:
    """The cost of a document; `code` is that of its first error, or empty."""

    name: str
    code: str
    cost: int
    answer_mb: float
    cpu_ms: float
    wall_ms: float
    block_ms: float
    memory_mb: float


class Ticks:
    """The longest CPU time between two iterations of the event loop, in seconds, independent of the machine's load."""

    def __init__(self) -> None:
        self.longest = 0.0

    async def watch(self) -> None:
        last = time.process_time()
        while True:
            await asyncio.sleep(TICK)
            now = time.process_time()
            self.longest, last = max(self.longest, now - last), now


async def measure(sources: Sources, name: str, document: str, variables: Mapping[str, Any]) -> Figures:
    """Measure one run of a document."""
    gc.collect()
    context = _context(sources)
    ticks = Ticks()
    watch = asyncio.create_task(ticks.watch())
    await asyncio.sleep(5 * TICK)
    before = _reset_memory()
    cpu, wall = time.process_time(), time.perf_counter()
    response = await execute_request(GraphQLRequest(document, variables), context, LIMITS)
    size = len(orjson.dumps(response.body))
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    await asyncio.sleep(2 * TICK)
    watch.cancel()
    errors = response.body.get("errors", [])
    return Figures(
        name, errors[0]["extensions"]["code"] if errors else "", context.request.usage.cost, round(size / 1e6, 2),
        round(cpu * 1e3), round(wall * 1e3), round(ticks.longest * 1e3), round(_peak() - before, 1),
    )  # fmt: skip


async def overhead(sources: Sources, document: str) -> float:
    """Return the CPU time with counting divided by that without it: the median of pairs of runs."""
    bare = {name: getattr(Executor, name) for name in ("execute_fields", "complete_iterable_value")}
    ratios = []
    for _ in range(ROUNDS):
        # Collect garbage before each run, so that none pays for the other.
        gc.collect()
        counted = await _processor_time(sources, document)
        gc.collect()
        with patch.multiple(DeclaredExecutor, **bare):
            ratios.append(counted / await _processor_time(sources, document))
    return round(statistics.median(ratios), 3)


async def _processor_time(sources: Sources, document: str) -> float:
    context = _context(sources)
    begin = time.process_time()
    response = await execute_request(GraphQLRequest(document), context, LIMITS)
    if "errors" in response.body:
        raise SystemExit(f"the document failed: {response.body['errors']}")
    return time.process_time() - begin


def _context(sources: Sources) -> Context:
    call = RequestContext(deadline=asyncio.get_running_loop().time() + TIMEOUT, row_bytes=MAX_ROW_BYTES)
    return Context(ANALYST, Scope(sees_restricted=True), sources, call, Limits(LIMITS.page, LIMITS.cost))


def _reset_memory() -> float:
    # Linux: writing 5 resets the peak of the resident set size to the current value; see proc(5).
    Path("/proc/self/clear_refs").write_text("5")
    return _peak()


def _peak() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


async def _all(main: str, requirements: str, names: list[str]) -> tuple[list[Figures], dict[str, float]]:
    database = Database("main", main)
    sources = Sources(database, Database("requirements", requirements), RecursiveGraph(database), NoCache())
    freeze_gc()
    await measure(sources, "", ORDINARY, {})
    figures = [
        await measure(sources, *family) for family in families() if not names or any(n in family[0] for n in names)
    ]
    ratios = {"counting, ordinary answer": await overhead(sources, ORDINARY)}
    ratios["counting, large answer"] = await overhead(sources, LARGE)
    await sources.close()
    return figures, ratios


def main() -> None:
    """Load rows into a new server and measure."""
    names = [each for each in sys.argv[1:] if not each.startswith("--")]
    with tempfile.TemporaryDirectory(prefix="stackflow-bench-") as folder:
        Path(folder).chmod(0o755)
        server = EmbeddedPostgres(Path(folder) / "postgres")
        server.start(("stackflow", "requirements"), {"fsync": "off"})
        try:
            for name, database in (("main", "stackflow"), ("requirements", "requirements")):
                migrate(name, server.url(database))
            fill(server.url("stackflow"), Landscape(items=2_000, incidents=20_000))
            figures, ratios = asyncio.run(_all(server.url("stackflow"), server.url("requirements"), names))
        finally:
            server.stop()
    if "--json" in sys.argv[1:]:
        print(json.dumps({"documents": [asdict(each) for each in figures], "ratios": ratios}))
        return
    table = Table(*Figures.__dataclass_fields__)
    for each in figures:
        table.add_row(*(f"{value:,}" if isinstance(value, int | float) else value for value in asdict(each).values()))
    Console(width=150).print(table, ratios)


if __name__ == "__main__":
    main()
