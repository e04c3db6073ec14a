"""Ends the process of a store: gracefully if time allows, then by force, always within a time limit."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

# Returns the seconds until everything must have ended. The value may drop at any time.
RemainingSeconds = Callable[[], float]

# The default maximum for a stop, in seconds.
STOP_SECONDS = 25.0
# Seconds that each step leaves to the following ones, and that the kernel has to end a killed process.
RESERVE_SECONDS = 0.75

_PROC = Path("/proc")


def countdown(seconds: float) -> RemainingSeconds:
    """Return a function that counts down from `seconds`."""
    end = time.monotonic() + seconds
    return lambda: end - time.monotonic()


def terminate_child(child: subprocess.Popen[bytes], steps: Sequence[tuple[int, float]], left: RemainingSeconds) -> bool:
    """Send the signal of each step and wait its seconds; if the process still runs, kill it with all its descendants.

    Returns whether the first signal was sufficient. A process that survives even a kill is left to the kernel.
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
    """Kill a process and its descendants, the parent first: it might restart children that it sees die."""
    for each in (pid, *descendants(pid)):
        with suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)


def descendants(pid: int) -> list[int]:
    """Return the ids of all descendants of a process, parents before their children."""
    parent_of = parents()
    pids, level = list[int](), {pid}
    while level:
        level = {child for child, parent in parent_of.items() if parent in level}
        pids += sorted(level)
    return pids


def parents() -> dict[int, int]:
    """Return the id of the parent of each process on this machine, by its own id."""
    if not (_PROC / "self").exists():
        shown = subprocess.run(
            ["/bin/ps", "-A", "-o", "pid=,ppid="], capture_output=True, check=False, text=True
        ).stdout
        return {int(child): int(parent) for child, parent in (line.split() for line in shown.splitlines())}
    found = {}
    for each in _PROC.glob("[0-9]*/stat"):
        with suppress(OSError):
            # The name in parentheses may contain blanks; the parent is the second field after it.
            found[int(each.parent.name)] = int(each.read_text().rpartition(")")[2].split()[1])
    return found


def processes_in_folder(folder: Path) -> list[int]:
    """Return the processes that work in a folder, as PostgreSQL servers do in their data; empty without /proc."""
    pids = []
    for each in _PROC.glob("[0-9]*"):
        # Processes of other users are not readable, and processes may end meanwhile.
        with suppress(OSError):
            if (each / "cwd").readlink() == folder:
                pids.append(int(each.name))
    return pids
