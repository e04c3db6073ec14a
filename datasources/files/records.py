"""From a row to staged records: a section of a mapping compiled against the columns of its file."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from datasources.files.entities import DOCUMENT, Entity, Field
from datasources.files.mapping import FieldMap, Mapping, MappingError, Section, Value
from datasources.files.rejects import Unusable, shortened
from datasources.files.transforms import Get, as_json, as_text, compile_column, compile_time, compile_value, truth

# An escaped NUL, which jsonb refuses, and not an escaped backslash before u0000.
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")

Render = Callable[[Any], str]
Record = list[str]


class Converter:
    """Turns rows of one section into staged records.

    `columns` are the staged columns in the order of a record's values. In a record the empty string says that
    the mapping gives the field and the row leaves it empty; fields the mapping doesn't give have no column.
    """

    def __init__(self, section: Section, mapping: Mapping, header: list[str] | None, name: str) -> None:
        self.section = section
        self.selected = _selection(section, mapping, header)
        self._nested = compile_column(section.unnest, header) if section.unnest else None
        entity = section.kind
        mapped = {name for fields in section.variants() for name in fields}
        fields = [field for field in entity.fields if field.name in mapped or field.origin]
        self.columns = [field.name for field in fields]
        if section.attributes:
            self.columns += ["attributes", "dropped"]
        if section.latest_by is not None:
            self.columns.append("latest_by")
        place = _Place(mapping, header, section.source or mapping.source, name)
        self._variants = [_Variant(entity, fields, over, section, place) for over in section.variants()]

    def rows(self, row: Any) -> Iterator[Any]:
        """The row itself, or one row for each element of its nested list.

        The element stands under `item`, its place in the list (from 1) under `item_index`.
        """
        if self._nested is None:
            yield row
            return
        found = self._nested(row)
        items = found if isinstance(found, list) else [] if found is None else [found]
        for index, item in enumerate(items, start=1):
            yield row | {"item": item, "item_index": index}

    def records(self, row: Any) -> Iterator[Record | Unusable]:
        """The records of one row; an Unusable stands in the place of one that can't be made."""
        for variant in self._variants:
            try:
                yield variant.record(row)
            except Unusable as reason:
                yield reason


@dataclass(frozen=True, slots=True)
class _Place:
    """What every field of a section is compiled against; `name` leads the way in messages."""

    mapping: Mapping
    header: list[str] | None
    source: str
    name: str


class _Variant:
    def __init__(
        self,
        entity: Entity,
        fields: list[Field],
        specs: FieldMap,
        section: Section,
        place: "_Place",
    ) -> None:
        names = [field.name for field in fields]
        self._gets = [_field(field, specs.get(field.name), place) for field in fields]
        self._required = [index for index, field in enumerate(fields) if field.required]
        self._names = names
        self._specs = specs
        self._limits = [(index, field) for index, field in enumerate(fields) if field.kind != "time"]
        self._least = min((field.limit for _, field in self._limits), default=0)
        self._attributes = [
            (name, compile_value(spec, place.mapping, place.header, f"{place.name}.attributes.{name}"))
            for name, spec in section.attributes.items()
        ]
        self._latest = (
            compile_value(section.latest_by, place.mapping, place.header, f"{place.name}.latest_by")
            if section.latest_by is not None
            else None
        )
        self._ends = _ends(names) if entity.name == "relationships" else None
        self._ordered = [
            (names.index(first), names.index(second)) for first, second in entity.ordered if {first, second} <= {*names}
        ]

    def record(self, row: Any) -> Record:
        """The staged values of one row. Unusable when a bound of the entity is broken."""
        values = [get(row) for get in self._gets]
        for index in self._required:
            if not values[index]:
                spec = self._specs.get(self._names[index])
                column = spec if isinstance(spec, str) else spec.column if spec is not None else None
                matched = " or does not match" if isinstance(spec, Value) and spec.match else ""
                where = f": column {column} is empty{matched}" if column else ""
                raise Unusable(f"{self._names[index]} is missing{where}")
        if self._ends is not None:
            first, second = self._ends
            if all(values[a] == values[b] for a, b in zip(first, second, strict=True)):
                raise Unusable(f"a relationship of {shortened(values[first[0]])} to itself", harmless=True)
        if sum(map(len, values)) > self._least:
            self._measure(values)
        for early, late in self._ordered:
            if values[early] and values[late] and values[late] < values[early]:
                raise Unusable(f"{self._names[late]} {values[late]} is before {self._names[early]} {values[early]}")
        if self._attributes:
            values += _document([(name, get(row)) for name, get in self._attributes])
        if self._latest is not None:
            values.append(as_text(self._latest(row)))
        return values

    def _measure(self, values: list[str]) -> None:
        for index, field in self._limits:
            if len(values[index]) > field.limit:
                raise Unusable(f"{field.name} is {len(values[index]):,} characters, above the limit of {field.limit:,}")


