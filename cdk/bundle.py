"""The zip that all functions run: it must be there, and made from the sources that stand here."""

import hashlib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]

# What goes into the bundle from this repository; the lock stands for what comes from elsewhere.
SOURCES = (
    "app.py",
    "settings",
    "schema",
    "resolvers",
    "datasources",
    "workers",
    "certificates",
    "requirements-lambda.lock",
)

# By which functions trust Aurora: see cdk/certificates.py.
CERTIFICATES = "certificates/rds-global-bundle.pem"

# What of them stays at home: the stores that a laptop starts.
EXCLUDED_SOURCES = ("datasources/embedded",)

# The member that whoever builds the bundle writes: `digest` of the sources it was built from, in hexadecimal.
DIGEST_MEMBER = "sources.sha256"

# The key by which a stub counts as a value left open.
STUB = "bundle"

BUILD_HINT = "build it with `make bundle`"


class BundleError(Exception):
    """The bundle is missing or does not hold the present code. The message says what to run."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A zip and the SHA-256 of its bytes, in hexadecimal."""

    path: Path
    sha256: str


def sources_digest(root: Path = ROOT) -> str:
    """SHA-256 over the paths and bytes of all sources, in order of their paths. What it does not know is no source."""
    whole = hashlib.sha256()
    for path in sources(root):
        content = path.read_bytes()
        whole.update(f"{path.relative_to(root).as_posix()}\0{len(content)}\0".encode())
        whole.update(content)
    return whole.hexdigest()


def sources(root: Path = ROOT) -> list[Path]:
    """The files of this repository that the bundle holds, the lock among them, in order of their paths."""
    left_out = [root / name for name in EXCLUDED_SOURCES]
    return sorted(path for path in _files(root) if not any(path.is_relative_to(each) for each in left_out))


def _files(root: Path) -> Iterator[Path]:
    for name in SOURCES:
        path = root / name
        if path.is_dir():
            yield from (each for each in path.rglob("*") if each.is_file() and "__pycache__" not in each.parts)
        else:
            yield path


def load_bundle(path: Path, root: Path = ROOT) -> Bundle:
    """The bundle, once it is made sure that it holds the present sources. BundleError otherwise."""
    if not path.is_file():
        raise BundleError(f"functions.bundle: {path} does not exist; {BUILD_HINT}")
    try:
        with zipfile.ZipFile(path) as archive:
            built_from = archive.read(DIGEST_MEMBER).decode().strip()
    except zipfile.BadZipFile as error:
        raise BundleError(f"functions.bundle: {path} is no zip; {BUILD_HINT}") from error
    except KeyError as error:
        raise BundleError(
            f"functions.bundle: {path} does not say what it was built from ({DIGEST_MEMBER}); {BUILD_HINT}"
        ) from error
    if built_from != sources_digest(root):
        raise BundleError(f"functions.bundle: {path} was built from other sources than these; {BUILD_HINT}")
    return Bundle(path, _sha256(path))


def write_stub(folder: Path) -> Bundle:
    """A zip of the same bytes each time that stands for the bundle where none is to be deployed."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "stub.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(zipfile.ZipInfo("app.py"), '"""Stands for the bundle."""\n')
    return Bundle(path, _sha256(path))


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    print(sources_digest())
