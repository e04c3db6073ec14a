"""Who an embedded PostgreSQL runs as, and where its files may stand: it refuses root, so root lends it another user.

An ordinary user runs it as themselves, in the state folder. For root it runs as the owner of the state folder, or
as 'nobody' if that is root too, or has no name. That user must reach the data and the programs, which below a closed
folder such as /root it can't. Then the data live in CLOSED_HOME/<hash of the folder>, the state folder holds a link
to them, and the programs are copied to CLOSED_HOME/programs.
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
    """What `subprocess` needs to start a program as another user."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class RunAsUser:
    """A user to run as; None is whoever we are."""

    user: int | None = None
    group: int | None = None

    @property
    def subprocess_options(self) -> SubprocessOptions:
        if self.user is None or self.group is None:
            return {}
        return {"user": self.user, "group": self.group, "extra_groups": []}

    def take_ownership(self, *paths: Path) -> None:
        """Give files to this user."""
        if self.user is not None and self.group is not None:
            for path in paths:
                os.chown(path, self.user, self.group)

    def can_enter(self, folder: Path) -> bool:
        """Whether this user can enter the folder."""
        return self._check('cd "$1"', folder)

    def can_execute(self, program: Path) -> bool:
        """Whether this user can execute the program."""
        return self._check('test -x "$1"', program)

    def _check(self, question: str, path: Path) -> bool:
        # The kernel is asked, for modes are not all that decides.
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
    """Who the server of this data folder runs as. A folder that is not there yet counts as its parent does."""
    if os.geteuid() != 0:
        return RunAsUser()
    while not folder.exists():
        folder = folder.parent
    owner = folder.stat().st_uid
    try:
        # initdb refuses a user without a name, such as the owner of a folder that a container was lent.
        found = pwd.getpwuid(owner) if owner else pwd.getpwnam("nobody")
    except KeyError:
        found = pwd.getpwnam("nobody")
    return RunAsUser(found.pw_uid, found.pw_gid)


@dataclass(frozen=True, slots=True)
class ServerPaths:
    """Where a server's files stand, and who it runs as."""

    folder: Path
    binaries: Path
    run_as: RunAsUser


def prepare_paths(folder: Path, installation: Path) -> ServerPaths:
    """Make the folder, or its stand-in if the server's user can't enter it. `installation` holds bin/postgres.

    Copies the programs if that user can't execute them. EmbeddedError if a folder can't be made.
    """
    with explain_write_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        # A link decides, also when the state folder has moved since: the data are where they were.
        home = folder.resolve()
        home.mkdir(mode=0o755, parents=True, exist_ok=True)
        who = resolve_user(home)
        if not folder.is_symlink() and not who.can_enter(folder):
            home = CLOSED_HOME / hashlib.sha256(str(folder).encode()).hexdigest()[:12]
            home.mkdir(mode=0o755, parents=True, exist_ok=True)
            _move_folder(folder, home)
            who = resolve_user(home)
        who.take_ownership(home)
        restrict_permissions(home)
        return ServerPaths(home, _install_programs(installation, who) / "bin", who)


def _move_folder(folder: Path, home: Path) -> None:
    # A folder that became unreachable after data were written moves as a whole.
    for entry in folder.iterdir():
        shutil.move(entry, home / entry.name)
    folder.rmdir()
    folder.symlink_to(home)


def _install_programs(installation: Path, who: RunAsUser) -> Path:
    if who.can_execute(installation / "bin" / "postgres"):
        return installation
    # The programs find their libraries beside the package, so both are laid side by side, named by the version.
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
