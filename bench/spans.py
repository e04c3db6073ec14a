"""The CPU time of spans per operation, and the cost of naming a Redis connection per command.

`python -m bench.spans [--json]` starts a PostgreSQL and a Valkey. The figures are of one run: only the ratios are
comparable.
"""

import asyncio
import gc
import json
import multiprocessing
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from starlette.applications import Starlette
from starlette.routing import Route

from datasources.aurora.outbox.write_log import PostgresWriteLog
from datasources.cache.redis.adapter import RedisCache
from datasources.cache.redis.connection import create_client
from datasources.config import CacheSettings, GraphSettings, PostgresSettings
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.embedded.valkey import EmbeddedValkey
from datasources.observability.otlp import OtlpExporter
from datasources.observability.spans import Exporter, set_exporter
from datasources.observability.xray import XRayExporter
from datasources.request import RequestContext, use_request
from datasources.sources import open_sources
from demo.load import load_if_empty
from resolvers.principals.principal import Principal, PrincipalKind
from schema.execution.execution import freeze_gc
from schema.http.endpoint import GraphQLEndpoint
from schema.operations import trusted_documents
from workers.migrations import migrate

ROUNDS = 30
COMMANDS = 300
ANALYST = Principal("bench", "bench", PrincipalKind.USER, frozenset({"*"}))
HEADER = "Root=1-67891233-abcdef012345678912345678;Parent=00f067aa0ba902b7;Sampled="
# A light operation with one statement, and a large one.
LIGHT = {"query": "{ teams(first: 5) { nodes { key name } } }"}
LARGE = {
    "documentId": next(each.id for each in trusted_documents().values() if each.name == "incident-overview"),
    "variables": {"number": "INC0001001"},
}

Ask = Callable[[], Awaitable[None]]


class Collector(BaseHTTPRequestHandler):
    """Accepts all spans and drops them."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Accept a batch."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Write no line."""


def collect(server: HTTPServer) -> None:
    """Accept spans until the process is killed."""
    server.serve_forever()


async def everyone(_: str | None) -> Principal:
    return ANALYST


def asking(app: Starlette, body: Any) -> Ask:
    """Return a function that sends one request, without the cost of a client."""
    sent = json.dumps(body).encode()
    scope = {
        "type": "http", "method": "POST", "path": "/graphql", "raw_path": b"/graphql", "query_string": b"",
        "headers": [(b"content-type", b"application/json")], "http_version": "1.1", "scheme": "http",
    }  # fmt: skip

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": sent, "more_body": False}

    async def ask() -> None:
        answers: list[bytes] = []

        async def send(message: Any) -> None:
            answers.append(message.get("body", b""))

        await app(dict(scope), receive, send)
        assert b'"errors"' not in b"".join(answers)

    return ask


async def spent(ask: Ask, times: int) -> float:
    """Return the CPU time of this process per call, in milliseconds."""
    gc.collect()
    begin = time.process_time()
    for _ in range(times):
        await ask()
    return (time.process_time() - begin) * 1_000 / times


async def ratios(ask: Ask, exporters: dict[str, Exporter | None], times: int) -> dict[str, float]:
    """Return the milliseconds without an exporter, and the added cost of each in percent: medians of many rounds."""
    spent_by_name: dict[str, list[float]] = {name: [] for name in exporters}
    for number in range(ROUNDS):
        # "off" is always first or last, so that load on the machine affects all alike.
        for name in list(exporters)[:: 1 if number % 2 else -1]:
            set_exporter(exporters[name])
            spent_by_name[name].append(await spent(ask, times))
    set_exporter(None)
    off = statistics.median(spent_by_name["off"])
    more = {
        name: statistics.median(
            after / before - 1 for before, after in zip(spent_by_name["off"], spent_by_name[name], strict=True)
        )
        for name in exporters
        if name != "off"
    }
    return {"off ms": round(off, 3)} | {f"{name} %": round(100 * each, 1) for name, each in more.items()}


async def named(url: str) -> dict[str, float]:
    """Return the milliseconds of a command on a connection with the right name, and the added cost of renaming it."""
    redis = create_client(url, None, 5.0)
    keys = [f"key-{number}" for number in range(20)]
    spans: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for kind, names in enumerate((["same"] * COMMANDS, [f"other-{number}" for number in range(COMMANDS)])):
            begin = time.perf_counter()
            for name in names:
                with use_request(RequestContext(name)):
                    await redis.execute_command("MGET", *keys)  # type: ignore[no-untyped-call]
            spans[kind].append((time.perf_counter() - begin) * 1_000 / COMMANDS)
    await redis.aclose()
    more = statistics.median(after / before - 1 for before, after in zip(*spans, strict=True))
    return {"MGET ms": round(statistics.median(spans[0]), 3), "renamed %": round(100 * more, 1)}


async def measure(main: str, requirements: str, url: str, collector: str) -> dict[str, dict[str, float]]:
    """Measure everything: the light operation with a cache, the large one without."""
    plain = open_sources(
        PostgresSettings(main), PostgresSettings(requirements), CacheSettings(url=None), GraphSettings()
    )
    await load_if_empty(plain.main, plain.requirements)
    # A long validity: its renewal is not part of an operation.
    cached = replace(
        plain, cache=RedisCache(url, write_log=PostgresWriteLog(plain.main), timeout=5.0, validity_seconds=3_600.0)
    )
    daemon = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    daemon.bind(("127.0.0.1", 0))
    address = f"127.0.0.1:{daemon.getsockname()[1]}"
    exporters: dict[str, Exporter | None] = {
        "off": None,
        "not sampled": XRayExporter(address, lambda: HEADER + "0"),
        "xray": XRayExporter(address, lambda: HEADER + "1"),
        # With the thread that sends, in the background.
        "otlp": OtlpExporter(collector, "bench"),
    }
    figures = {}
    # As the service does after loading.
    freeze_gc()
    for name, body, sources, times in (("light", LIGHT, cached, 50), ("large", LARGE, plain, 5)):
        endpoint = GraphQLEndpoint(sources, everyone)
        ask = asking(Starlette(routes=[Route("/graphql", endpoint.respond, methods=["POST"])]), body)
        await spent(ask, 3)
        figures[name] = await ratios(ask, exporters, times)
    daemon.close()
    await cached.close()
    return figures | {"redis": await named(url)}


def main() -> None:
    """Start the stores, measure and print the figures."""
    with tempfile.TemporaryDirectory(prefix="stackflow-bench-") as folder:
        Path(folder).chmod(0o755)
        postgres, valkey = EmbeddedPostgres(Path(folder) / "postgres"), EmbeddedValkey(Path(folder) / "valkey")
        server = HTTPServer(("127.0.0.1", 0), Collector)
        # A process of its own: its time is not that of the service.
        collector = multiprocessing.get_context("fork").Process(target=collect, args=(server,), daemon=True)
        try:
            collector.start()
            postgres.start(("stackflow", "requirements"), {"fsync": "off"})
            valkey.start()
            urls = postgres.url("stackflow"), postgres.url("requirements")
            migrate("main", urls[0])
            migrate("requirements", urls[1])
            figures = asyncio.run(measure(*urls, valkey.url, f"http://127.0.0.1:{server.server_port}"))
        finally:
            collector.kill()
            server.server_close()
            valkey.stop()
            postgres.stop()
    if "--json" in sys.argv:
        json.dump(figures, sys.stdout)
        return
    table = Table("of", "figure", "value")
    for name, each in figures.items():
        for figure, value in each.items():
            table.add_row(name, figure, str(value))
    Console().print(table)


if __name__ == "__main__":
    main()
