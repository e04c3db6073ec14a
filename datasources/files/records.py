"""Converts rows to staged records: a section of a mapping compiled for the columns of its file."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, time
from typing import Any

import msgspec

from datasources.files.entities import MAX_DOCUMENT_BYTES, MAX_INDEXED_BYTES, ImportEntity, ImportField
from datasources.files.errors import MappingError
from datasources.files.formats.readers import FileReader
from datasources.files.mapping import FieldMap, Mapping, Section, ValueSpec
from datasources.files.mappings.columns import Getter, as_text, compile_column, encode_document
from datasources.files.mappings.conditions import compile_selection
from datasources.files.mappings.lookups import Lookups
from datasources.files.mappings.transforms import (
    CompileContext,
    compile_time,
    compile_value,
    parse_boolean,
    parse_integer,
)
from datasources.files.rejects import InvalidRow, shorten
from datasources.values import document_violation, text_violation

Render = Callable[[Any], str]
Record = list[str]


class RecordConverter:
    """Turns rows of one section into staged records.

    `columns` are the staged columns in the order of a record's values. In a record the empty string means that the
    mapping sets the field but the row leaves it empty; fields that the mapping doesn't set have no column.
    """

    def __init__(self, section: Section, lookups: Lookups, reader: FileReader, name: str) -> None:
        self.section = section
        mapping, header = lookups.mapping, reader.header()
        scope = CompileContext(mapping, header, reader.position, lookups, cells_are_text=reader.format == "csv")
        self.is_selected = compile_selection(section, scope, name)
        self._nested = compile_column(section.unnest, header) if section.unnest else None
        entity = section.target_entity
        mapped = {name for fields in section.variants() for name in fields}
        fields = [field for field in entity.fields if field.name in mapped or field.origin]
        self.columns = [field.name for field in fields]
        if section.attributes:
            self.columns += ["attributes", "dropped"]
        if section.latest_by is not None:
            self.columns.append("latest_by")
        place = _Place(scope, section.source or mapping.source, name)
        self._variants = [_Variant(entity, fields, over, section, place) for over in section.variants()]

    def unnest(self, row: Any) -> Iterator[Any]:
        """Yield the row itself, or one row for each element of its nested list.

        The element is in `item`, its position in the list (from 1) in `item_index`.
        """
        if self._nested is None:
            yield row
            return
        cell = self._nested(row)
        items = cell if isinstance(cell, list) else [] if cell is None else [cell]
        for index, item in enumerate(items, start=1):
            yield row | {"item": item, "item_index": index}

    def convert(self, row: Any) -> Iterator[Record | InvalidRow]:
        """Yield the records of one row; an InvalidRow takes the place of a record that can't be made."""
        for variant in self._variants:
            try:
                yield variant.record(row)
            except InvalidRow as reason:
                yield reason


@dataclass(frozen=True, slots=True)
class _Place:
    """The context in which all fields of a section are compiled; `name` is the prefix of messages."""

    scope: CompileContext
    source: str
    name: str


class _Variant:
    def __init__(
        self,
        entity: ImportEntity,
        fields: list[ImportField],
        specs: FieldMap,
        section: Section,
        place: "_Place",
    ) -> None:
        names = [field.name for field in fields]
        self._gets = [_field(field, specs.get(field.name), place) for field in fields]
        self._required = [index for index, field in enumerate(fields) if field.required]
        self._names = names
        self._specs = specs
        self._indexed = [names.index(name) for name in entity.indexed if name in names]
        self._limits = [(index, field) for index, field in enumerate(fields) if field.kind != "time"]
        self._least = min((field.limit for _, field in self._limits), default=0)
        self._attributes = [
            (name, compile_value(spec, place.scope, f"{place.name}.attributes.{name}"))
            for name, spec in section.attributes.items()
        ]
        self._latest = (
            compile_value(section.latest_by, place.scope, f"{place.name}.latest_by")
            if section.latest_by is not None
            else None
        )
        # An empty cell of a source field names nothing; the mapping's source is not used instead.
        self._sources = [
            (index, names.index(of) if of in names else -1)
            for index, field in enumerate(fields)
            if field.origin and field.name in specs
            for of in (field.name.removesuffix("source").removesuffix("_") or "key",)
        ]
        self._ends = _ends(names) if entity.name == "relationships" else None
        self._ordered = [
            (names.index(first), names.index(second)) for first, second in entity.ordered if {first, second} <= {*names}
        ]

    def record(self, row: Any) -> Record:
        """Return the staged values of one row. Raise InvalidRow if a limit of the entity is exceeded."""
        values = [get(row) for get in self._gets]
        for index in self._required:
            if not values[index]:
                raise self._missing(index)
        for index, of in self._sources:
            if not values[index] and (of < 0 or values[of]):
                raise self._missing(index)
        if self._ends is not None:
            first, second = self._ends
            if all(values[a] == values[b] for a, b in zip(first, second, strict=True)):
                raise InvalidRow(f"a relationship of {shorten(values[first[0]])} to itself", harmless=True)
        if sum(map(len, values)) > self._least:
            self._measure(values)
        for early, late in self._ordered:
            if values[early] and values[late] and values[late] < values[early]:
                raise InvalidRow(f"{self._names[late]} {values[late]} is before {self._names[early]} {values[early]}")
        if self._attributes:
            values += _document([(name, get(row)) for name, get in self._attributes])
        if self._latest is not None:
            values.append(as_text(self._latest(row)))
        return values

    def _missing(self, index: int) -> InvalidRow:
        spec = self._specs.get(self._names[index])
        column = spec if isinstance(spec, str) else spec.column if spec is not None else None
        matched = " or does not match" if isinstance(spec, ValueSpec) and spec.match else ""
        where = f": column {column} is empty{matched}" if column else ""
        return InvalidRow(f"{self._names[index]} is missing{where}")

    def _measure(self, values: list[str]) -> None:
        for index, field in self._limits:
            if len(values[index]) > field.limit:
                raise InvalidRow(
                    f"{field.name} is {len(values[index]):,} characters, above the limit of {field.limit:,}"
                )
        size = sum(len(values[index].encode("utf-8", "replace")) for index in self._indexed)
        if size > MAX_INDEXED_BYTES:
            named = ", ".join(self._names[index] for index in self._indexed)
            raise InvalidRow(
                f"{named} are {size:,} bytes together, above the limit of {MAX_INDEXED_BYTES:,} of an index"
            )


