"""Prints the table of docs/settings.md from the declarations: python -m settings."""

from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from enum import StrEnum
from typing import Any

from datasources.config import SecretReference, SigV4Signing
from datasources.variables import Variable
from settings.models import Settings
from settings.variables import declared_fields

HEAD = "| variable | meaning | default | bounds |\n|---|---|---|---|\n"


def table() -> str:
    """Return the table: a row for each variable, in the order of the fields."""
    return HEAD + "".join(f"| `{name}` | {' | '.join(cells)} |\n" for name, cells in dict(_rows(Settings)).items())


def _rows(kind: type) -> Iterator[tuple[str, tuple[str, str, str]]]:
    defaults = {each.name: each.default for each in fields(kind)}
    for name, plain, variable in declared_fields(kind):
        if variable is not None:
            default = variable.default or _default(plain, defaults[name])
            yield variable.name, (variable.meaning, default, variable.values or _values(plain, variable))
        if isinstance(plain, type) and is_dataclass(plain):
            yield from _rows(plain)


def _default(kind: Any, value: Any) -> str:
    if kind in {bool, SigV4Signing}:
        return "on" if value else "off"
    if value in {None, "", MISSING}:
        return "none"
    return f"{value:.12g}" if kind in {int, float} else f"`{value}`"


def _values(kind: Any, variable: Variable) -> str:
    if variable.schemes:
        schemes = " or ".join(f"`{scheme}`" for scheme in variable.schemes)
        return f"{schemes} URL, or `{variable.none}`" if variable.none else f"{schemes} URL"
    if kind in {int, float}:
        return f"{variable.minimum:.12g} to {variable.maximum:.12g}"
    if kind in {bool, SigV4Signing}:
        return "on or off"
    if kind is SecretReference:
        return "ARN of a secret"
    return ", ".join(f"`{value}`" for value in kind) if issubclass(kind, StrEnum) else "any text"


if __name__ == "__main__":
    print(table(), end="")
