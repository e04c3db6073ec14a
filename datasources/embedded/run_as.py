"""The user and the paths of an embedded PostgreSQL. It refuses to run as root, so under root it gets another user.

An ordinary user runs it as themselves, in the state folder. Under root it runs as the owner of the state folder, or
as 'nobody' if that is root too, or has no name. That user must be able to reach the data and the programs, which it
cannot in a private folder such as /root. Then the data are in CLOSED_HOME/<hash of the folder>, the state folder has a
link to them, and the programs are copied to CLOSED_HOME/programs.
"""

import hashlib
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from datasources.embedded.process import explain_write_errors, restrict_permissions

CLOSED_HOME = Path("/var/lib/stackflow")


class SubprocessOptions(TypedDict, total=False):
    """The arguments of `subprocess` to start a program as another user."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class RunAsUser:
    """A user to run as; None means the current user."""

    user: int | None = None
    group: int | None = None

    @property
    def subprocess_options(self) -> SubprocessOptions:
        if self.user is None or self.group is None:
            return {}
        return {"user": self.user, "group": self.group, "extra_groups": []}

    def take_ownership(self, *paths: Path) -> None:
        """Make this user the owner of files."""
        if self.user is not None and self.group is not None:
            for path in paths:
                os.chown(path, self.user, self.group)

    def can_enter(self, folder: Path) -> bool:
        """Return whether this user can enter the folder."""
        return self._check('cd "$1"', folder)

    def can_execute(self, program: Path) -> bool:
        """Return whether this user can execute the program."""
        return self._check('test -x "$1"', program)

    def _check(self, question: str, path: Path) -> bool:
        # Let the kernel decide, because file modes are not the only criterion.
        if self.user is None:
            return True
        done = subprocess.run(  # noqa: S603
            ["/bin/sh", "-c", question, "sh", str(path)],
            cwd="/",
            capture_output=True,
            check=False,
            **self.subprocess_options,
        )
        return done.returncode == 0


def resolve_user(folder: Path) -> RunAsUser:
    """Return the user for the server of this data folder. For a missing folder its nearest existing parent counts."""
    if os.geteuid() != 0:
        return RunAsUser()
    while not folder.exists():
        folder = folder.parent
    owner = folder.stat().st_uid
    try:
        # initdb rejects a user without a name, such as the owner of a folder that was mounted into a container.
        entry = pwd.getpwuid(owner) if owner else pwd.getpwnam("nobody")
    except KeyError:
        entry = pwd.getpwnam("nobody")
    return RunAsUser(entry.pw_uid, entry.pw_gid)


@dataclass(frozen=True, slots=True)
class ServerPaths:
    """A server's paths and user."""

    folder: Path
    binaries: Path
    run_as: RunAsUser


def prepare_paths(folder: Path, installation: Path) -> ServerPaths:
    """Create the folder, or its replacement if the server's user cannot enter it. `installation` contains bin/postgres.

    Copies the programs if that user cannot execute them. Raises EmbeddedError if a folder cannot be created.
    """
    with explain_write_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        # An existing link wins, even if the state folder was moved: the data are still at its target.
        home = folder.resolve()
        home.mkdir(mode=0o755, parents=True, exist_ok=True)
        user = resolve_user(home)
        if not folder.is_symlink() and not user.can_enter(folder):
            home = CLOSED_HOME / hashlib.sha256(str(folder).encode()).hexdigest()[:12]
            home.mkdir(mode=0o755, parents=True, exist_ok=True)
            _move_folder(folder, home)
            user = resolve_user(home)
        user.take_ownership(home)
        restrict_permissions(home)
        return ServerPaths(home, _install_programs(installation, user) / "bin", user)


def _move_folder(folder: Path, home: Path) -> None:
    # A folder that became unreachable after data were written is moved as a whole.
    for entry in folder.iterdir():
        shutil.move(entry, home / entry.name)
    folder.rmdir()
    folder.symlink_to(home)


def _install_programs(installation: Path, user: RunAsUser) -> Path:
    if user.can_execute(installation / "bin" / "postgres"):
        return installation
    # The programs load libraries from a folder next to the package, so both are copied, named by version.
    package = installation.parent
    stamp = (installation / "bin" / "postgres").stat()
    target = CLOSED_HOME / "programs" / f"{stamp.st_size}-{int(stamp.st_mtime)}"
    if not target.exists():
        new = target.with_name(f"{target.name}.new-{os.getpid()}")
        for source in (package, package.with_name(f"{package.name}.libs")):
            if source.exists():
                shutil.copytree(source, new / source.name, symlinks=True)
        new.replace(target)
    return target / package.name / installation.name
