"""The zip of all functions: it must exist, and be built from the current sources."""

import hashlib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]

# The parts of this repository in the bundle; the lock file represents the dependencies.
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

# The certificates with which functions verify Aurora: see cdk/certificates.py.
CERTIFICATES = "certificates/rds-global-bundle.pem"

# Sources that are not in the bundle: the embedded stores, and what only commands do, which are imports of files and
# rebuilding the graph. Functions import each of their modules when they start, so a missing one fails its tests.
EXCLUDED_SOURCES = (
    "datasources/embedded",
    "datasources/aurora/documents/writes.py",
    "datasources/aurora/documents/writes.sql",
    "datasources/aurora/imports",
    "datasources/documents/errors.py",
    "datasources/documents/files.py",
    "datasources/documents/front_matter.py",
    "datasources/documents/html.py",
    "datasources/files/entities.py",
    "datasources/files/formats/csv_rows.py",
    "datasources/files/formats/documents.py",
    "datasources/files/formats/encodings.py",
    "datasources/files/formats/readers.py",
    "datasources/files/formats/workbooks.py",
    "datasources/files/hints.py",
    "datasources/files/mapping.py",
    "datasources/files/mappings/columns.py",
    "datasources/files/mappings/conditions.py",
    "datasources/files/mappings/lookups.py",
    "datasources/files/mappings/mapping_files.py",
    "datasources/files/mappings/patterns.py",
    "datasources/files/mappings/times.py",
    "datasources/files/mappings/transforms.py",
    "datasources/files/paths.py",
    "datasources/files/records.py",
    "datasources/files/staging.py",
    "datasources/graph/gremlin/bulk",
    "resolvers/documents/importing.py",
    "resolvers/imports/report.py",
    "resolvers/imports/run.py",
    "resolvers/projection/bulk.py",
    "resolvers/projection/checkpoint.py",
    "resolvers/projection/rebuild.py",
    "schema/schema.graphql",
    "settings/__main__.py",
)

# The member with the digest of the sources, in hexadecimal, which the build writes.
DIGEST_MEMBER = "sources.sha256"

# The pseudo key for a stub in the list of open keys.
STUB = "bundle"

BUILD_HINT = "build it with `make bundle`"


class BundleError(Exception):
    """The bundle is missing or outdated. The message contains the command to run."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A zip and the SHA-256 of its bytes, in hexadecimal."""

    path: Path
    sha256: str


def sources_digest(root: Path = ROOT) -> str:
    """Return the SHA-256 of the paths and contents of all sources, in order of path."""
    digest = hashlib.sha256()
    for path in sources(root):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(root).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def sources(root: Path = ROOT) -> list[Path]:
    """Return the files of this repository in the bundle, with the lock file, in order of path."""
    excluded = [root / name for name in EXCLUDED_SOURCES]
    return sorted(path for path in _files(root) if not any(path.is_relative_to(each) for each in excluded))


def _files(root: Path) -> Iterator[Path]:
    for name in SOURCES:
        path = root / name
        if path.is_dir():
            yield from (each for each in path.rglob("*") if each.is_file() and "__pycache__" not in each.parts)
        else:
            yield path


def load_bundle(path: Path, root: Path = ROOT) -> Bundle:
    """Load the bundle and verify that it was built from the current sources. Raises BundleError."""
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
    """Write a reproducible zip that replaces the bundle in templates that are not deployed."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "stub.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(zipfile.ZipInfo("app.py"), '"""Stands for the bundle."""\n')
    return Bundle(path, _sha256(path))


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    print(sources_digest())
