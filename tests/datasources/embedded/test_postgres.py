"""One embedded PostgreSQL: whose processes it ends, where it puts its files, and what it says when it can't run."""

import errno
import os
import pwd
import subprocess
from pathlib import Path

import psycopg
import pytest

from datasources.embedded import process
from datasources.embedded import run_as as identity
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.embedded.process import EmbeddedError, load_or_create_secret

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root lends its server another user")


def test_a_process_that_only_has_the_number_of_the_server_is_left_alone(open_folder: Path) -> None:
    server = EmbeddedPostgres(open_folder / "postgres")
    server.start()
    server.stop()
    with subprocess.Popen(["sleep", "60"]) as foreign:
        try:
            (server.data / "postmaster.pid").write_text(f"{foreign.pid}\n{server.data}\n0\n1\n\n\n")
            server.start()
            server.stop()
            assert foreign.poll() is None
        finally:
            foreign.kill()


def test_an_initdb_that_was_cut_off_is_begun_anew(open_folder: Path) -> None:
    half = open_folder / "postgres" / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    server = EmbeddedPostgres(open_folder / "postgres")
    server.start(("stackflow",))
    server.stop()
    assert not half.exists()


def test_data_of_another_major_give_one_line(open_folder: Path) -> None:
    server = EmbeddedPostgres(open_folder / "postgres")
    server.start()
    server.stop()
    (server.data / "PG_VERSION").write_text("11\n")
    with pytest.raises(EmbeddedError) as caught:
        server.start()
    assert str(caught.value) == (
        "embedded PostgreSQL did not start: database files are incompatible with server; "
        f"the data are of another major version: move {server.folder} away to begin with empty data"
    )


def test_a_lost_password_gives_one_line_and_leaves_no_server(open_folder: Path) -> None:
    server = EmbeddedPostgres(open_folder / "postgres")
    server.start()
    server.stop()
    (server.folder / "password").unlink()
    with pytest.raises(EmbeddedError, match=r"refuses the password in .*/password; put the old file back") as caught:
        server.start()
    assert "\n" not in str(caught.value)
    assert server.pid is None


def test_programs_that_cannot_run_give_one_line(open_folder: Path) -> None:
    broken = open_folder / "install" / "bin"
    broken.mkdir(parents=True)
    for name in ("initdb", "postgres"):
        (broken / name).write_text(
            "#!/bin/sh\n"
            f"echo '{name}: error while loading shared libraries: libxml2.so.2: cannot open shared object file' >&2\n"
            "exit 127\n"
        )
        (broken / name).chmod(0o755)
    with pytest.raises(EmbeddedError) as caught:
        EmbeddedPostgres(open_folder / "postgres", broken).start()
    assert str(caught.value) == (
        "initdb failed: initdb: error while loading shared libraries: libxml2.so.2: cannot open shared object file; "
        "install that library, or set DATABASE_URL and REQUIREMENTS_URL to a server of your own"
    )


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "free some disk space, or set STACKFLOW_STATE to a folder on another disk"),
        (errno.EROFS, "make it writable for you, or set STACKFLOW_STATE to a folder that is"),
        (errno.EACCES, "make it writable for you, or set STACKFLOW_STATE to a folder that is"),
    ],
)
def test_a_file_system_that_says_no_gives_one_line(number: int, remedy: str) -> None:
    with pytest.raises(EmbeddedError) as caught, process.explain_write_errors(Path("state")):
        raise OSError(number, os.strerror(number), "state/lock")
    assert str(caught.value) == f"state/lock: {os.strerror(number)}; {remedy}"


def test_a_secret_is_made_once_and_only_we_can_read_it(tmp_path: Path) -> None:
    first = load_or_create_secret(tmp_path / "password")
    assert len(first) == 48
    assert load_or_create_secret(tmp_path / "password") == first
    assert (tmp_path / "password").stat().st_mode & 0o777 == 0o600


@ROOT
def test_below_a_folder_closed_to_others_data_and_programs_stand_elsewhere(
    open_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o700)
    monkeypatch.setattr(identity, "CLOSED_HOME", open_folder / "elsewhere")
    server = EmbeddedPostgres(tmp_path / "state" / "postgres")
    server.start(("stackflow",))
    try:
        with psycopg.connect(server.url("stackflow")) as connection:
            connection.execute("CREATE TABLE kept (number int)")
    finally:
        server.stop()
    link = tmp_path / "state" / "postgres"
    assert link.is_symlink()
    assert link.resolve().parent == open_folder / "elsewhere"
    again = EmbeddedPostgres(link)
    again.start()
    try:
        with psycopg.connect(again.url("stackflow")) as connection:
            assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)
    finally:
        again.stop()


@ROOT
def test_programs_below_a_closed_folder_are_copied_with_their_libraries(
    open_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity, "CLOSED_HOME", open_folder / "elsewhere")
    package = tmp_path / "closed" / "package"
    (package / "install" / "bin").mkdir(parents=True)
    (package / "install" / "bin" / "postgres").write_text("#!/bin/sh\n")
    (package / "install" / "bin" / "postgres").chmod(0o755)
    libraries = tmp_path / "closed" / "package.libs"
    libraries.mkdir()
    (libraries / "libpq.so").write_text("library")
    (tmp_path / "closed").chmod(0o700)
    where = identity.prepare_paths(open_folder / "postgres", package / "install")
    assert where.binaries.is_relative_to(open_folder / "elsewhere" / "programs")
    assert where.run_as.can_execute(where.binaries / "postgres")
    assert where.folder == open_folder / "postgres"
    assert (where.binaries.parents[2] / "package.libs" / "libpq.so").read_text() == "library"


@ROOT
def test_root_lends_the_owner_of_the_folder_or_nobody_if_that_has_no_name(open_folder: Path) -> None:
    daemon, nobody = pwd.getpwnam("daemon"), pwd.getpwnam("nobody")
    os.chown(open_folder, daemon.pw_uid, daemon.pw_gid)
    assert identity.resolve_user(open_folder / "not" / "there") == identity.RunAsUser(daemon.pw_uid, daemon.pw_gid)
    for nameless in (0, 54_321):
        os.chown(open_folder, nameless, nameless)
        assert identity.resolve_user(open_folder) == identity.RunAsUser(nobody.pw_uid, nobody.pw_gid)
