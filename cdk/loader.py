"""Loads and validates an environment file; each fault is reported with its key and the remedy."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from cdk import cross_checks, keys
from cdk.collisions import find_collisions
from cdk.environment import Environment


class EnvironmentFileError(Exception):
    """An environment file cannot be used. The message names the file, the key and the remedy."""


@dataclass(frozen=True, slots=True)
class EnvironmentFile:
    """An environment and the keys of its file that are still `?`, in the order of the file."""

    environment: Environment
    open_keys: tuple[str, ...]
    # The parsed file.
    table: dict[str, Any]


def load_environment(path: Path) -> EnvironmentFile:
    """Load the environment of a file. Raises EnvironmentFileError with all faults at once."""
    table = _table(path)
    faults = keys.find_faults(table)
    if faults:
        raise EnvironmentFileError("\n".join(f"{path}: {fault}" for fault in faults))
    environment: Environment = msgspec.convert(keys.fill_placeholders(table), Environment)
    open_ = tuple(keys.find_open_keys(table))
    faults = [*cross_checks.find_faults(environment, open_), *_check_siblings(path, environment, table)]
    if faults:
        raise EnvironmentFileError("\n".join(f"{path}: {fault}" for fault in faults))
    return EnvironmentFile(environment, open_, table)


def _table(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except FileNotFoundError as error:
        raise EnvironmentFileError(f"{path}: no such file; name one of cdk/environments") from error
    except tomllib.TOMLDecodeError as error:
        raise EnvironmentFileError(f"{path}: not TOML: {error}") from error


def _check_siblings(path: Path, environment: Environment, table: dict[str, Any]) -> list[str]:
    """Return conflicts with the other files of the folder: the environment name, and the names of resources."""
    others = {other.name: _table(other) for other in sorted(path.parent.glob("*.toml")) if other.name != path.name}
    faults = [
        f"name: {other} is called {environment.name} too; each needs a name of its own"
        for other, other_table in others.items()
        if other_table.get("name") == environment.name
    ]
    faults += find_collisions(table, others)
    if path.stem != environment.name:
        faults.append(f"name: {environment.name!r} in {path.name}; a file is called as its environment, rename either")
    return faults
