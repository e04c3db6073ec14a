"""Server processes on one core: start, readiness, CPU time and memory, read from Linux's /proc."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench.peers.contenders import ROOT, Contender
from bench.peers.data import Stores
from bench.peers.queries import QUERIES
from datasources.embedded.process import free_port

START_SECONDS = 90.0
STOP_SECONDS = 15.0
_PROC = Path("/proc")
# Of the caller's environment, nothing that is a setting of a contender.
_INHERITED = ("HOME", "LANG", "LD_LIBRARY_PATH", "PATH", "TMPDIR")


class ContenderFailed(Exception):
    """A server did not start or stopped. The message has the end of its log."""


@dataclass(frozen=True, slots=True)
class Cores:
    """The core of the servers, and those of PostgreSQL and the client."""

    server: int
    others: frozenset[int]


@dataclass(frozen=True, slots=True)
class Server:
    """A running contender."""

    contender: Contender
    port: int
    pid: int


def choose_cores() -> Cores:
    """Return the first core of this process for servers and the rest for the others; one core is shared."""
    first, *rest = sorted(os.sched_getaffinity(0))
    return Cores(first, frozenset(rest or [first]))


def pin(pid: int, cores: frozenset[int]) -> None:
    """Keep a process, its threads and its children on these cores, with what they start later."""
    for each in process_tree(pid):
        for thread in _listed(_PROC / str(each) / "task"):
            os.sched_setaffinity(int(thread.name), cores)


def process_tree(pid: int) -> list[int]:
    """Return the ids of a process and all its descendants."""
    found = [pid]
    for thread in _listed(_PROC / str(pid) / "task"):
        try:
            children = (thread / "children").read_text().split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        for child in children:
            found += process_tree(int(child))
    return found


def cpu_nanoseconds(pid: int) -> dict[str, int]:
    """Return the CPU time of every thread of a process and its descendants, by thread."""
    spent = {}
    for each in process_tree(pid):
        for thread in _listed(_PROC / str(each) / "task"):
            try:
                # Nanoseconds on the CPU: /proc/PID/stat counts in ticks of 10 ms.
                spent[thread.name] = int((thread / "schedstat").read_text().split()[0])
            except (FileNotFoundError, ProcessLookupError):
                continue
    return spent


def difference_ms(before: dict[str, int], after: dict[str, int]) -> float:
    """Return the milliseconds of CPU between two readings. Threads that ended in between are not counted."""
    return sum(spent - before.get(thread, 0) for thread, spent in after.items()) / 1e6


def peak_memory_mib(pid: int) -> float:
    """Return the sum of the highest resident memory of a process and its descendants, in MiB."""
    total = 0
    for each in process_tree(pid):
        for line in (_PROC / str(each) / "status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                total += int(line.split()[1])
    return total / 1024


@contextmanager
def running_servers(chosen: list[Contender], stores: Stores, folder: Path, core: int) -> Iterator[list[Server]]:
    """Run these contenders on one core while the block runs. Their logs are in `folder`.

    ContenderFailed if one does not answer the first query within START_SECONDS.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stopping:
        servers = []
        for contender in chosen:
            servers.append(stopping.enter_context(_running(contender, stores, folder, core)))
        yield servers


@contextmanager
def _running(contender: Contender, stores: Stores, folder: Path, core: int) -> Iterator[Server]:
    port = free_port()
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    log = folder / f"{contender.key}.log"
    with log.open("wb") as output:
        child = subprocess.Popen(
            contender.command(port), env=inherited | contender.environment(stores, folder / "state"), cwd=ROOT,
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    try:
        pin(child.pid, frozenset([core]))
        _wait_until_ready(contender, port, child, log)
        # Threads that started before the core was set.
        pin(child.pid, frozenset([core]))
        yield Server(contender, port, child.pid)
    finally:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def _wait_until_ready(contender: Contender, port: int, child: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    answered = "no answer"
    while time.monotonic() < end and child.poll() is None:
        try:
            response = ask(port, contender.body(QUERIES["q1"]))
        except httpx.TransportError:
            time.sleep(0.1)
            continue
        if response.status_code == 200:
            return
        answered = response.text[:500]
        time.sleep(0.1)
    tail = log.read_text(errors="replace")[-1_500:].strip()
    raise ContenderFailed(f"{contender.title} did not start: {answered}\n{tail}")


def ask(port: int, body: bytes) -> httpx.Response:
    """Send one request and return the response. httpx.TransportError if nothing answers within 60 seconds."""
    return httpx.post(
        f"http://127.0.0.1:{port}/graphql", content=body, headers={"content-type": "application/json"},
        timeout=60, trust_env=False,
    )  # fmt: skip


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except (FileNotFoundError, ProcessLookupError):
        return []
