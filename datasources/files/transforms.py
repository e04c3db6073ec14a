"""From a cell to a value: empty markers, patterns, lists, look-ups, value maps and kinds, compiled once per column."""

import re
from collections.abc import Callable
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from datasources.files.columns import Getter, as_text, compile_column
from datasources.files.errors import MappingError
from datasources.files.lookups import Lookups
from datasources.files.mapping import TEMPLATE_COLUMN, Lookup, Mapping, ValueSpec, columns_of
from datasources.files.patterns import Pattern
from datasources.files.readers import RowPosition
from datasources.files.rejects import InvalidRow, shorten
from datasources.files.times import compile_time_parser
from datasources.values import document_violation

Step = Callable[[Any], Any]

_SLUG = re.compile(r"[^a-z0-9.]+")
_INTEGER = re.compile(r"[-+]?[0-9]+")
_NUMBER = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_DIGITS = 1_000


@dataclass(frozen=True, slots=True)
class CompileContext:
    """What the values of a section are compiled against; `position` moves with the rows."""

    mapping: Mapping
    header: list[str] | None = None
    position: RowPosition = field(default_factory=RowPosition)
    lookups: Lookups | None = None
    cells_are_text: bool = False

    def column(self, name: str) -> Getter:
        """How to read a column of these rows."""
        return compile_column(name, self.header)


def compile_value(spec: str | ValueSpec, scope: CompileContext, place: str) -> Getter:
    """A function from a row to a value, None where the value is empty. It raises Unusable with the reason.

    MappingError when the specification itself can't be used.
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
        found = origin(row)
        for step in steps:
            if found is None:
                return default
            found = step(found)
        return default if found is None else found

    return get


def _origin(value: ValueSpec, scope: CompileContext) -> Getter:
    if value.row or value.file:
        return _place(value, scope.position)
    markers = frozenset(value.empty if value.empty is not None else scope.mapping.empty) | {""}

    def column(name: str) -> Getter:
        read = scope.column(name)

        def get(row: Any) -> Any:
            found = read(row)
            return None if found is None or (isinstance(found, str) and found in markers) else found

        return get

    gets = [column(name) for name in columns_of(value)]
    if value.template is not None:
        pieces = TEMPLATE_COLUMN.split(value.template)[::2]

        def fill(row: Any) -> Any:
            # A template with a hole says nothing, rather than half of something.
            text = pieces[0]
            for get, piece in zip(gets, pieces[1:], strict=True):
                found = get(row)
                if found is None:
                    return None
                text += as_text(found) + piece
            return text

        return fill
    if value.first_of is not None:
        return lambda row: next((found for get in gets if (found := get(row)) is not None), None)
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
        steps.append(lambda found: _parts(found, separator))
    if value.lookup is not None:
        steps.append(_looking_up(value.lookup, scope, place, what))
    if value.map is not None:
        steps.append(_mapped(value.map, value.otherwise, what))
    if value.case is not None:
        case = value.case
        steps.append(lambda found: _each(found, lambda part: _cased(as_text(part), case)))
    if value.as_ == "time" or value.time is not None:
        steps.append(compile_time(value, scope.mapping, what))
    elif value.as_ is not None:
        steps.append(_typed(value.as_, what))
    return steps


def _each(found: Any, convert: Step) -> Any:
    """A value of each part of a list, or of the one value."""
    return [convert(part) for part in found] if isinstance(found, list) else convert(found)


def _matching(value: ValueSpec, place: str) -> Step:
    pattern = Pattern(value.match or "", f"{place}: match")
    otherwise = None if value.otherwise is msgspec.UNSET or value.map is not None else value.otherwise

    def match(found: Any) -> Any:
        hit = pattern.search(as_text(found))
        if hit is None:
            return otherwise
        return (hit.group(1) if pattern.groups else hit.group()) or None

    return match


def _parts(found: Any, separator: str) -> list[Any] | None:
    parts = found if isinstance(found, list) else [part.strip() for part in as_text(found).split(separator)]
    return [part for part in parts if part not in ("", None)] or None


def _looking_up(lookup: Lookup, scope: CompileContext, place: str, what: str) -> Step:
    if scope.lookups is None:
        raise MappingError(f"{place}: a look-up can't stand here")
    table = scope.lookups.table(lookup, place)

    def one(found: Any) -> Any:
        text = as_text(found)
        if text in table.values:
            return table.values[text]
        if lookup.otherwise == "empty":
            return None
        unread = f"; a row of it can't be read: {table.unreadable}" if table.unreadable else ""
        raise InvalidRow(f"column {what}: {lookup.key} {shorten(text)} is not in {table.label}{unread}")

    def look_up(found: Any) -> Any:
        values = _each(found, one)
        return [value for value in values if value is not None] or None if isinstance(values, list) else values

    return look_up


def _mapped(table: AnyMapping[str, Any], otherwise: Any, what: str) -> Step:
    def one(found: Any) -> Any:
        text = as_text(found)
        if text in table:
            return table[text]
        if otherwise is msgspec.UNSET:
            raise InvalidRow(f"column {what}: {shorten(text)} is not in the value map")
        return otherwise

    return lambda found: _each(found, one)


def _cased(text: str, case: str) -> str | None:
    if case == "slug":
        return _SLUG.sub("_", text.lower()).strip("_") or None
    return text.lower() if case == "lower" else text.upper()


def _typed(kind: str, what: str) -> Step:
    def convert(found: Any) -> Any:
        text = as_text(found).strip()
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
        return as_text(found)

    return lambda found: _each(found, convert)


def parse_integer(text: str, what: str) -> int:
    """ASCII digits with a sign or without. Unusable for anything else, and beyond 64 bits."""
    if not _INTEGER.fullmatch(text):
        raise InvalidRow(f"column {what}: {shorten(text)} is not integer")
    # Python converts 4,300 digits at most; any number of this length is too large.
    number = int(text[:_DIGITS])
    if violation := document_violation(number):
        raise InvalidRow(f"column {what}: {shorten(text)} {violation}")
    return number


def parse_boolean(text: str, what: str) -> bool:
    """true, yes, on, 1 and their opposites. Unusable for anything else."""
    low = text.strip().lower()
    if low not in {"true", "yes", "on", "1", "false", "no", "off", "0"}:
        raise InvalidRow(f"column {what}: {shorten(text)} is neither true nor false")
    return low in {"true", "yes", "on", "1"}


def compile_time(value: ValueSpec, mapping: Mapping, what: str) -> Step:
    """A function from a value to an ISO 8601 time in UTC, by the value's own form, zone and rule or the mapping's."""
    return compile_time_parser(
        value.time or mapping.time, value.zone or mapping.zone, value.ambiguous or mapping.ambiguous, what
    )
