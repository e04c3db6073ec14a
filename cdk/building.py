"""Builds the zip that all functions run, byte for byte the same each time, without Docker: `make bundle`.

    python -m cdk.building [arm64|x86_64] [--to FOLDER] [--python PYTHON3.13]

Wheels come from requirements-lambda.lock, by pip, for the machine that is named, whatever machine this is. The twin for
x86_64 is there to run the same lock on the real runtime client.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cdk import sbom
from cdk.bundle import CERTIFICATES, DIGEST_MEMBER, ROOT, sources, sources_digest

LOCK_FILE = "requirements-lambda.lock"

# What AWS calls an architecture, and what wheels call it.
MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}

# python3.13 runs on Amazon Linux 2023 with glibc 2.34. pip takes a platform at its word, so the older ones that its
# wheels may be named after are listed too.
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
GLIBCS = (28, 27, 26, 24, 17, 12, 5)
PLATFORMS = (*(f"manylinux_2_{minor}" for minor in GLIBCS), "manylinux2014", "manylinux2010", "manylinux1")

# What no function reads: types, sources of C, and what pip notes down, which differs from machine to machine.
EXCLUDED_SUFFIXES = frozenset({".pyi", ".pyx", ".pxd", ".pxi", ".c", ".h", ".hash", ".pyc"})
EXCLUDED_NAMES = frozenset({"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "py.typed"})
EXCLUDED_FOLDERS = frozenset({"__pycache__", "tests", "test"})
# What stands in no function's way: scripts, tests, other frameworks, other languages, Python 2, a second copy of the
# system's time zones; cffi is only wanted for its backend, which cryptography loads.
EXCLUDED_PATHS = (
    "bin", "aenum/_py2.py", "aenum/test*.py", "boto3/examples", "cffi", "dateutil/zoneinfo/*.tar.gz",
    "pendulum/locales/[!el_]*", "pendulum/locales/e[!n]*", "pendulum/locales/l[!o]*", "pycparser",
    *(f"strawberry/{name}" for name in (
        "aiohttp", "chalice", "channels", "cli", "codegen", "django", "fastapi", "flask", "litestar", "quart", "sanic",
    )),
    # Certificates that botocore itself passes over where there is certifi.
    "botocore/cacert.pem",
    # Which hold keys that are made up, at which scanners of secrets cry.
    "botocore/data/*/*/examples-1.json",
    # Compiled twins with all their debugging symbols: what aiohttp does with these is the
    # handshake of a web socket, once a connection. Each falls back to its own Python.
    "aiohttp/_http_*.so", "frozenlist/*.so", "multidict/*.so", "propcache/*.so", "yarl/*.so",
    # An event loop that no function runs, and plugins of a test framework.
    "anyio/_backends/_trio.py", "anyio/pytest_plugin.py", "aiohttp/pytest_plugin.py",
)  # fmt: skip

# The services whose descriptions botocore keeps, of more than 400.
INCLUDED_AWS_SERVICES = frozenset({"secretsmanager", "sqs", "sts"})

# Where a function's code stands on AWS: tracebacks name it, and the build's own folder must not show.
TASK_ROOT = "/var/task"


class BuildError(Exception):
    """The bundle cannot be built. The message is one line that says what to do."""


@dataclass(frozen=True, slots=True)
class BuildResult:
    """A zip, the SHA-256 of its bytes in hexadecimal, and the bytes and number of files that it unfolds into."""

    path: Path
    sha256: str
    zipped: int
    unzipped: int
    files: int


def build(machine: str, folder: Path, python: Path, root: Path = ROOT) -> BuildResult:
    """The bundle of an architecture in `folder`. BuildError if what it needs is missing.

    `python` is a CPython 3.13: bytecode is made for one minor version, and it is the same for every machine.
    """
    with tempfile.TemporaryDirectory(prefix="stackflow-bundle-") as name:
        tree = Path(name)
        platforms = [f"--platform={each}_{MACHINES[machine]}" for each in PLATFORMS]
        _assemble(tree, python, root, platforms)
        return _zip(tree, folder / f"stackflow-lambda-{machine}.zip")


def _assemble(tree: Path, python: Path, root: Path, platforms: Sequence[str]) -> None:
    _install(tree, root, platforms)
    _strip(tree)
    # Others' sources would be a fifth of the zip, and only tracebacks read them.
    _compile(tree, python, "-b")
    for path in tree.rglob("*.py"):
        path.unlink()
    for source in sources(root):
        copy = tree / source.relative_to(root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy)
    (tree / LOCK_FILE).unlink()
    (tree / DIGEST_MEMBER).write_text(sources_digest(root) + "\n")
    _compile(tree, python)


def _install(tree: Path, root: Path, platforms: Sequence[str]) -> None:
    command = [
        sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
        "--root-user-action=ignore", "--no-compile", "--no-deps", "--require-hashes", "--only-binary=:all:",
        "--implementation=cp", "--python-version=3.13", *platforms, f"--target={tree}",
        f"--requirement={root / LOCK_FILE}",
    ]  # fmt: skip
    if subprocess.run(command, check=False).returncode:  # noqa: S603
        raise BuildError(f"the wheels of {LOCK_FILE} cannot be installed; pip says why above")


def _strip(tree: Path) -> None:
    for pattern in EXCLUDED_PATHS:
        for path in tree.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for service in (tree / "botocore" / "data").iterdir():
        if service.is_dir() and service.name not in INCLUDED_AWS_SERVICES:
            shutil.rmtree(service)
    for path in sorted(tree.rglob("*")):
        if path.is_dir() and path.name in EXCLUDED_FOLDERS:
            shutil.rmtree(path)
        elif path.is_file() and (path.suffix in EXCLUDED_SUFFIXES or path.name in EXCLUDED_NAMES):
            path.unlink()


def _compile(tree: Path, python: Path, *options: str) -> None:
    # Unchecked: nothing of the build's time gets in, and an import asks the disk for no source's date. Under one seed,
    # or sets would come out differently. Columns in lines of a traceback would be a fifth of the bytecode.
    command = [
        str(python), "-X", "no_debug_ranges", "-m", "compileall", *options, "-q", "-f",
        "--invalidation-mode", "unchecked-hash", "-s", str(tree), "-p", TASK_ROOT, str(tree),
    ]  # fmt: skip
    seeded = os.environ | {"PYTHONHASHSEED": "0"}
    done = subprocess.run(command, check=False, env=seeded, stdout=sys.stderr)  # noqa: S603
    if done.returncode:
        raise BuildError("the bytecode cannot be made; the compiler says why above")


def _zip(tree: Path, path: Path) -> BuildResult:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    files = sorted((each for each in tree.rglob("*") if each.is_file()), key=lambda each: each.relative_to(tree).parts)
    with zipfile.ZipFile(unfinished, "w") as archive:
        for file in files:
            member = zipfile.ZipInfo(file.relative_to(tree).as_posix())
            member.compress_type, member.create_system = zipfile.ZIP_DEFLATED, 3
            # A regular file that everyone may read: functions run as a user of their own.
            member.external_attr = 0o100644 << 16
            archive.writestr(member, file.read_bytes(), compresslevel=9)
    unfinished.replace(path)
    content = path.read_bytes()
    unzipped = sum(file.stat().st_size for file in files)
    return BuildResult(path, hashlib.sha256(content).hexdigest(), len(content), unzipped, len(files))


def find_python(named: str | None = None) -> Path:
    """A CPython 3.13: the one that is named, or this one, one on the path, or one of pyenv's. BuildError if none."""
    for candidate in [named] if named else _candidates():
        asked = "import sys; sys.exit(sys.implementation.name != 'cpython' or sys.version_info[:2] != (3, 13))"
        try:
            found = subprocess.run([candidate, "-c", asked], check=False, capture_output=True)  # noqa: S603
            if found.returncode == 0:
                return Path(candidate)
        except OSError:
            continue
    raise BuildError(
        f"{named} is no CPython 3.13" if named else "no CPython 3.13 is found; install one, or name it: "
        "make bundle PYTHON313=/path/to/python3.13"
    )  # fmt: skip


