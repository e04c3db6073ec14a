"""Builds the zip of all functions, reproducibly and without Docker: `make bundle`.

    python -m cdk.building [arm64|x86_64] [--to FOLDER] [--python PYTHON3.13]

pip installs the wheels of requirements-lambda.lock for the given machine, independent of the machine of the build. The
x86_64 variant exists to test the same lock with the real runtime client.
"""

import argparse
import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cdk import sbom
from cdk.bundle import CERTIFICATES, DIGEST_MEMBER, ROOT, sources, sources_digest

LOCK_FILE = "requirements-lambda.lock"

# The AWS name of each architecture, and its name in wheels.
MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}

# python3.13 runs on Amazon Linux 2023 with glibc 2.34. pip matches platforms literally, so the older ones that wheels
# may be tagged with are listed too.
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
GLIBCS = (28, 27, 26, 24, 17, 12, 5)
PLATFORMS = (*(f"manylinux_2_{minor}" for minor in GLIBCS), "manylinux2014", "manylinux2010", "manylinux1")

# Files that no function reads: types, C sources, and the notes of pip, which differ between machines.
EXCLUDED_SUFFIXES = frozenset({".pyi", ".pyx", ".pxd", ".pxi", ".c", ".h", ".hash", ".pyc"})
EXCLUDED_NAMES = frozenset({"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "py.typed"})
EXCLUDED_FOLDERS = frozenset({"__pycache__", "tests", "test"})
# Paths that no function needs: scripts, tests, other frameworks, other languages, Python 2, a copy of the system's time
# zones; only the backend of cffi is needed, which cryptography loads.
EXCLUDED_PATHS = (
    "bin", "aenum/_py2.py", "aenum/test*.py", "boto3/examples", "cffi", "dateutil/zoneinfo/*.tar.gz",
    "pendulum/locales/[!el_]*", "pendulum/locales/e[!n]*", "pendulum/locales/l[!o]*", "pycparser",
    *(f"strawberry/{name}" for name in (
        "aiohttp", "chalice", "channels", "cli", "codegen", "django", "fastapi", "flask", "litestar", "quart", "sanic",
    )),
    # Descriptions of boto3's resources: functions use its clients.
    "boto3/data",
    # Certificates that botocore ignores if certifi is installed.
    "botocore/cacert.pem",
    # Examples with made-up keys, which secret scanners report.
    "botocore/data/*/*/examples-1.json",
    # Extension modules with debugging symbols: aiohttp uses them only for the handshake
    # of a web socket, once per connection. Each has a Python fallback.
    "aiohttp/_http_*.so", "frozenlist/*.so", "multidict/*.so", "propcache/*.so", "yarl/*.so",
    # An event loop that no function runs, and plugins of a test framework.
    "anyio/_backends/_trio.py", "anyio/pytest_plugin.py", "aiohttp/pytest_plugin.py",
)  # fmt: skip

# The only services, of more than 400, whose API descriptions are included.
INCLUDED_AWS_SERVICES = frozenset(
    {"bedrock-agent", "bedrock-agent-runtime", "bedrock-runtime", "s3", "secretsmanager", "sqs", "sts"}
)

# The folder of the code on AWS: tracebacks contain it, and must not contain the build folder.
TASK_ROOT = "/var/task"


class BuildError(Exception):
    """The bundle cannot be built. The message is one line with the remedy."""


@dataclass(frozen=True, slots=True)
class BuildResult:
    """A zip, its SHA-256 in hexadecimal, its size and unpacked size in bytes, and its number of files."""

    path: Path
    sha256: str
    zipped: int
    unzipped: int
    files: int


def build(machine: str, folder: Path, python: Path, root: Path = ROOT) -> BuildResult:
    """Build the bundle of an architecture in `folder`. Raises BuildError if a requirement is missing.

    `python` is a CPython 3.13: bytecode depends on the minor version, but not on the machine.
    """
    with tempfile.TemporaryDirectory(prefix="stackflow-bundle-") as name:
        tree = Path(name)
        platforms = [f"--platform={each}_{MACHINES[machine]}" for each in PLATFORMS]
        _assemble(tree, python, root, platforms)
        return _zip(tree, folder / f"stackflow-lambda-{machine}.zip")


def _assemble(tree: Path, python: Path, root: Path, platforms: Sequence[str]) -> None:
    _install(tree, root, platforms)
    _strip(tree)
    # Third-party sources would be a fifth of the zip, and only tracebacks read them.
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
        elif service.is_dir():
            for description in service.glob("*/service-2.json.gz"):
                _remove_documentation(description)
    for path in sorted(tree.rglob("*")):
        if path.is_dir() and path.name in EXCLUDED_FOLDERS:
            shutil.rmtree(path)
        elif path.is_file() and (path.suffix in EXCLUDED_SUFFIXES or path.name in EXCLUDED_NAMES):
            path.unlink()


def _remove_documentation(description: Path) -> None:
    """Remove the texts of an API description, which are two thirds of it, and of which the SDK makes docstrings."""
    value = _without_documentation(json.loads(gzip.decompress(description.read_bytes())))
    description.write_bytes(gzip.compress(json.dumps(value, separators=(",", ":")).encode(), mtime=0))


def _without_documentation(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            # The SDK needs the texts of these, which are few.
            name: each if name == "clientContextParams" else _without_documentation(each)
            for name, each in value.items()
            # A member of a structure may have this name, too.
            if name != "documentation" or not isinstance(each, str)
        }
    return [_without_documentation(each) for each in value] if isinstance(value, list) else value


def _compile(tree: Path, python: Path, *options: str) -> None:
    # Unchecked hashes: the bytecode contains no time stamps, and imports do not check the source. A fixed seed, because
    # sets would otherwise differ between builds. Columns for tracebacks would be a fifth of the bytecode.
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
            # A regular file that everyone may read: functions run as another user.
            member.external_attr = 0o100644 << 16
            archive.writestr(member, file.read_bytes(), compresslevel=9)
    unfinished.replace(path)
    content = path.read_bytes()
    unzipped = sum(file.stat().st_size for file in files)
    return BuildResult(path, hashlib.sha256(content).hexdigest(), len(content), unzipped, len(files))


def find_python(named: str | None = None) -> Path:
    """Find a CPython 3.13: `named`, or this one, or one on the path, or one of pyenv's. Raises BuildError if none."""
    for candidate in [named] if named else _candidates():
        check = "import sys; sys.exit(sys.implementation.name != 'cpython' or sys.version_info[:2] != (3, 13))"
        try:
            result = subprocess.run([candidate, "-c", check], check=False, capture_output=True)  # noqa: S603
            if result.returncode == 0:
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
    yield from (str(path) for path in sorted(versions.glob("3.13.*/bin/python3.13")))


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the bundle and its SBOM; print its path, sizes in MB (10^6 bytes) and SHA-256. Returns 0 on success."""
    parser = argparse.ArgumentParser(prog="python -m cdk.building", description="Build the zip of the functions.")
    parser.add_argument("machine", nargs="?", choices=tuple(MACHINES), default="arm64")
    parser.add_argument("--to", type=Path, default=ROOT / "dist", help="the folder to write to")
    parser.add_argument("--python", help="a CPython 3.13; found automatically by default")
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
