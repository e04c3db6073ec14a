"""Converts cells to values: empty markers, patterns, lists, look-ups, value maps and kinds, compiled per column."""

import re
from collections.abc import Callable
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from datasources.files.errors import MappingError
from datasources.files.formats.readers import RowPosition
from datasources.files.mapping import TEMPLATE_COLUMN, Lookup, Mapping, ValueSpec, columns_of
from datasources.files.mappings.columns import Getter, as_text, compile_column
from datasources.files.mappings.lookups import Lookups
from datasources.files.mappings.patterns import Pattern
from datasources.files.mappings.times import compile_time_parser
from datasources.files.rejects import InvalidRow, shorten
from datasources.values import document_violation

Step = Callable[[Any], Any]

_SLUG = re.compile(r"[^a-z0-9.]+")
_INTEGER = re.compile(r"[-+]?[0-9]+")
_NUMBER = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_DIGITS = 1_000


@dataclass(frozen=True, slots=True)
class CompileContext:
    """The context in which the values of a section are compiled; `position` follows the current row."""

    mapping: Mapping
    header: list[str] | None = None
    position: RowPosition = field(default_factory=RowPosition)
    lookups: Lookups | None = None
    cells_are_text: bool = False

    def column(self, name: str) -> Getter:
        """Return a function that reads a column of these rows."""
        return compile_column(name, self.header)


def compile_value(spec: str | ValueSpec, scope: CompileContext, place: str) -> Getter:
    """Return a function from a row to a value, None if the value is empty. It raises InvalidRow with the reason.

    Raise MappingError if the specification itself can't be used.
    """
    value = ValueSpec(column=spec) if isinstance(spec, str) else spec
    if value.constant is not None:
        constant = value.constant
        return lambda _: constant
    origin = _origin(value, scope)
    steps = _steps(value, scope, place)
    default = value.default
    if not steps and default is None:
        return origin

    def get(row: Any) -> Any:
        cell = origin(row)
        for step in steps:
            if cell is None:
                return default
            cell = step(cell)
        return default if cell is None else cell

    return get


def _origin(value: ValueSpec, scope: CompileContext) -> Getter:
    if value.row or value.file:
        return _place(value, scope.position)
    markers = frozenset(value.empty if value.empty is not None else scope.mapping.empty) | {""}

    def column(name: str) -> Getter:
        read = scope.column(name)

        def get(row: Any) -> Any:
            cell = read(row)
            return None if cell is None or (isinstance(cell, str) and cell in markers) else cell

        return get

    gets = [column(name) for name in columns_of(value)]
    if value.template is not None:
        pieces = TEMPLATE_COLUMN.split(value.template)[::2]

        def fill(row: Any) -> Any:
            # A template with an empty column has no value, rather than an incomplete one.
            text = pieces[0]
            for get, piece in zip(gets, pieces[1:], strict=True):
                cell = get(row)
                if cell is None:
                    return None
                text += as_text(cell) + piece
            return text

        return fill
    if value.first_of is not None:
        return lambda row: next((cell for get in gets if (cell := get(row)) is not None), None)
    return gets[0]


def _place(value: ValueSpec, position: RowPosition) -> Getter:
    if not value.file:
        return lambda _: position.row
    if not value.row:
        return lambda _: position.file
    return lambda _: f"{position.file}:{position.row}"


def _steps(value: ValueSpec, scope: CompileContext, place: str) -> list[Step]:
    # The order is part of the language: docs/import.md lists it.
    what = value.column or place
    steps: list[Step] = []
    if value.match is not None:
        steps.append(_matching(value, place))
    if value.split is not None:
        separator = value.split
        steps.append(lambda cell: _parts(cell, separator))
    if value.lookup is not None:
        steps.append(_looking_up(value.lookup, scope, place, what))
    if value.map is not None:
        steps.append(_mapped(value.map, value.otherwise, what))
    if value.case is not None:
        case = value.case
        steps.append(lambda cell: _each(cell, lambda part: _cased(as_text(part), case)))
    if value.as_ == "time" or value.time is not None:
        steps.append(compile_time(value, scope.mapping, what))
    elif value.as_ is not None:
        steps.append(_typed(value.as_, what))
    return steps


