"""Converts times from a declared format and zone to ISO 8601 in UTC."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from datasources.files.mapping import AmbiguousTimeRule
from datasources.files.rejects import InvalidRow, shorten
from datasources.values import time_violation

# Formats other than strptime's. An Excel serial counts days, with 1 for 1900-01-01 and a leap day in 1900.
NAMED_FORMATS = frozenset({"iso", "unix", "unix_ms", "rfc2822", "excel"})
_DIRECTIVE = re.compile(r"%(.?)", re.DOTALL)
# The strptime directives that mean the same on every machine: none for local names of zones or languages.
_DIRECTIVES = frozenset("aAbBdHIjmMpSfyYzZGuUwWV%")
_INSTEAD = {"T": "%H:%M:%S", "F": "%Y-%m-%d", "D": "%m/%d/%y", "R": "%H:%M", "e": "%d", "k": "%H", "h": "%b"}
_INSTEAD |= {"s": "unix", "c": "%a %b %d %H:%M:%S %Y", "x": "%m/%d/%y", "X": "%H:%M:%S", "N": "%f", "L": "%f"}
# The directives that determine a day together with the year.
_DAYS = (("d", "m"), ("d", "b"), ("d", "B"), ("j",), *((week, day) for week in "UW" for day in "waAu"))
_ZONE = re.compile(r"(?<![A-Za-z])(?:UTC|GMT|UT|Z)(?![A-Za-z])")
_WORD = re.compile(r"(?<![A-Za-z])[A-Z][A-Za-z]{0,4}T?(?![A-Za-z])")
_NO_ZONES = re.compile(
    r"(?:mon|tue|wed|thu|fri|sat|sun|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|[ap]m\b|t\b)", re.I
)
_NUMBER = re.compile(r"[-+]?[0-9]{1,18}(?:\.[0-9]+)?(?:[eE][-+]?[0-9]{1,2})?")
_FRACTION = re.compile(r"([.,][0-9]{6})[0-9]+")
_LEAP = re.compile(r"(:59:)60(?![0-9])")
# https://www.rfc-editor.org/rfc/rfc2822#section-3.3
_RFC2822 = re.compile(
    r"(?:[A-Za-z]{3},?\s+)?([0-9]{1,2}\s+[A-Za-z]{3}\s+[0-9]{4}\s+[0-9]{2}:[0-9]{2})(:[0-9]{2})?\s+([-+][0-9]{4}|[A-Z]+)"
    r"(?:\s+\(.*\))?"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EXCEL = datetime(1899, 12, 30)


def format_problem(form: str) -> str | None:
    """Return why a format of times can't be used; None if it can. It must contain a year and a day."""
    if form in NAMED_FORMATS:
        return None
    directives = set()
    for directive in _DIRECTIVE.findall(form):
        if directive not in _DIRECTIVES:
            instead = f"; write {_INSTEAD[directive]}" if directive in _INSTEAD else ""
            return f"{form!r} has %{directive}, which is not read{instead}"
        if directive in directives and directive != "%":
            return f"{form!r} has %{directive} twice"
        directives.add(directive)
    if not directives - {"%"}:
        return (
            f"{form!r} is not a form of times; write {', '.join(sorted(NAMED_FORMATS))} or one like %Y-%m-%d %H:%M:%S"
        )
    if "G" in directives:
        has_day = "V" in directives and bool(directives & set("uaAw"))
    elif directives & {"y", "Y"}:
        has_day = any(directives.issuperset(day) for day in _DAYS)
    else:
        return f"{form!r} has no year; a time needs one (%Y)"
    if not has_day:
        return f"{form!r} has no day; a time needs one (%m and %d)"
    if {"z", "Z"} <= directives:
        return f"{form!r} has %z and %Z; write the name of the zone literally, as in GMT%z"
    try:
        datetime.strptime(datetime(2026, 7, 1, tzinfo=UTC).strftime(form), form)
    except (ValueError, re.error) as error:
        return f"{form!r} is not a form of times: {error}"
    return None


