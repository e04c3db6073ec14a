"""The cost of a Lambda function: CPU time of its start, its first answer, and warm answers compared with a server.

    python -m bench.lambda_start [--bundle dist/stackflow-lambda-x86_64.zip] [--starts 5] [--calls 300]

Requires the result of `make test-lambda`, and starts a PostgreSQL with the demo. For comparison, uvicorn serves the
same files on the same Python, over one keep-alive connection. Prints sizes in MB (10^6 bytes); the least CPU time of
several alternating starts; the import time of each package by itself; the first answer, with and without a snapshot,
and medians of warm calls, in milliseconds; and the average CPU time of the process for each, in steps of 10 ms in
total. The figures are of one machine: if it is shared, only the ratios are comparable.
"""

import argparse
import asyncio
import json
import os
import re
import statistics
import subprocess
import tempfile
import time
import zipfile
from collections import Counter
from pathlib import Path

import httpx

from datasources.aurora.principals.api_keys import insert_api_key
from datasources.config import CacheSettings, GraphSettings, PostgresSettings
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.embedded.process import free_port
from datasources.sources import open_sources
from demo.load import load_if_empty
from resolvers.principals.api_keys import generate_api_key
from tests.lambda_.runtime import ENTRIES, Function, gateway_event, processor_of
from workers.migrations import migrate

ROOT = Path(__file__).parents[1]
PYTHON = ROOT / ".venv-lambda" / "bin" / "python"
# A document that fetches no rows, so that little but the overhead is measured.
LIGHT = "{ __typename }"
MISSION = re.findall(r"```graphql\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)[0]
# The same application in a separate process, with the server's own cost per call.
SERVED = (
    "import app, settings, uvicorn; uvicorn.run(app.create_app(settings.load_settings()), port={}, log_level='error')"
)


def timed_imports(root: Path, variables: dict[str, str]) -> Counter[str]:
    """Return the import time of each package without its imports, in milliseconds of wall-clock time."""
    command = [str(PYTHON), "-X", "importtime", "-c", "import app"]
    output = subprocess.run(command, env=variables, cwd=root, check=True, capture_output=True, text=True).stderr
    spent: Counter[str] = Counter()
    for own, name in re.findall(r"^import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)$", output, re.MULTILINE):
        spent[name.split(".")[0]] += int(own)
    return Counter({name: round(microseconds / 1_000) for name, microseconds in spent.items()})


def processor(root: Path, variables: dict[str, str], statement: str) -> float:
    """Return the CPU time of one statement in a new process in milliseconds, without the interpreter's start."""
    code = f"import time; begin = time.process_time(); {statement}; print((time.process_time() - begin) * 1_000)"
    command = [str(PYTHON), "-c", code]
    return float(subprocess.run(command, env=variables, cwd=root, check=True, capture_output=True, text=True).stdout)


def starts(root: Path, variables: dict[str, str], times: int) -> dict[str, float]:
    """Return the least CPU time of the start of each entry point."""
    entries = {
        "app, off and tables": ("app", variables),
        "app, Redis and Gremlin": ("app", variables | CLIENTS),
        **{name: (name, variables) for name in ENTRIES if name != "app"},
    }
    spent: dict[str, list[float]] = {name: [] for name in entries}
    for _ in range(times):
        for name, (entry, environment) in entries.items():
            spent[name].append(processor(root, environment | {"_HANDLER": f"{entry}.handler"}, f"import {entry}"))
    return {name: round(min(each)) for name, each in spent.items()}


def called(root: Path, variables: dict[str, str], token: str, calls: int, *, copied: bool) -> dict[str, float]:
    """Return the milliseconds of the first answer and of warm ones, as seen from AWS's side of the runtime; and the CPU
    time until the function requests its first call, with AWS's runtime client and the interpreter."""
    start = {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start" if copied else "on-demand"}
    with Function(PYTHON, root, "app.handler", variables | start) as function:
        if copied:
            function.snapshot()
            function.restore()
        init = function.ready()
        events = {name: gateway_event({"query": text}, token=token) for name, text in DOCUMENTS.items()}
        before = function.processor()
        first = function.call(events["mission"])
        spent = {"first_cpu": (function.processor() - before) * 1_000}
        assert first.error is None
        assert first.result["statusCode"] == 200, first.result
        for name, event in events.items():
            before = function.processor()
            spent[name] = statistics.median(function.call(event).milliseconds for _ in range(calls))
            spent[f"{name}_cpu"] = (function.processor() - before) * 1_000 / calls
    return {"init_cpu": init * 1_000, "first": first.milliseconds} | spent


DOCUMENTS = {"mission": MISSION, "light": LIGHT}
# URLs of clients that do not connect during the start.
CLIENTS = {"REDIS_URL": "rediss://:none@cache.invalid/0", "GRAPH_URL": "wss://graph.invalid/gremlin"}


def served(root: Path, variables: dict[str, str], token: str, calls: int, site: str) -> dict[str, float]:
    """Return the milliseconds of warm answers of the same application under uvicorn."""
    port = free_port()
    paths = f"{root}{os.pathsep}{site}"
    child = subprocess.Popen([str(PYTHON), "-c", SERVED.format(port)], env=variables | {"PYTHONPATH": paths}, cwd=root)
    try:
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}", headers={"authorization": f"Bearer {token}"}, timeout=60
        ) as client:
            _await(client)
            spent: dict[str, float] = {}
            for name, text in DOCUMENTS.items():
                before = processor_of(child.pid)
                spent[name] = _median(client, text, calls)
                spent[f"{name}_cpu"] = (processor_of(child.pid) - before) * 1_000 / calls
            return spent
    finally:
        child.terminate()
        child.wait(20)