def _each(cell: Any, convert: Step) -> Any:
    """Convert each part of a list, or the single value."""
    return [convert(part) for part in cell] if isinstance(cell, list) else convert(cell)


def _matching(value: ValueSpec, place: str) -> Step:
    pattern = Pattern(value.match or "", f"{place}: match")
    otherwise = None if value.otherwise is msgspec.UNSET or value.map is not None else value.otherwise

    def match(cell: Any) -> Any:
        hit = pattern.search(as_text(cell))
        if hit is None:
            return otherwise
        return (hit.group(1) if pattern.groups else hit.group()) or None

    return match


def _parts(cell: Any, separator: str) -> list[Any] | None:
    parts = cell if isinstance(cell, list) else [part.strip() for part in as_text(cell).split(separator)]
    return [part for part in parts if part not in ("", None)] or None


def _looking_up(lookup: Lookup, scope: CompileContext, place: str, what: str) -> Step:
    if scope.lookups is None:
        raise MappingError(f"{place}: a look-up is not allowed here")
    table = scope.lookups.table(lookup, place)

    def one(cell: Any) -> Any:
        text = as_text(cell)
        if text in table.values:
            return table.values[text]
        if lookup.otherwise == "empty":
            return None
        unread = f"; a row of it can't be read: {table.unreadable}" if table.unreadable else ""
        raise InvalidRow(f"column {what}: {lookup.key} {shorten(text)} is not in {table.label}{unread}")

    def look_up(cell: Any) -> Any:
        values = _each(cell, one)
        return [value for value in values if value is not None] or None if isinstance(values, list) else values

    return look_up


def _mapped(table: AnyMapping[str, Any], otherwise: Any, what: str) -> Step:
    def one(cell: Any) -> Any:
        text = as_text(cell)
        if text in table:
            return table[text]
        if otherwise is msgspec.UNSET:
            raise InvalidRow(f"column {what}: {shorten(text)} is not in the value map")
        return otherwise

    return lambda cell: _each(cell, one)


def _cased(text: str, case: str) -> str | None:
    if case == "slug":
        return _SLUG.sub("_", text.lower()).strip("_") or None
    return text.lower() if case == "lower" else text.upper()


def _typed(kind: str, what: str) -> Step:
    def convert(cell: Any) -> Any:
        text = as_text(cell).strip()
        if kind == "integer":
            return parse_integer(text, what)
        if kind == "boolean":
            return parse_boolean(text, what)
        if kind == "number":
            if not _NUMBER.fullmatch(text):
                raise InvalidRow(f"column {what}: {shorten(text)} is not number")
            number = float(text)
            if violation := document_violation(number):
                raise InvalidRow(f"column {what}: {shorten(text)} {violation}")
            return number
        return as_text(cell)

    return lambda cell: _each(cell, convert)


def parse_integer(text: str, what: str) -> int:
    """Parse ASCII digits with an optional sign. Raise InvalidRow for other texts, and beyond 64 bits."""
    if not _INTEGER.fullmatch(text):
        raise InvalidRow(f"column {what}: {shorten(text)} is not integer")
    # Python converts at most 4,300 digits; any number of this length is too large.
    number = int(text[:_DIGITS])
    if violation := document_violation(number):
        raise InvalidRow(f"column {what}: {shorten(text)} {violation}")
    return number


def parse_boolean(text: str, what: str) -> bool:
    """Parse true, yes, on, 1 and their opposites. Raise InvalidRow for other texts."""
    low = text.strip().lower()
    if low not in {"true", "yes", "on", "1", "false", "no", "off", "0"}:
        raise InvalidRow(f"column {what}: {shorten(text)} is neither true nor false")
    return low in {"true", "yes", "on", "1"}


def compile_time(value: ValueSpec, mapping: Mapping, what: str) -> Step:
    """Return a function from a value to an ISO 8601 time in UTC, by the settings of the value or the mapping."""
    return compile_time_parser(
        value.time or mapping.time, value.zone or mapping.zone, value.ambiguous or mapping.ambiguous, what
    )
