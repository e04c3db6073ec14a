"""The stores and processes of a service under faults, each of which can be killed and started again where it was."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import httpx
import psycopg

from datasources.embedded.gremlin import EmbeddedGremlin
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.embedded.process import free_port
from datasources.embedded.termination import descendants, kill_tree
from datasources.embedded.valkey import EmbeddedValkey
from tests.faults.chaos import Fault
from tests.fixtures.standing_still import stand_still
from workers.migrations import migrate

ROOT = Path(__file__).parents[2]
STARTING = 60.0

SEED = """
INSERT INTO configuration_item_classes (key, name) VALUES ('service', 'Service'), ('host', 'Host');
INSERT INTO relationship_types (key, label, inverse_label, impact) VALUES
    ('depends_on', 'depends on', 'is needed by', 'REVERSE'), ('feeds', 'feeds', 'is fed by', 'FORWARD');
INSERT INTO teams (id, key, name) VALUES ('00000000-0000-4000-8000-000000000001', 'payments', 'Payments');
"""


class Child:
    """A process of the service that runs until it is killed. Ending by itself is a failure of the test."""

    def __init__(self, name: str, words: tuple[str, ...], environment: dict[str, str], folder: Path) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self._command = [sys.executable, "-m", "tests.faults.process", *words]
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; it may not work yet when this returns."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, cwd=ROOT, env=self._environment)

    def kill(self) -> None:
        """End it at once."""
        assert self._process is not None
        assert self._process.poll() is None, f"{self.name} ended by itself: {self.log.read_text()[-4000:]}"
        self._process.kill()
        self._process.wait()
        self._process = None


def _kill_tree(server: EmbeddedPostgres) -> None:
    assert server.pid is not None
    kill_tree(server.pid)
    # Nothing is left to be shut down; it collects what ended.
    server.stop()


def _stand_still(server: EmbeddedPostgres | EmbeddedValkey) -> None:
    assert server.pid is not None
    for pid in (server.pid, *descendants(server.pid)):
        stand_still(pid)


def _go_on(server: EmbeddedPostgres | EmbeddedValkey) -> None:
    assert server.pid is not None
    for pid in (server.pid, *descendants(server.pid)):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


class Service:
    """Two servers, a worker, and the five stores below them. PostgreSQL writes through to the disk, as in production:
    a kill leaves it a recovery."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self._settings = settings
        self.main = EmbeddedPostgres(folder / "main")
        self.queue = EmbeddedPostgres(folder / "queue")
        self.cache = EmbeddedValkey(folder / "cache")
        self.graph = EmbeddedGremlin(folder / "graph", memory="1g")
        self._folder = folder
        self._children: dict[str, Child] = {}
        self.addresses: list[str] = []

    def start(self) -> None:
        """Everything up and serving."""
        self.main.start(("stackflow", "requirements"))
        self.queue.start(("stackflow",))
        migrate("main", self.main.url("stackflow"))
        migrate("requirements", self.main.url("requirements"))
        migrate("main", self.queue.url("stackflow"))
        with psycopg.connect(self.main.url("stackflow"), autocommit=True) as connection:
            connection.execute(SEED.encode())
        self.cache.start()
        self.graph.start()
        ports = [free_port(), free_port()]
        self.addresses = [f"http://127.0.0.1:{port}" for port in ports]
        for number, port in enumerate(ports):
            self._add(f"server{number}", "serve", str(port))
        self._add("worker", "work")
        for address in self.addresses:
            self._await(address)

    def stop(self) -> None:
        """End everything."""
        for child in self._children.values():
            child.kill()
        self.graph.stop()
        self.cache.stop()
        self.queue.stop()
        self.main.stop()

    def faults(self) -> dict[str, Fault]:
        """By name, what kills and what starts again."""
        made: dict[str, Fault] = {}
        for name, server in {"main": self.main, "queue": self.queue}.items():
            made[name] = (partial(_kill_tree, server), partial(server.start, port=server.port))
        cache, graph = self.cache.port, self.graph.port
        made["cache"] = (self._kill_cache, lambda: self.cache.start(cache))
        # It ends nothing in order: what it holds is in memory, and gone.
        made["graph"] = (self.graph.stop, lambda: self.graph.start(graph))
        for name, child in self._children.items():
            made[name] = (child.kill, child.start)
        return made

    def hangs(self) -> dict[str, Fault]:
        """By name, what makes a store stand still, with all below it, and what lets it go on."""
        servers: dict[str, EmbeddedPostgres | EmbeddedValkey] = {
            "main": self.main, "queue": self.queue, "cache": self.cache,
        }  # fmt: skip
        return {
            f"{name} hangs": (partial(_stand_still, server), partial(_go_on, server))
            for name, server in servers.items()
        }

    def said(self) -> str:
        """The last words of every process, for a failure."""
        return "\n".join(f"--- {name}\n{child.log.read_text()[-3000:]}" for name, child in self._children.items())

    def _kill_cache(self) -> None:
        assert self.cache.pid is not None
        os.kill(self.cache.pid, signal.SIGKILL)
        self.cache.stop()

    def _add(self, name: str, *words: str) -> None:
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "DATABASE_URL": self.main.url("stackflow"),
            "REQUIREMENTS_URL": self.main.url("requirements"),
            "QUEUE_URL": self.queue.url("stackflow"),
            "REDIS_URL": self.cache.url,
            "GRAPH_URL": self.graph.url,
            **self._settings,
        }
        child = self._children[name] = Child(name, words, environment, self._folder)
        child.start()

    @staticmethod
    def _await(address: str) -> None:
        end = time.monotonic() + STARTING
        while True:
            try:
                if httpx.get(f"{address}/health/ready").status_code == 200:
                    return
            except httpx.TransportError:
                pass
            assert time.monotonic() < end, f"{address} does not serve"
            time.sleep(0.1)


@asynccontextmanager
async def service(folder: Path, **settings: str) -> AsyncIterator[Service]:
    """The service, for the body. What its processes said is printed if the body fails."""
    made, well = Service(folder, **settings), False
    try:
        await asyncio.to_thread(made.start)
        yield made
        well = True
    finally:
        if not well:
            print(made.said())
        await asyncio.to_thread(made.stop)
