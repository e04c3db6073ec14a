"""Who an embedded PostgreSQL runs as, and where its files may stand: it refuses root, so root lends it another user.

An ordinary user runs it as themselves, in the state folder. For root it runs as the owner of the state folder, or
as 'nobody' if that is root too. That user must be able to reach both the data and the programs. Below a closed
folder such as /root it can't; then both live in CLOSED_HOME/<hash of the folder>, and the state folder holds a link.
"""

import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from datasources.embedded.process import writing

# 'nobody' on every Linux, and unused on macOS, where 'nobody' is -2: either way a user that owns nothing else.
NOBODY = 65534
CLOSED_HOME = Path("/var/lib/stackflow")


class Lent(TypedDict, total=False):
    """What `subprocess` needs to start a program as another user."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class Identity:
    """A user to run as; None is whoever we are."""

    user: int | None = None
    group: int | None = None

    @property
    def lent(self) -> Lent:
        if self.user is None or self.group is None:
            return {}
        return {"user": self.user, "group": self.group, "extra_groups": []}

    def own(self, *paths: Path) -> None:
        """Give files to this user."""
        if self.user is not None and self.group is not None:
            for path in paths:
                os.chown(path, self.user, self.group)

    def reaches(self, folder: Path, program: Path) -> bool:
        """Whether this user can enter the folder and execute the program. Asked of the kernel: modes are not all."""
        if self.user is None:
            return True
        done = subprocess.run(  # noqa: S603
            ["/bin/sh", "-c", 'cd "$1" && test -x "$2"', "sh", str(folder), str(program)],
            cwd="/", capture_output=True, check=False, **self.lent,
        )  # fmt: skip
        return done.returncode == 0


def identity(folder: Path) -> Identity:
    """Who the server of this data folder runs as. A folder that is not there yet counts as its parent does."""
    if os.geteuid() != 0:
        return Identity()
    while not folder.exists():
        folder = folder.parent
    owner = folder.stat()
    return Identity(owner.st_uid, owner.st_gid) if owner.st_uid else Identity(NOBODY, NOBODY)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server's files stand, and who it runs as."""

    folder: Path
    binaries: Path
    identity: Identity


def place(folder: Path, installation: Path) -> Place:
    """Make the folder, or its stand-in if the server's user can't reach it. `installation` holds bin/postgres.

    EmbeddedError if neither can be made. Also copies or links the programs when they can't be reached.
    """
    with writing(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        if folder.is_symlink():
            # It decides even if the state folder has moved since, for the data is where it was.
            folder.resolve().mkdir(parents=True, exist_ok=True)
        who = identity(folder.resolve())
        if not folder.exists():
            folder.mkdir(mode=0o755)
            who.own(folder)
        if who.reaches(folder, installation / "bin" / "postgres"):
            return Place(folder.resolve(), installation / "bin", who)
        if not folder.is_symlink():
            home = CLOSED_HOME / hashlib.sha256(str(folder).encode()).hexdigest()[:12]
            home.mkdir(mode=0o755, parents=True, exist_ok=True)
            _stand_in(folder, home)
            who = identity(home)
            who.own(home)
        home = folder.resolve()
        return Place(home, _programs(installation, home.parent / "programs", who) / "bin", who)


def _stand_in(folder: Path, home: Path) -> None:
    # A folder that became unreachable after data were written moves as a whole.
    for entry in folder.iterdir():
        shutil.move(entry, home / entry.name)
    folder.rmdir()
    folder.symlink_to(home)


def _programs(installation: Path, home: Path, who: Identity) -> Path:
    if who.reaches(Path("/"), installation / "bin" / "postgres"):
        return installation
    # The programs find their libraries beside the package, so both are laid side by side, named by the version.
    package = installation.parent
    stamp = (installation / "bin" / "postgres").stat()
    target = home / f"{stamp.st_size}-{int(stamp.st_mtime)}"
    if not target.exists():
        new = target.with_name(f"{target.name}.new-{os.getpid()}")
        for source in (package, package.with_name(f"{package.name}.libs")):
            if source.exists():
                shutil.copytree(source, new / source.name, symlinks=True)
        new.replace(target)
    return target / package.name / installation.name