def compile_time_parser(form: str, zone_name: str, rule: AmbiguousTimeRule, what: str) -> Callable[[Any], str]:
    """Return a function from a value to an ISO 8601 time in UTC. It raises InvalidRow with the reason.

    A time without offset is in the zone. The rule decides about a time that occurs twice; a time that the clocks
    skipped is an InvalidRow. Digits beyond microseconds are cut off, and a leap second becomes the first second of the
    next minute.
    """
    zone = ZoneInfo(zone_name)

    def read(cell: Any) -> str:
        shown = f"column {what}: {shorten(cell)}"
        try:
            moment = _parse(cell, form)
            if moment is None:
                raise InvalidRow(f"{shown} is not a time of the form {form}{_zone_hint(cell, form)}")
            if moment.tzinfo is None:
                moment = _localize(moment, zone, rule, shown)
            if violation := time_violation(moment):
                raise InvalidRow(f"{shown} {violation}")
            return moment.astimezone(UTC).isoformat()
        except OverflowError:
            raise InvalidRow(f"{shown} is outside the years 1 to 9999 in UTC; use a time within them") from None

    return read


def _parse(cell: Any, form: str) -> datetime | None:
    # Cells of workbooks are times already.
    if isinstance(cell, datetime):
        return cell
    if isinstance(cell, date):
        return datetime(cell.year, cell.month, cell.day)
    text = str(cell).strip()
    try:
        if form in {"unix", "unix_ms", "excel"}:
            return _numbered(text, form)
        text = _FRACTION.sub(r"\1", text)
        leap = ":60" in text and _LEAP.search(text)
        if leap:
            text = _LEAP.sub(r"\g<1>59", text)
        moment = _written(text, form)
    except ValueError:
        return None
    return moment + timedelta(seconds=1) if leap and moment is not None else moment


def _numbered(text: str, form: str) -> datetime | None:
    if not _NUMBER.fullmatch(text):
        return None
    if form == "excel":
        days = float(text)
        # Excel's day 60 never existed; Excel has no day before 1 and none after the year 9999.
        if not 1 <= days < 2_958_466 or int(days) == 60:
            return None
        return _EXCEL + timedelta(days=int(days) + (days < 60), milliseconds=round(days % 1 * 86_400_000))
    # In whole microseconds, since a float of seconds would lose precision.
    micros = int(Decimal(text) * (1_000_000 if form == "unix" else 1_000))
    return _EPOCH + timedelta(microseconds=micros)


def _written(text: str, form: str) -> datetime | None:
    if form == "iso":
        return datetime.fromisoformat(text)
    if form == "rfc2822":
        parts = _RFC2822.fullmatch(text)
        if parts is None:
            return None
        day, seconds, zone = parts.groups()
        text, form = f"{day}{seconds or ':00'} {_ZONE.sub('+0000', zone)}", "%d %b %Y %H:%M:%S %z"
    elif "%Z" in form:
        # strptime discards the name of a zone. Only the names of UTC are unambiguous.
        text, form = _ZONE.sub("+0000", text), form.replace("%Z", "%z")
    return datetime.strptime(text, form)


def _zone_hint(cell: Any, form: str) -> str:
    if form != "rfc2822" and "%Z" not in form:
        return ""
    names = [name for name in _WORD.findall(str(cell)) if not _NO_ZONES.match(name) and not _ZONE.fullmatch(name)]
    return f": zone {names[-1]} is not read, only UTC, GMT and Z; write the offset (%z)" if names else ""


def _localize(moment: datetime, zone: ZoneInfo, rule: AmbiguousTimeRule, what: str) -> datetime:
    first, second = moment.replace(tzinfo=zone, fold=0), moment.replace(tzinfo=zone, fold=1)
    if first.utcoffset() == second.utcoffset():
        return first
    if first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != moment:
        raise InvalidRow(f"{what} does not exist in {zone.key}: the clocks skipped it")
    if rule == "reject":
        raise InvalidRow(f"{what} comes twice in {zone.key}: the clocks went back")
    return first if rule == "earlier" else second
