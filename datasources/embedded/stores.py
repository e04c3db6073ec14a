"""The embedded stores that the settings require, started together and stopped in reverse order."""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from datasources.config import GraphEngine, JarSettings
from datasources.embedded.engines import TINKERGRAPH, TRANSACTIONAL
from datasources.embedded.gremlin import EmbeddedGremlin
from datasources.embedded.jars import ProgressCallback, ignore_progress
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.embedded.process import EmbeddedError, explain_write_errors, is_locked, lock_folder
from datasources.embedded.supervisor import SupervisedStore, Supervisor
from datasources.embedded.termination import STOP_SECONDS, RemainingSeconds, countdown, kill_tree
from datasources.embedded.valkey import EmbeddedValkey
from datasources.errors import SourceUnavailable

MAIN_DATABASE = "stackflow"
REQUIREMENTS_DATABASE = "requirements"


@dataclass(frozen=True, slots=True)
class StoreUrls:
    """The URLs of the stores; None for stores that are not embedded. The URLs contain passwords."""

    main: str | None = None
    requirements: str | None = None
    cache: str | None = None
    graph: str | None = None
    graph_reader: str | None = None


@dataclass(frozen=True, slots=True)
class StoreSelection:
    """The stores to run embedded. Recursive SQL needs no graph store.

    A process that joins running stores uses their graph, with any engine, unless `own_graph` is set.
    """

    main: bool = True
    requirements: bool = True
    cache: bool = True
    graph: GraphEngine = GraphEngine.SQL
    own_graph: bool = False

    @property
    def databases(self) -> tuple[str, ...]:
        return (MAIN_DATABASE,) * self.main + (REQUIREMENTS_DATABASE,) * self.requirements

    @property
    def has_any(self) -> bool:
        return self.main or self.requirements or self.cache or self.graph is not GraphEngine.SQL


class EmbeddedStores:
    """The stores of a state folder. One process at a time runs them; others of the same user may join.

    `tell` is called with the progress of downloads of the graph's jars.
    """

    def __init__(
        self,
        folder: Path,
        wanted: StoreSelection,
        jars: JarSettings | None = None,
        tell: ProgressCallback = ignore_progress,
    ) -> None:
        self.folder = folder.resolve()
        self.selection = wanted
        self._jars = jars
        self._tell = tell
        self._started = ExitStack()
        self._server: EmbeddedPostgres | None = None
        self._stores: list[SupervisedStore] = []
        self._supervisor: Supervisor | None = None
        self._left: RemainingSeconds | None = None
        self._cut_off: list[str] = []

    def start(self) -> StoreUrls:
        """Start the selected stores and return their URLs.

        Recovers the data of a killed process. Does nothing, not even to the folder, if no store is selected. Raises
        EmbeddedError if the folder is in use or a store cannot run.
        """
        if not self.selection.has_any:
            return StoreUrls()
        with ExitStack() as stack:
            stack.enter_context(lock_folder(self.folder))
            self._urls_file.unlink(missing_ok=True)
            urls = StoreUrls(*self._postgres(stack), self._valkey(stack), *self._graph(stack))
            with explain_write_errors(self.folder):
                self._write_urls(urls)
            stack.callback(self._urls_file.unlink, missing_ok=True)
            self._started = stack.pop_all()
        return urls

    def find_running(self) -> StoreUrls | None:
        """Return the URLs of stores that another process runs in this folder, or None.

        Only selected stores that are running are included.
        """
        if not is_locked(self.folder):
            return None
        try:
            urls = StoreUrls(**json.loads(self._urls_file.read_text()))
        except (OSError, ValueError):
            # The process has the lock but has not started its stores yet, or belongs to another user.
            return None
        return StoreUrls(
            urls.main if self.selection.main else None,
            urls.requirements if self.selection.requirements else None,
            urls.cache if self.selection.cache else None,
            *((None, None) if self.selection.own_graph else (urls.graph, urls.graph_reader)),
        )

    @contextmanager
    def explain_failures(self) -> Iterator[None]:
        """If a store is lost in the block because it broke down on this machine, raise that as EmbeddedError."""
        try:
            yield
        except SourceUnavailable as error:
            fault = self._server.fault() if self._server is not None else None
            if fault is None:
                raise
            raise EmbeddedError(fault) from error

    def supervise(self) -> None:
        """From now on until `stop`, restart stores that end by themselves, on the same port."""
        self._supervisor = Supervisor(self._stores)
        self._supervisor.start()

    def stop(self, left: RemainingSeconds | None = None) -> list[str]:
        """Stop the started stores in reverse order; returns when every process has ended, at most after `left` seconds.

        Returns the names of those that did not stop in time and were killed.
        """
        self._left = left or countdown(STOP_SECONDS)
        if self._supervisor is not None:
            self._supervisor.stop(self._left)
            self._supervisor = None
        self._started.close()
        self._left, self._stores = None, []
        cut_off, self._cut_off = self._cut_off, []
        return cut_off

    def kill(self) -> None:
        """Kill every process immediately, from any thread."""
        for store in self._stores:
            if store.server.pid is not None:
                kill_tree(store.server.pid)

    def _register(self, stack: ExitStack, store: SupervisedStore) -> None:
        def end() -> None:
            if not store.server.stop(self._left):
                self._cut_off.append(store.name)

        self._stores.append(store)
        stack.callback(end)

    @contextmanager
    def join_or_start(self) -> Iterator[StoreUrls]:
        """Use the running stores, or start them for the block and stop them after it."""
        urls = self.find_running()
        if urls is not None:
            yield urls
            return
        try:
            urls = self.start()
            with self.explain_failures():
                yield urls
        finally:
            self.stop()

    @property
    def _urls_file(self) -> Path:
        return self.folder / "running.json"

    def _write_urls(self, urls: StoreUrls) -> None:
        descriptor = os.open(self._urls_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(asdict(urls), file)

    def _postgres(self, stack: ExitStack) -> tuple[str | None, str | None]:
        if not self.selection.databases:
            return None, None
        server = EmbeddedPostgres(self.folder / "postgres")
        databases = self.selection.databases
        self._register(
            stack,
            SupervisedStore("PostgreSQL", server, lambda: server.start(databases, port=server.port), str(server.log)),
        )
        server.start(databases)
        self._server = server
        return (
            server.url(MAIN_DATABASE) if self.selection.main else None,
            server.url(REQUIREMENTS_DATABASE) if self.selection.requirements else None,
        )

    def _valkey(self, stack: ExitStack) -> str | None:
        if not self.selection.cache:
            return None
        server = EmbeddedValkey(self.folder / "valkey")
        self._register(stack, SupervisedStore("Valkey", server, lambda: server.start(server.port), str(server.log)))
        with explain_write_errors(self.folder):
            server.start()
        return server.url

    def _graph(self, stack: ExitStack) -> tuple[str | None, str | None]:
        if self.selection.graph is GraphEngine.SQL:
            return None, None
        neptune = self.selection.graph is GraphEngine.NEPTUNE_LIKE
        engine = TRANSACTIONAL if neptune else TINKERGRAPH
        server = EmbeddedGremlin(self.folder / "graph", engine, jars=self._jars, tell=self._tell)
        self._register(
            stack, SupervisedStore("Gremlin Server", server, lambda: server.start(server.port), str(server.log))
        )
        server.start()
        if not neptune:
            return server.url, None
        # Imported here so that only this engine loads the web server.
        from datasources.embedded.neptune_like import NeptuneLike

        front = NeptuneLike(server.url, keep=100).start()
        stack.callback(front.stop)
        return front.url, front.reader_url
