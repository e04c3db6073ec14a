"""From a cell to a value: empty markers, patterns, lists, value maps, times and zones, compiled once per column."""

import re
from collections.abc import Callable
from collections.abc import Mapping as AnyMapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from datasources.files.mapping import Ambiguous, Mapping, MappingError, Value, columns_of
from datasources.files.rejects import Unusable, shortened

Get = Callable[[Any], Any]
Step = Callable[[Any], Any]

_SLUG = re.compile(r"[^a-z0-9.]+")
_TEMPLATE = re.compile(r"\{([^{}]+)\}")
_ENCODER = msgspec.json.Encoder(enc_hook=str)


def as_text(value: Any) -> str:
    """A value as staged text: documents as JSON, truth as true or false, nothing as the empty string."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return as_json(value)
    return str(value)


def as_json(value: Any) -> str:
    """A value as JSON text; what JSON has no form for becomes its text."""
    return _ENCODER.encode(value).decode()


def compile_column(column: str, header: list[str] | None) -> Get:
    """How to read a column: its position in a CSV row, or a dotted path in a document (`teams.0`: the first team)."""
    if header is not None:
        position = header.index(column)
        return lambda row: row[position]
    steps = column.split(".")

    def walk(row: Any) -> Any:
        for step in steps:
            if isinstance(row, dict):
                row = row.get(step)
            elif isinstance(row, list) and step.isdigit() and int(step) < len(row):
                row = row[int(step)]
            else:
                return None
        return row

    return walk


def compile_value(spec: str | Value, mapping: Mapping, header: list[str] | None, place: str) -> Get:
    """A function from a row to a value, None where the value is empty. It raises Unusable with the reason.

    MappingError when the specification itself can't be used.
    """
    value = Value(column=spec) if isinstance(spec, str) else spec
    if value.constant is not None:
        constant = value.constant
        return lambda _: constant
    markers = frozenset(value.empty if value.empty is not None else mapping.empty) | {""}
    origin = _origin(value, header, markers)
    steps = list(_steps(value, mapping, place))
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


def _origin(value: Value, header: list[str] | None, markers: frozenset[str]) -> Get:
    def column(name: str) -> Get:
        read = compile_column(name, header)

        def get(row: Any) -> Any:
            found = read(row)
            return None if found is None or (isinstance(found, str) and found in markers) else found

        return get

    gets = [column(name) for name in columns_of(value)]
    if value.template is not None:
        pieces = _TEMPLATE.split(value.template)[::2]

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


def _steps(value: Value, mapping: Mapping, place: str) -> list[Step]:
    what = value.column or place
    steps: list[Step] = []
    if value.match is not None:
        steps.append(_matching(value, place))
    if value.split is not None:
        separator = value.split
        steps.append(lambda found: _parts(found, separator))
    if value.map is not None:
        steps.append(_mapped(value.map, value.otherwise, what))
    if value.case is not None:
        case = value.case
        steps.append(lambda found: _cased(as_text(found), case))
    if value.as_ == "time" or value.time is not None:
        steps.append(compile_time(value, mapping, what))
    elif value.as_ is not None:
        steps.append(_typed(value.as_, what))
    return steps


def _matching(value: Value, place: str) -> Step:
    try:
        pattern = re.compile(value.match or "")
    except re.error as error:
        raise MappingError(f"{place}: match is not a pattern: {error}") from error
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


def _mapped(table: AnyMapping[str, Any], otherwise: Any, what: str) -> Step:
    def one(found: Any) -> Any:
        text = as_text(found)
        if text in table:
            return table[text]
        if otherwise is msgspec.UNSET:
            raise Unusable(f"column {what}: {shortened(text)} is not in the value map")
        return otherwise

    return lambda found: [one(part) for part in found] if isinstance(found, list) else one(found)


def _cased(text: str, case: str) -> str | None:
    if case == "slug":
        return _SLUG.sub("_", text.lower()).strip("_") or None
    return text.lower() if case == "lower" else text.upper()


def _typed(kind: str, what: str) -> Step:
    def convert(found: Any) -> Any:
        text = as_text(found)
        try:
            if kind == "integer":
                return int(text)
            if kind == "number":
                return float(text)
        except ValueError:
            raise Unusable(f"column {what}: {shortened(text)} is not {kind}") from None
        if kind == "boolean":
            return truth(text, what)
        return text

    return convert


def truth(text: str, what: str) -> bool:
    """true, yes, on, 1 and their opposites. Unusable for anything else."""
    low = text.strip().lower()
    if low not in {"true", "yes", "on", "1", "false", "no", "off", "0"}:
        raise Unusable(f"column {what}: {shortened(text)} is neither true nor false")
    return low in {"true", "yes", "on", "1"}


def compile_time(value: Value, mapping: Mapping, what: str) -> Step:
    """A function from text to an ISO 8601 time in UTC.

    The format is `iso`, `unix`, `unix_ms` or one of strptime. A time without offset stands in the zone. In the
    hour that comes twice the `ambiguous` rule decides; a time that the clocks skipped is Unusable.
    """
    form = value.time or mapping.time
    zone = ZoneInfo(value.zone or mapping.zone)
    rule: Ambiguous = value.ambiguous or mapping.ambiguous

    def convert(found: Any) -> str:
        text = as_text(found).strip()
        try:
            moment = _parsed(text, form)
        except (ValueError, OverflowError, OSError):
            raise Unusable(f"column {what}: {shortened(text)} is not a time of the form {form}") from None
        if moment.tzinfo is None:
            moment = _placed(moment, zone, rule, f"column {what}: {shortened(text)}")
        try:
            return moment.astimezone(UTC).isoformat()
        except OverflowError:
            raise Unusable(f"column {what}: {shortened(text)} is out of range") from None

    return convert


def _parsed(text: str, form: str) -> datetime:
    if form == "iso":
        return datetime.fromisoformat(text)
    if form in {"unix", "unix_ms"}:
        # Sums of whole microseconds: a float of seconds would lose some.
        scale = 1 if form == "unix" else 1_000
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=float(text) / scale)
    return datetime.strptime(text, form)


def _placed(moment: datetime, zone: ZoneInfo, rule: Ambiguous, what: str) -> datetime:
    first, second = moment.replace(tzinfo=zone, fold=0), moment.replace(tzinfo=zone, fold=1)
    if first.utcoffset() == second.utcoffset():
        return first
    if first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != moment:
        raise Unusable(f"{what} does not exist in {zone.key}: the clocks skipped it")
    if rule == "reject":
        raise Unusable(f"{what} comes twice in {zone.key}: the clocks went back")
    return first if rule == "earlier" else second
