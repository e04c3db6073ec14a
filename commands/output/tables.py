"""Responses of trusted documents as text: names and values, and a table for each list."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

MAX_CELL = 60
# Fields that hold the rows of a list; what else is next to them describes the list.
_ROWS = ("edges", "nodes", "paths")


def format_response(data: Mapping[str, Any]) -> str:
    """Return the data of a response as lines. Control characters are left out."""
    lines = []
    for name, value in data.items():
        if isinstance(value, Mapping) and _find_rows(value) is None:
            lines += list(_format_object(value))
        else:
            lines += list(_format_field(name, value))
    text = "\n".join(lines).strip("\n")
    return "".join(letter for letter in text if letter == "\n" or letter.isprintable())


def _format_object(value: Mapping[str, Any]) -> Iterator[str]:
    for name, inner in value.items():
        if name != "id":
            yield from _format_field(name, inner)


def _format_field(name: str, value: Any) -> Iterator[str]:
    rows = _find_rows(value)
    if rows is not None:
        described = [f"{_words(each)}: {_format_cell(inner)}" for each, inner in _describe(value)]
        yield from ("", f"{_words(name)}{' (' + ', '.join(described) + ')' if described else ''}:")
        yield from _format_rows(rows)
    elif isinstance(value, Mapping) and any(isinstance(inner, list) for inner in value.values()):
        yield from ("", f"{_words(name)}:")
        yield from _format_object(value)
    else:
        yield f"{_words(name)}: {_format_cell(value)}"


def _describe(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        yield from ((name, inner) for name, inner in value.items() if name not in _ROWS and inner is not None)


def _find_rows(value: Any) -> Sequence[Mapping[str, Any]] | None:
    """Return the objects of a list or of a connection; None for another value."""
    if isinstance(value, Mapping):
        value = next((value[name] for name in _ROWS if isinstance(value.get(name), list)), None)
    return value if isinstance(value, list) and all(isinstance(each, Mapping) for each in value) else None


def _format_rows(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a table, or each row with tables of its own if it has lists of objects with several fields."""
    if not rows:
        yield "  none"
    elif any(len(each) > 1 for row in rows for value in row.values() for each in _find_rows(value) or ()):
        for row in rows:
            yield from (f"  {line}".rstrip() for line in _format_object(row))
    else:
        cells = [dict(_flatten(row)) for row in rows]
        columns = list(dict.fromkeys(name for row in cells for name in row))
        lines = [columns, *([row.get(name, "") for name in columns] for row in cells)]
        widths = [max(len(line[place]) for line in lines) for place in range(len(columns))]
        for line in lines:
            yield ("  " + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))).rstrip()


def _flatten(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in row.items():
        if name in {"node", "step"} and isinstance(value, Mapping):
            yield from _flatten(value)
        elif name != "id":
            yield _words(name), _format_cell(value)


def _format_cell(value: Any) -> str:
    text = " ".join(_format_value(value).split())
    return text if len(text) <= MAX_CELL else text[: MAX_CELL - 1] + "…"


def _format_value(value: Any) -> str:
    if isinstance(value, Mapping):
        if len(value) == 1:
            return _format_value(next(iter(value.values())))
        return ", ".join(f"{_words(name)} {_format_value(inner)}" for name, inner in value.items())
    if isinstance(value, list):
        return ", ".join(map(_format_value, value)) or "-"
    names = {None: "-", True: "yes", False: "no"}
    return names[value] if value is None or isinstance(value, bool) else str(value)


def _words(name: str) -> str:
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name)