def _document(pairs: list[tuple[str, Any]]) -> tuple[str, str]:
    document: dict[str, Any] = {}
    nested = False
    for name, value in pairs:
        if value is None:
            continue
        if isinstance(value, str):
            violation = text_violation(value)
        elif isinstance(value, date | time):
            value, violation = value.isoformat(), None  # noqa: PLW2901
        else:
            violation = document_violation([value])
            nested = nested or isinstance(value, dict | list)
        # The size of the whole document is reported below, with the largest value.
        if violation and "bytes" not in violation:
            raise InvalidRow(f"attributes.{name} {violation}")
        document[name] = value
    if nested and (violation := document_violation(document)) and "bytes" not in violation:
        raise InvalidRow(f"attributes {violation}")
    text = msgspec.json.encode(document)
    if len(text) > MAX_DOCUMENT_BYTES:
        largest = max(document, key=lambda name: len(msgspec.json.encode(document[name])))
        raise InvalidRow(
            f"attributes are {len(text):,} bytes, above the limit of {MAX_DOCUMENT_BYTES:,}; the largest is {largest}"
        )
    return text.decode(), array_literal([name for name, value in pairs if value is None])


def _ends(names: list[str]) -> tuple[tuple[int, int], tuple[int, int]]:
    at = names.index
    return (at("from"), at("from_source")), (at("to"), at("to_source"))


def _field(field: ImportField, spec: str | ValueSpec | None, place: _Place) -> Getter:
    where = f"{place.name}.fields.{field.name}"
    scope, source = place.scope, place.source
    if spec is None:
        fixed = source if field.origin else ""
        return lambda _: fixed
    if isinstance(spec, str) and scope.cells_are_text and field.kind == "text" and scope.mapping.empty == [""]:
        return scope.column(spec)
    get = compile_value(spec, scope, where)
    render = _render(field, spec, scope.mapping)
    if isinstance(spec, ValueSpec) and spec.constant is not None:
        try:
            fixed = render(spec.constant)
        except InvalidRow as error:
            raise MappingError(f"{where}: {error}") from error
        return lambda _: fixed
    if field.kind == "text":
        return lambda row: cell if isinstance(cell := get(row), str) else as_text(cell)

    def value(row: Any) -> str:
        cell = get(row)
        return "" if cell is None else render(cell)

    return value


def _render(field: ImportField, spec: str | ValueSpec, mapping: Mapping) -> Render:
    what = (spec if isinstance(spec, str) else spec.column) or field.name
    if field.kind == "time":
        timed = isinstance(spec, ValueSpec) and (spec.as_ == "time" or spec.time is not None)
        plain = spec if isinstance(spec, ValueSpec) else ValueSpec(column=spec)
        return as_text if timed else compile_time(plain, mapping, what)
    if field.kind == "integer":
        return lambda cell: _integer(as_text(cell), field, what)
    if field.kind == "choice":
        return lambda cell: _choice(as_text(cell), field, what)
    if field.kind == "switch":
        return lambda cell: as_text(parse_boolean(as_text(cell), what))
    if field.kind == "list":
        return lambda cell: array_literal([as_text(part) for part in (cell if isinstance(cell, list) else [cell])])
    if field.kind == "document":
        return lambda cell: _to_json(cell, field, what)
    return as_text


def _to_json(cell: Any, field: ImportField, what: str) -> str:
    document = cell
    if isinstance(cell, str):
        try:
            document = msgspec.json.decode(cell)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            raise InvalidRow(f"column {what}: {shorten(cell)} is not JSON") from None
    text = encode_document(document, field.name)
    if field.name == "keys":
        _check_keys(document, what, text)
    return text


def _check_keys(document: Any, what: str, text: str) -> None:
    if not isinstance(document, dict):
        raise InvalidRow(f"column {what}: {shorten(text)} is not an object of source and key")
    for source, key in document.items():
        # The plan checks their sizes and their sources.
        if isinstance(key, bool | float | list | dict):
            raise InvalidRow(f"keys.{shorten(source)} is {shorten(as_text(key))}; a key is text")


def _integer(text: str, field: ImportField, what: str) -> str:
    try:
        number = parse_integer(text.strip(), what)
    except InvalidRow:
        raise InvalidRow(f"column {what}: {shorten(text)} is not a whole number") from None
    if not field.low <= number <= field.high:
        raise InvalidRow(f"column {what}: {number} is not between {field.low} and {field.high}")
    return str(number)


def _choice(text: str, field: ImportField, what: str) -> str:
    if text not in field.values:
        raise InvalidRow(f"column {what}: {shorten(text)} is none of {', '.join(field.values)}; add it to a map")
    return text


def array_literal(parts: Sequence[str]) -> str:
    """Return texts as a PostgreSQL array literal."""
    quoted = (part.replace("\\", "\\\\").replace('"', '\\"') for part in parts)
    return "{" + ",".join(f'"{part}"' for part in quoted) + "}"
