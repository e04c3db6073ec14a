"""A state folder that was damaged or left open: one line says what, at once, and nobody else reads what it holds."""

import os
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from datasources.embedded.postgres import EmbeddedPostgres
from datasources.embedded.process import EmbeddedError, lock_folder
from datasources.embedded.stores import EmbeddedStores, StoreSelection
from datasources.embedded.valkey import EmbeddedValkey

DAMAGED = "the data are damaged: restore a backup, or move {folder} away to begin with empty data"
UNKNOWN = "{folder}/password holds no password; put the old file back, or move {folder} away to begin with empty data"
CANARY = "canary-7d1f"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a server that was stopped."""
    folder = tmp_path_factory.mktemp("made")
    for each in (folder, folder.parent, folder.parent.parent):
        each.chmod(0o755)
    server = EmbeddedPostgres(folder / "postgres")
    server.start()
    server.stop()
    return server.folder


@pytest.fixture
def server(made: Path, open_folder: Path) -> Iterator[EmbeddedPostgres]:
    """A server with data of its own, not started."""
    shutil.copytree(made, open_folder / "postgres")
    owner = (made / "data").stat()
    for path in (open_folder / "postgres", *(open_folder / "postgres").rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid)
    server = EmbeddedPostgres(open_folder / "postgres")
    yield server
    server.stop()


def empty(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text("")


def zeros(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(bytes((folder / name).stat().st_size))


def gone(name: str) -> Callable[[Path], object]:
    return lambda folder: shutil.rmtree(folder / name) if (folder / name).is_dir() else (folder / name).unlink()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (zeros("data/global/pg_control"), DAMAGED),
        (gone("data/global/pg_control"), DAMAGED),
        (empty("data/PG_VERSION"), DAMAGED),
        (gone("data/PG_VERSION"), DAMAGED),
        (gone("data/base"), DAMAGED),
        (gone("data/pg_wal"), DAMAGED),
        (empty("password"), UNKNOWN),
        (lambda folder: (folder / "password").write_bytes(b"\xff\xfe broken"), UNKNOWN),
    ],
    ids=[
        "zeroed control file", "no control file", "empty version", "no version", "no base", "no log",
        "empty password", "broken password",
    ],
)  # fmt: skip
def test_damage_gives_one_line_and_leaves_no_server(
    server: EmbeddedPostgres, damage: Callable[[Path], object], said: str
) -> None:
    damage(server.folder)
    with pytest.raises(EmbeddedError) as caught:
        server.start()
    assert str(caught.value).endswith(said.format(folder=server.folder))
    assert "\n" not in str(caught.value)
    assert server.pid is None


@pytest.mark.parametrize("text", ["", "x", "1\n", "999999999\n"])
def test_a_stale_note_of_a_process_is_no_obstacle(server: EmbeddedPostgres, text: str) -> None:
    (server.data / "postmaster.pid").write_text(text)
    os.chown(server.data / "postmaster.pid", server.data.stat().st_uid, -1)
    if text in {"", "x"}:
        # The server itself refuses such a file: it can't know whether another one runs.
        with pytest.raises(EmbeddedError, match=r"postmaster\.pid"):
            server.start()
        return
    server.start()


def test_nothing_of_a_row_stands_in_the_log(server: EmbeddedPostgres) -> None:
    server.start(("stackflow",))
    with psycopg.connect(server.url("stackflow"), autocommit=True) as connection:
        connection.execute("CREATE TABLE t (a text PRIMARY KEY, n int CHECK (n < 5), j jsonb)")
        connection.execute("INSERT INTO t VALUES (%s, 1, '{}')", (CANARY,))
        for statement, value in {
            "INSERT INTO t VALUES (%s, 1, '{}')": CANARY,
            "INSERT INTO t (a, n) VALUES (%s, 9)": CANARY + "2",
            "SELECT %s::uuid": CANARY,
            "SELECT %s::int": CANARY,
            "SELECT %s::jsonb": f'{{"a": {CANARY}}}',
            f"SELEC '{CANARY}'": None,
        }.items():
            with pytest.raises(psycopg.Error):
                connection.execute(statement.encode(), None if value is None else (value,))
        with pytest.raises(psycopg.Error), connection.cursor().copy("COPY t (a, n) FROM STDIN") as copy:
            copy.write(f"{CANARY}3\t{CANARY}\n")
    server.stop()
    log = server.log.read_text()
    assert "ready to accept connections" in log
    assert CANARY not in log


def test_the_state_is_closed_to_others_and_what_was_open_is_closed(open_folder: Path) -> None:
    stores, state = EmbeddedStores(open_folder / "state", StoreSelection(requirements=False)), open_folder / "state"
    stores.start()
    stores.stop()
    assert modes(state) == set()
    # As older versions left it.
    for path in (state / "postgres", state / "valkey"):
        path.chmod(0o755)
    names = ("postgres/server.log", "valkey/server.log", "postgres/password", "lock")
    for path in (state / name for name in names):
        path.chmod(0o644)
    assert modes(state) != set()
    stores.start()
    stores.stop()
    assert modes(state) == set()


def modes(state: Path) -> set[str]:
    """What others may read, or enter and list."""
    found = {path for path in state.rglob("*") if "data" not in path.parts}
    assert {path.name for path in found} >= {"postgres", "valkey", "server.log", "password", "lock"}
    return {str(path) for path in found if stat.S_IMODE(path.stat().st_mode) & 0o077}


def test_the_state_folder_itself_lets_others_pass_only_where_root_runs_it(open_folder: Path) -> None:
    with lock_folder(open_folder / "state"):
        assert stat.S_IMODE((open_folder / "state").stat().st_mode) == (0o700 if os.geteuid() else 0o711)
        assert stat.S_IMODE((open_folder / "state" / "lock").stat().st_mode) == 0o600


def test_a_valkey_begins_empty_whatever_stands_in_its_folder(tmp_path: Path) -> None:
    server = EmbeddedValkey(tmp_path / "valkey")
    server.folder.mkdir()
    (server.folder / "dump.rdb").write_bytes(b"REDIS0011 and what no server reads")
    (server.folder / "password").write_text("")
    (server.folder / "valkey.pid").write_text("-1 1")
    server.start()
    server.stop()
