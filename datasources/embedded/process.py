"""Utilities for child processes of embedded stores: ports, secrets, process identity and folder locks."""

import errno
import fcntl
import os
import re
import secrets
import socket
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

# Linux has process information here; macOS has only `ps`.
_PROC = Path("/proc")
_SECRET = re.compile(r"[0-9a-f]{48}")


class EmbeddedError(Exception):
    """An embedded store cannot run. The message is one line with the problem and the remedy."""


def free_port() -> int:
    """Return a port on loopback that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def is_free(port: int) -> bool:
    """Return whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        # As servers do: connections of a previous server may still linger.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def load_or_create_secret(path: Path) -> str:
    """Return the secret in a file that only we can read; create it atomically on first use.

    Raises EmbeddedError if the file has other content: a running server would reject a new secret.
    """
    if not path.exists():
        # A full disk must not leave an empty file that looks like a secret.
        new = path.with_name(f"{path.name}.new")
        new.unlink(missing_ok=True)
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(24))
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    secret = path.read_text(errors="replace")
    if not _SECRET.fullmatch(secret):
        raise EmbeddedError(
            f"{path} holds no password; put the old file back, or move {path.parent} away to begin with empty data"
        )
    return secret


def restrict_permissions(folder: Path) -> None:
    """Restrict a folder, and the files directly in it, to the owner.

    Files of other users are not changed.
    """
    for path, mode in ((folder, 0o700), *((each, 0o600) for each in folder.iterdir() if each.is_file())):
        if stat.S_IMODE(path.stat().st_mode) & ~mode:
            with suppress(PermissionError):
                path.chmod(stat.S_IMODE(path.stat().st_mode) & mode)


@contextmanager
def open_private_log(path: Path) -> Iterator[BinaryIO]:
    """Open a file for appending that only we can read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "ab") as file:
        yield file


def command_line(pid: int) -> str:
    """Return the command line of a process, joined by blanks; empty if the process is gone or a zombie."""
    if (_PROC / "self").exists():
        try:
            return (_PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except (FileNotFoundError, ProcessLookupError):
            return ""
    shown = subprocess.run(  # noqa: S603
        ["/bin/ps", "-ww", "-p", str(pid), "-o", "state=,command="], capture_output=True, check=False, text=True
    ).stdout.strip()
    state, _, command = shown.partition(" ")
    return "" if state.startswith("Z") else command.strip()


def terminate_process(pid: int, is_ours: Callable[[int], bool], signals: tuple[int, ...], seconds: float) -> bool:
    """Send each signal in turn and wait up to `seconds` after each; return whether the process is gone.

    `is_ours` is checked before each signal, so that a reused process id gets none.
    """
    for number in signals:
        if not is_ours(pid):
            return True
        with suppress(ProcessLookupError):
            os.kill(pid, number)
        end = time.monotonic() + seconds
        while is_ours(pid) and time.monotonic() < end:
            time.sleep(0.02)
    return not is_ours(pid)


@contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Lock a folder for this process. Raises EmbeddedError if another one has it, or if it is not writable.

    The kernel releases the lock when the process ends, however it ends.
    """
    with explain_write_errors(folder):
        # Under root, PostgreSQL runs as another user, who must pass through the folder.
        folder.mkdir(0o700 if os.geteuid() else 0o711, parents=True, exist_ok=True)
        descriptor = os.open(folder / "lock", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    # Unbuffered: on a full disk the write fails here, not at a later close.
    with os.fdopen(descriptor, "ab", buffering=0) as lock:
        # Older versions let others read it. Files of other users are not changed.
        with suppress(PermissionError):
            os.fchmod(descriptor, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise EmbeddedError(
                f"{folder} is in use by {lock_owner(folder)}; stop that one, or set STACKFLOW_STATE to another folder"
            ) from None
        with explain_write_errors(folder):
            lock.truncate(0)
            lock.write(str(os.getpid()).encode())
        yield


def lock_owner(folder: Path) -> str:
    """Describe the process that has locked a folder."""
    try:
        pid = (folder / "lock").read_text()
    except OSError:
        pid = ""
    return f"process {pid}" if pid else "another process"


def is_locked(folder: Path) -> bool:
    """Return whether a process has locked the folder."""
    try:
        lock = (folder / "lock").open("r")
    except OSError:
        return False
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


@contextmanager
def explain_write_errors(folder: Path, setting: str = "STACKFLOW_STATE") -> Iterator[None]:
    """Raise OSError as EmbeddedError with a one-line remedy. `setting` is the setting that moves the folder."""
    try:
        yield
    except OSError as error:
        raise EmbeddedError(_refusal(folder, setting, error)) from error


def _refusal(folder: Path, setting: str, error: OSError) -> str:
    what = f"{error.filename or folder}: {error.strerror}"
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return f"{what}; free some disk space, or set {setting} to a folder on another disk"
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return f"{what}; make it writable for you, or set {setting} to a folder that is"
        case errno.ENOEXEC | errno.ENOENT:
            return f"{what}; run make clean setup, or set DATABASE_URL, REDIS_URL and GRAPH_URL to servers of your own"
        case _:
            return f"{what}; set {setting} to another folder"