def _await(client: httpx.Client) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            client.get("/health/live").raise_for_status()
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit("the server did not start")


def _median(client: httpx.Client, document: str, calls: int) -> float:
    spent = []
    for _ in range(calls):
        begin = time.perf_counter()
        client.post("/graphql", json={"query": document}).raise_for_status()
        spent.append((time.perf_counter() - begin) * 1_000)
    return statistics.median(spent)


async def filled(main: str, requirements: str) -> str:
    """Load the demo and return an API key with all permissions."""
    sources = open_sources(
        PostgresSettings(main), PostgresSettings(requirements), CacheSettings(url=None), GraphSettings()
    )
    key = generate_api_key()
    await load_if_empty(sources.main, sources.requirements)
    await insert_api_key(
        sources.main, name="bench", key_hash=key.hash, permissions=["*"], team_keys=[], expires_at=None
    )
    await sources.close()
    return key.text


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--bundle", type=Path, default=ROOT / "dist" / "stackflow-lambda-x86_64.zip")
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--calls", type=int, default=300)
    chosen = parser.parse_args()
    # The folder with uvicorn and its dependencies, which are not in the bundle.
    site = str(Path(httpx.__file__).parents[1])
    with tempfile.TemporaryDirectory(prefix="stackflow-") as folder:
        root = Path(folder) / "task"
        with zipfile.ZipFile(chosen.bundle) as archive:
            archive.extractall(root)
            unzipped = sum(member.file_size for member in archive.infolist())
        Path(folder).chmod(0o755)
        postgres = EmbeddedPostgres(Path(folder) / "postgres")
        postgres.start(("stackflow", "requirements"), {})
        try:
            urls = {name: postgres.url(name) for name in ("stackflow", "requirements")}
            migrate("main", urls["stackflow"])
            migrate("requirements", urls["requirements"])
            token = asyncio.run(filled(*urls.values()))
            stores = {"DATABASE_URL": urls["stackflow"], "REQUIREMENTS_URL": urls["requirements"], "REDIS_URL": "off"}
            alone = stores | {"PATH": os.environ["PATH"], "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
            started = starts(root, alone, chosen.starts)
            answers = called(root, stores, token, chosen.calls, copied=False)
            copies = called(root, stores, token, chosen.calls, copied=True)
            server_answers = served(root, alone, token, chosen.calls, site)
            imports = timed_imports(root, alone).most_common(12)
        finally:
            postgres.stop()
    figures = {
        "zipped_mb": round(chosen.bundle.stat().st_size / 1e6, 1),
        "unzipped_mb": round(unzipped / 1e6, 1),
        "start_cpu_ms": started,
        "import_ms_by_package": dict(imports),
        "answers_ms": {name: round(value, 2) for name, value in answers.items()},
        "copied_ms": {name: round(value, 2) for name, value in copies.items()},
        "served_ms": {name: round(value, 2) for name, value in server_answers.items()},
    }
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
