"""Valkey as a child: its password stays off the command line, and it ends what a killed parent left."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from datasources.cache.redis.adapter import RedisCache
from datasources.embedded.process import EmbeddedError, command_line
from datasources.embedded.valkey import EmbeddedValkey

_PARENT = """
import os, signal, sys
from pathlib import Path
from datasources.embedded.valkey import EmbeddedValkey
server = EmbeddedValkey(Path(sys.argv[1]))
server.start()
print(server.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def orphan(folder: Path) -> int:
    """The pid of a server whose parent was killed."""
    done = subprocess.run([sys.executable, "-c", _PARENT, str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    return int(done.stdout)


async def reachable(url: str) -> bool:
    cache = RedisCache(url, timeout=5)
    health = await cache.health()
    await cache.close()
    return health.reachable


async def test_password_is_needed_and_stands_only_in_files_of_ours(own_valkey: EmbeddedValkey) -> None:
    assert await reachable(own_valkey.url)
    assert not await reachable(f"redis://127.0.0.1:{own_valkey.port}/0")
    assert own_valkey.pid is not None
    assert own_valkey.password not in command_line(own_valkey.pid)
    holders = [path for path in own_valkey.folder.iterdir() if own_valkey.password in path.read_text()]
    assert sorted(path.name for path in holders) == ["password", "valkey.conf"]
    assert [path.stat().st_mode & 0o777 for path in holders] == [0o600, 0o600]


async def test_stop_ends_the_process_and_start_runs_another(own_valkey: EmbeddedValkey) -> None:
    first = own_valkey.pid
    assert first is not None
    own_valkey.stop()
    own_valkey.stop()
    assert (command_line(first), own_valkey.pid) == ("", None)
    own_valkey.start()
    assert own_valkey.pid not in {None, first}
    assert await reachable(own_valkey.url)


async def test_orphan_of_a_killed_parent_is_ended(tmp_path: Path) -> None:
    left = orphan(tmp_path / "valkey")
    assert command_line(left)
    server = EmbeddedValkey(tmp_path / "valkey")
    server.start()
    assert command_line(left) == ""
    assert await reachable(server.url)
    server.stop()


async def test_server_of_a_living_parent_is_left_alone(own_valkey: EmbeddedValkey) -> None:
    with pytest.raises(EmbeddedError, match=f"already runs for process {os.getpid()}"):
        EmbeddedValkey(own_valkey.folder).start()
    assert await reachable(own_valkey.url)


def test_foreign_process_with_the_same_number_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "valkey"
    folder.mkdir()
    with subprocess.Popen(["sleep", "60"]) as foreign:
        (folder / "valkey.pid").write_text(f"{foreign.pid} 1\n")
        server = EmbeddedValkey(folder)
        server.start()
        assert foreign.poll() is None
        server.stop()
        foreign.kill()


def test_server_that_can_not_start_says_where_to_look(tmp_path: Path) -> None:
    server = EmbeddedValkey(tmp_path / "valkey", binary=Path("/bin/false"))
    with pytest.raises(EmbeddedError, match=r"did not start; see .*/server\.log"):
        server.start()
    assert server.pid is None
