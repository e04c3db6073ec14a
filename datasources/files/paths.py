"""Finds the files of a mapping below the data folder, by name or by pattern."""

from pathlib import Path

from datasources.files.errors import MappingError

# Files that one pattern may match.
MAX_FILES = 10_000
_FORMATS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
}


def find_files(folder: Path, path: str, mapping: str) -> list[tuple[str, Path]]:
    """Return each file with its path below the folder, ordered by name. A named file need not exist yet.

    Raise MappingError if a pattern matches nothing, or for a path outside of the folder, also by a symbolic link.
    """
    by_name = False
    try:
        literal = folder / path
        if not any(sign in path for sign in "*?[") or literal.exists():
            files, by_name = [literal], True
        else:
            files = sorted(each for each in folder.glob(path) if each.is_file())
            if not files:
                raise MappingError(f"{mapping}: no file below {folder} matches {path}; check --data and the path")
            if len(files) > MAX_FILES:
                raise MappingError(f"{mapping}: {path} matches more than {MAX_FILES:,} files; narrow it")
        base = folder.resolve()
        for each in files:
            if not each.resolve().is_relative_to(base):
                raise MappingError(f"{mapping}: {path} leads out of the data folder; move the file or give --data")
            if each.exists() and not each.is_file():
                raise MappingError(f"{mapping}: {path} is not a file; for the files in a folder write {path}/*.csv")
    # A pattern from the root, a name that is too long, a circular link.
    except (NotImplementedError, ValueError, OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise MappingError(f"{mapping}: {path} can't be read: {reason}; check --data and the path") from error
    return [(path if by_name else each.relative_to(folder).as_posix(), each) for each in files]


def detect_format(path: Path, mapping: str) -> str:
    """Return the format by a file's name. Raise MappingError if the name does not determine it."""
    name = path.name.lower()
    suffix = Path(name.removesuffix(".gz")).suffix
    format_name = _FORMATS.get(suffix)
    if format_name is None:
        remedy = "save it as .xlsx" if suffix in {".xls", ".xlsb", ".ods"} else "give format"
        raise MappingError(f"{mapping}: the format of {path.name} is not known by its name; {remedy}")
    return format_name