def _candidates() -> Iterator[str]:
    yield sys.executable
    yield "python3.13"
    versions = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    yield from (str(found) for found in sorted(versions.glob("3.13.*/bin/python3.13")))


def main(arguments: Sequence[str] | None = None) -> int:
    """0 once the bundle stands with its bill of materials; prints where, its megabytes (10^6 bytes) and its SHA-256."""
    parser = argparse.ArgumentParser(prog="python -m cdk.building", description="Build the zip of the functions.")
    parser.add_argument("machine", nargs="?", choices=tuple(MACHINES), default="arm64")
    parser.add_argument("--to", type=Path, default=ROOT / "dist", help="the folder to write to")
    parser.add_argument("--python", help="a CPython 3.13; looked for if not given")
    parser.add_argument("--which", action="store_true", help="only print the CPython 3.13 that would be used")
    chosen = parser.parse_args(arguments)
    try:
        python = find_python(chosen.python)
        if chosen.which:
            print(python)
            return 0
        built = build(chosen.machine, chosen.to, python)
        if not (ROOT / CERTIFICATES).is_file():
            print(
                f"bundle: {CERTIFICATES} is missing, so these functions reach no Aurora; `make bundle` takes it along",
                file=sys.stderr,
            )
    except BuildError as error:
        print(f"bundle: {error}", file=sys.stderr)
        return 1
    print(f"{built.path}: {built.zipped / 1e6:.1f} MB zipped, {built.unzipped / 1e6:.1f} MB in {built.files} files")
    print(f"sha256 {built.sha256}")
    print(sbom.write(built.path, built.sha256))
    return 0


if __name__ == "__main__":
    sys.exit(main())
