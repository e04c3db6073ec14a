"""Named SQL statements, read from the .sql files of this package.

A file holds statements, each headed by `-- name: the_name` and at least one `-- description` line. A slot
is a comment such as `/*where*/`: the only places where text is composed into a statement, and always from
an allow-list with bound parameters.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib import resources

_HEAD = re.compile(r"^-- name: ([a-z][a-z0-9_]*)\n", re.MULTILINE)
_SLOT = re.compile(r"/\*([a-z_]+)\*/")


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement: its name, its description, its text, and the names of its slots."""

    name: str
    description: str
    text: str
    slots: frozenset[str]

    def fill_slots(self, **slots: str) -> "Statement":
        """Return the statement with SQL in its slots; missing slots become empty."""
        unknown = slots.keys() - self.slots
        if unknown:
            raise ValueError(f"statement {self.name} has no slot {', '.join(sorted(unknown))}")
        if not self.slots:
            return self
        text = _SLOT.sub(lambda match: slots.get(match.group(1), ""), self.text)
        return Statement(self.name, self.description, text, frozenset())

    def omit_columns(self, alias: str, columns: tuple[str, ...]) -> "Statement":
        """Return the statement with NULL for columns of its select list, which are written `<alias>.<column>`.

        Raises ValueError for a column that the statement does not select.
        """
        return _omit_columns(self, alias, columns) if columns else self


@lru_cache(maxsize=1_000)
def _omit_columns(statement: Statement, alias: str, columns: tuple[str, ...]) -> Statement:
    text = statement.text
    for column in columns:
        text, found = re.subn(rf"\b{alias}\.{column}\b(?! AS)", f"NULL AS {column}", text, count=1)
        if not found:
            raise ValueError(f"statement {statement.name} does not select {alias}.{column}")
    return replace(statement, text=text)


@cache
def statements(file: str) -> Mapping[str, Statement]:
    """Return all statements of a file by name: `incidents/writes` is `datasources/aurora/incidents/writes.sql`."""
    text = resources.files(__package__).joinpath(f"{file}.sql").read_text()
    pieces = _HEAD.split(text)[1:]
    result: dict[str, Statement] = {}
    for name, body in zip(pieces[::2], pieces[1::2], strict=True):
        lines = body.splitlines()
        described = [line[3:].strip() for line in lines if line.startswith("-- ")]
        sql = "\n".join(line for line in lines if not line.startswith("--")).strip().rstrip(";")
        if name in result:
            raise ValueError(f"{file}.sql has two statements named {name}")
        result[name] = Statement(name, " ".join(described), sql, frozenset(_SLOT.findall(sql)))
    return result
