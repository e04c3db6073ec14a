"""Look-ups: columns of other files as tables in memory, read once for all sections."""

from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from datasources.files.errors import MappingError
from datasources.files.formats.readers import FileReader
from datasources.files.mapping import Lookup, Mapping
from datasources.files.mappings.columns import as_text, compile_column
from datasources.files.rejects import InvalidRow, shorten

# Limits of one table in memory: rows, and characters of keys and values.
MAX_ROWS = 1_000_000
MAX_CHARACTERS = 128 * 1_048_576


@dataclass(slots=True)
class LookupTable:
    """Values by key. `unreadable` is the reason of the first row that could not be read, or empty."""

    label: str
    values: AnyMapping[str, Any]
    unreadable: str = ""


@dataclass(slots=True)
class Lookups:
    """The tables of one import, each read when a section first needs it."""

    mapping: Mapping
    folder: Path
    name: str
    _tables: dict[tuple[str, str, str], LookupTable] = field(default_factory=dict)

    def table(self, lookup: Lookup, place: str) -> LookupTable:
        """Return the table of a look-up. Raise MappingError if its file is unreadable, too large, or ambiguous."""
        name = (lookup.file, lookup.key, lookup.value)
        if name not in self._tables:
            self._tables[name] = self._read(lookup, place)
        return self._tables[name]

    def _read(self, lookup: Lookup, place: str) -> LookupTable:
        reader = FileReader(self.mapping.files[lookup.file], self.folder, self.name)
        wanted = [(lookup.key, f"{place}.lookup.key"), (lookup.value, f"{place}.lookup.value")]
        reader.check_columns([(column, key.removeprefix(f"{self.name}: ")) for column, key in wanted], None)
        header = reader.header()
        key_of, value_of = (compile_column(column, header) for column, _ in wanted)
        values: dict[str, Any] = {}
        lines: dict[str, int] = {}
        unreadable: list[str] = []
        characters = 0
        for line, row in reader.rows(lambda line, reason, _: unreadable.append(reason) if not unreadable else None):
            try:
                key, value = as_text(key_of(row)), value_of(row)
                text = as_text(value)
            except InvalidRow as reason:
                unreadable.append(f"line {line}: {reason}")
                continue
            if not key:
                continue
            if key in values and values[key] != value:
                first, second = (reader.locate(each)[1] for each in (lines[key], line))
                raise MappingError(
                    f"{place}.lookup: {reader.label} has {lookup.key} {shorten(key)} on line {first} and again on"
                    f" line {second} with another {lookup.value}; make it one"
                )
            if key not in values:
                characters += len(key) + len(text)
                values[key], lines[key] = value, line
            if len(values) > MAX_ROWS or characters > MAX_CHARACTERS:
                raise MappingError(
                    f"{place}.lookup: {reader.label} is larger than {MAX_ROWS:,} keys or {MAX_CHARACTERS:,} characters;"
                    " look up in a smaller file"
                )
        return LookupTable(reader.label, values, unreadable[0] if unreadable else "")
