"""How the process of a store is ended: in order while there is time, then at once, and never without a bound."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

# Seconds left until everything must have ended. It may grow shorter at any time.
RemainingSeconds = Callable[[], float]

# Seconds that an end takes at most where nobody says less.
STOP_SECONDS = 25.0
# Seconds that each step leaves for those after it, and that the kernel has to end what it killed.
RESERVE_SECONDS = 0.75

_PROC = Path("/proc")


def countdown(seconds: float) -> RemainingSeconds:
    """So many seconds from now."""
    end = time.monotonic() + seconds
    return lambda: end - time.monotonic()


def terminate_child(child: subprocess.Popen[bytes], steps: Sequence[tuple[int, float]], left: RemainingSeconds) -> bool:
    """Send the signal of each step and wait its seconds; kill what runs after the last, with all below it.

    True if the first signal was enough. A process that even a kill does not end is left to the kernel.
    """
    for index, (number, seconds) in enumerate(steps):
        end, reserve = time.monotonic() + seconds, RESERVE_SECONDS * (len(steps) - index)
        if child.poll() is None:
            child.send_signal(number)
        while child.poll() is None and time.monotonic() < end and left() > reserve:
            time.sleep(0.02)
        if child.poll() is not None:
            return index == 0
    kill_tree(child.pid)
    with suppress(subprocess.TimeoutExpired):
        child.wait(RESERVE_SECONDS)
    return False


def kill_tree(pid: int) -> None:
    """Kill a process and everything below it, the parent first: it would start again what it sees die."""
    for each in (pid, *descendants(pid)):
        with suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)


def descendants(pid: int) -> list[int]:
    """The process ids of everything below a process, parents before their children."""
    parents = _parents()
    found, level = list[int](), {pid}
    while level:
        level = {child for child, parent in parents.items() if parent in level}
        found += sorted(level)
    return found


def _parents() -> dict[int, int]:
    if not (_PROC / "self").exists():
        shown = subprocess.run(
            ["/bin/ps", "-A", "-o", "pid=,ppid="], capture_output=True, check=False, text=True
        ).stdout
        return {int(child): int(parent) for child, parent in (line.split() for line in shown.splitlines())}
    found = {}
    for each in _PROC.glob("[0-9]*/stat"):
        with suppress(OSError):
            # The name in parentheses may hold blanks; the parent is the second field after it.
            found[int(each.parent.name)] = int(each.read_text().rpartition(")")[2].split()[1])
    return found


def processes_in_folder(folder: Path) -> list[int]:
    """The processes that work in a folder, as servers of PostgreSQL do in their data; empty where /proc is missing."""
    found = []
    for each in _PROC.glob("[0-9]*"):
        # Those of other users do not say, and others end while they are looked at.
        with suppress(OSError):
            if (each / "cwd").readlink() == folder:
                found.append(int(each.name))
    return found