def _document(pairs: list[tuple[str, Any]]) -> tuple[str, str]:
    kept = {name: value for name, value in pairs if value is not None}
    text = _json(as_json(kept))
    size = len(text.encode())
    if size > DOCUMENT:
        largest = max(kept, key=lambda name: len(as_text(kept[name])))
        raise Unusable(f"attributes are {size:,} bytes, above the limit of {DOCUMENT:,}; the largest is {largest}")
    return text, array_literal([name for name, value in pairs if value is None])


def _ends(names: list[str]) -> tuple[tuple[int, int], tuple[int, int]]:
    at = names.index
    return (at("from"), at("from_source")), (at("to"), at("to_source"))


def _field(field: Field, spec: str | Value | None, place: _Place) -> Get:
    where = f"{place.name}.fields.{field.name}"
    mapping, header, source = place.mapping, place.header, place.source
    if spec is None:
        fixed = source if field.origin else ""
        return lambda _: fixed
    if isinstance(spec, str) and header is not None and field.kind == "text" and mapping.empty == [""]:
        return compile_column(spec, header)
    get = compile_value(spec, mapping, header, where)
    render = _render(field, spec, mapping)
    if isinstance(spec, Value) and spec.constant is not None:
        try:
            fixed = render(spec.constant)
        except Unusable as error:
            raise MappingError(f"{where}: {error}") from error
        return lambda _: fixed
    if field.kind == "text":
        return lambda row: found if isinstance(found := get(row), str) else as_text(found)

    def value(row: Any) -> str:
        found = get(row)
        return "" if found is None else render(found)

    return value


def _render(field: Field, spec: str | Value, mapping: Mapping) -> Render:
    what = (spec if isinstance(spec, str) else spec.column) or field.name
    if field.kind == "time":
        timed = isinstance(spec, Value) and (spec.as_ == "time" or spec.time is not None)
        plain = spec if isinstance(spec, Value) else Value(column=spec)
        return as_text if timed else compile_time(plain, mapping, what)
    if field.kind == "integer":
        return lambda found: _integer(as_text(found), field, what)
    if field.kind == "choice":
        return lambda found: _choice(as_text(found), field, what)
    if field.kind == "switch":
        return lambda found: as_text(truth(as_text(found), what))
    if field.kind == "list":
        return lambda found: array_literal([as_text(part) for part in (found if isinstance(found, list) else [found])])
    if field.kind == "document":
        return lambda found: _given_json(found, field, what)
    return as_text


def _given_json(found: Any, field: Field, what: str) -> str:
    text = found if isinstance(found, str) else as_json(found)
    try:
        document = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        raise Unusable(f"column {what}: {shortened(text)} is not JSON") from None
    if field.name == "keys" and not isinstance(document, dict):
        raise Unusable(f"column {what}: {shortened(text)} is not an object of source and key")
    return _json(text)


def _json(text: str) -> str:
    if "\\u0000" in text and _NUL.search(text):
        raise Unusable("a NUL character stands in a document; PostgreSQL keeps none")
    return text


def _integer(text: str, field: Field, what: str) -> str:
    try:
        number = int(text)
    except ValueError:
        raise Unusable(f"column {what}: {shortened(text)} is not a whole number") from None
    if not field.low <= number <= field.high:
        raise Unusable(f"column {what}: {number} is not between {field.low} and {field.high}")
    return str(number)


def _choice(text: str, field: Field, what: str) -> str:
    if text not in field.values:
        raise Unusable(f"column {what}: {shortened(text)} is none of {', '.join(field.values)}; add it to a map")
    return text


def array_literal(parts: Sequence[str]) -> str:
    """Texts as a PostgreSQL array literal."""
    quoted = (part.replace("\\", "\\\\").replace('"', '\\"') for part in parts)
    return "{" + ",".join(f'"{part}"' for part in quoted) + "}"


def _selection(section: Section, mapping: Mapping, header: list[str] | None) -> Callable[[Any], bool] | None:
    tests: list[Callable[[Any], bool]] = []
    for name in section.present:
        get = compile_value(name, mapping, header, "present")
        tests.append(lambda row, get=get: get(row) is not None)  # type: ignore[misc]
    for wanted, conditions in ((True, section.where), (False, section.unless)):
        for name, value in conditions.items():
            read = compile_column(name, header)
            allowed = {as_text(item) for item in (value if isinstance(value, list) else [value])}
            tests.append(
                lambda row, read=read, allowed=allowed, wanted=wanted: (as_text(read(row)) in allowed) is wanted  # type: ignore[misc]
            )
    return (lambda row: all(test(row) for test in tests)) if tests else None
