"""Reads YAML 1.2 with its core schema from libyaml's events: rows of a document, each with its first line.

A plain scalar is a number or a boolean only if JSON would write the same text: `0123`, `1.10`, `1_000`, `NO`,
`12:30:45` and dates remain text as written, and so do the keys of mappings.
"""

import re
from collections.abc import Iterator
from typing import Any

import yaml

from datasources.files.errors import MappingError
from datasources.files.rejects import RejectHandler, shorten
from datasources.values import MAX_VALUES

# Levels of lists and mappings in one row; the builder is recursive.
MAX_ROW_NESTING = 100
# Levels at which reading a file stops. libyaml's time grows with the square of the depth of brackets.
MAX_PARSE_DEPTH = 1_000
# Characters that the aliases of one row may repeat.
MAX_ALIAS_CHARACTERS = 16 * 1_048_576
# Digits of a plain integer. Python converts up to 4,300; stored integers have at most 20.
MAX_DIGITS = 1_000

# https://yaml.org/spec/1.2.2/#103-core-schema
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"(?:0|-?[1-9][0-9]*)\Z")
_FLOAT = re.compile(r"-?(?:0|[1-9][0-9]*)\.[0-9]+\Z")
_TAG = "tag:yaml.org,2002:"
_TYPED_TAGS = frozenset({None, "!", *(_TAG + name for name in ("int", "float", "bool", "null"))})
_CONTAINER_TAGS = frozenset({None, "!", f"{_TAG}map", f"{_TAG}seq"})
_CONTAINERS = (yaml.MappingStartEvent, yaml.SequenceStartEvent)
_ENDS = (yaml.MappingEndEvent, yaml.SequenceEndEvent)


def read_yaml_rows(text: str, path: str, label: str, reject: RejectHandler) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the rows of the list at the dotted `path`. Raise MappingError if the document or path can't be read."""
    builder = _Builder(text, label)
    try:
        event = builder.enter(path)
        if not isinstance(event, yaml.SequenceStartEvent):
            raise MappingError(f"{label}: {path or 'the document'} is not a list; check rows")
        for start in builder.elements():
            line = _line(start)
            row = builder.root(start)
            if builder.problem:
                reject(line, builder.problem, row)
            elif isinstance(row, dict):
                yield line, row
            else:
                reject(line, f"not a mapping but {shorten(row)}", row)
        builder.finish()
    except yaml.YAMLError as error:
        raise MappingError(f"{label}: not readable as YAML: {_reason(error)}") from error


def parse_yaml(text: str) -> Any:
    """Return the whole document as one value. Raise ValueError with line and reason if it can't be read."""
    builder = _Builder(text, "")
    try:
        value = builder.root(builder.enter(""))
        builder.finish()
    except yaml.YAMLError as error:
        raise ValueError(f"not readable as YAML: {_reason(error)}") from error
    except MappingError as error:
        raise ValueError(str(error).removeprefix(": ")) from error
    if builder.problem:
        raise ValueError(builder.problem)
    return value


class _Builder:
    """Builds values from events. `problem` is why the last value can't be used, or empty."""

    def __init__(self, text: str, label: str) -> None:
        self._label = label
        self._events: Iterator[Any] = yaml.parse(text, Loader=yaml.CSafeLoader)
        # The value of each finished anchor with its number of values and characters; None while it is being built.
        self._anchors: dict[str, tuple[Any, int, int] | None] = {}
        self._values = self._characters = self._repeated_values = self._repeated_characters = 0
        self.problem = ""

    def enter(self, path: str) -> Any:
        """Return the event at which the value at `path` begins."""
        event = next(self._events)
        while isinstance(event, yaml.StreamStartEvent | yaml.DocumentStartEvent):
            event = next(self._events)
        if isinstance(event, yaml.StreamEndEvent):
            raise MappingError(f"{self._label}: the file is empty; it needs a document")
        for step in path.split(".") if path else []:
            is_found = isinstance(event, yaml.MappingStartEvent) and self._find(step)
            if not is_found:
                raise MappingError(f"{self._label}: there is no {path} in the document; check rows")
            event = next(self._events)
        return event

    def _find(self, name: str) -> bool:
        while not isinstance(key := next(self._events), yaml.MappingEndEvent):
            if isinstance(key, yaml.ScalarEvent) and key.value == name:
                return True
            if isinstance(key, _CONTAINERS):
                self._skip()
            # Built, not only skipped, since a row may refer to an anchor in it.
            self.root(next(self._events))
        return False

    def elements(self) -> Iterator[Any]:
        """Yield the first event of each element of the entered list; the caller must build it before the next."""
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            yield event

    def finish(self) -> None:
        """Read to the end, so that malformed text after the rows is an error too."""
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                raise MappingError(
                    f"{self._label}: a second document begins on line {_line(event)}; give it a file of its own"
                )

    def root(self, event: Any) -> Any:
        """Build one value; resets `problem`."""
        self.problem = ""
        self._values = self._characters = self._repeated_values = self._repeated_characters = 0
        return self._value(event, 1)

    def _value(self, event: Any, level: int) -> Any:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        before = self._values, self._characters
        self._values += 1
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        if isinstance(event, yaml.ScalarEvent):
            self._characters += len(event.value)
            value = self._scalar(event)
        elif level > MAX_ROW_NESTING:
            self._fail(f"nested more than {MAX_ROW_NESTING} levels deep on line {_line(event)}")
            self._skip()
            value = None
        else:
            if event.tag not in _CONTAINER_TAGS:
                self._fail(f"tag {event.tag} on line {_line(event)} is not read; remove it")
            value = self._list(level) if isinstance(event, yaml.SequenceStartEvent) else self._mapping(level)
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, self._values - before[0], self._characters - before[1])
        return value

    def _alias(self, event: Any) -> Any:
        name = event.anchor
        if name not in self._anchors:
            self._fail(f"alias *{name} on line {_line(event)} has no anchor before it")
            return None
        anchor = self._anchors[name]
        if anchor is None:
            self._fail(f"alias *{name} on line {_line(event)} is inside its own anchor")
            return None
        value, values, characters = anchor
        self._values += values
        self._characters += characters
        self._repeated_values += values
        self._repeated_characters += characters
        if self._repeated_values > MAX_VALUES or self._repeated_characters > MAX_ALIAS_CHARACTERS:
            self._fail(
                f"aliases repeat more than {MAX_VALUES:,} values or {MAX_ALIAS_CHARACTERS:,} characters up to line"
                f" {_line(event)}; write less"
            )
            return None
        return value

    def _list(self, level: int) -> list[Any]:
        items = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._value(event, level + 1))
        return items

    def _mapping(self, level: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        lines: dict[str, int] = {}
        merged: list[Any] = []
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._key(event)
            value = self._value(next(self._events), level + 1)
            if key is None:
                continue
            if key == "<<" and isinstance(value, dict | list):
                # The merge key of YAML 1.1, which many files still use: https://yaml.org/type/merge.html
                merged += value if isinstance(value, list) else [value]
            elif key in lines:
                self._fail(f"key {shorten(key)} is on line {lines[key]} and again on line {_line(event)}")
            else:
                lines[key] = _line(event)
                result[key] = value
        for base in merged:
            if isinstance(base, dict):
                result = base | result
        return result

    def _key(self, event: Any) -> str | None:
        if isinstance(event, yaml.ScalarEvent):
            if event.anchor is not None:
                self._anchors[event.anchor] = (event.value, 1, len(event.value))
            self._characters += len(event.value)
            return str(event.value)
        if isinstance(event, yaml.AliasEvent):
            value = self._alias(event)
            if isinstance(value, str):
                return value
        else:
            self._skip()
        self._fail(f"a key on line {_line(event)} is not text")
        return None

    def _scalar(self, event: Any) -> Any:
        text: str = event.value
        if event.tag not in _TYPED_TAGS:
            if event.tag != f"{_TAG}str":
                self._fail(f"tag {event.tag} on line {_line(event)} is not read; remove it")
            return text
        if event.tag == "!" or (event.tag is None and not event.implicit[0]):
            return text
        if text in _NULLS:
            return None
        if text in _BOOLEANS:
            return _BOOLEANS[text]
        if text[0] in "-0123456789":
            if _INTEGER.match(text):
                if len(text) > MAX_DIGITS:
                    self._fail(f"an integer of {len(text):,} digits on line {_line(event)}; quote it")
                    return None
                return int(text)
            if _FLOAT.match(text) and repr(number := float(text)) == text:
                return number
        return text

    def _skip(self) -> None:
        depth = 1
        while depth:
            event = next(self._events)
            depth += isinstance(event, _CONTAINERS) - isinstance(event, _ENDS)
            if depth > MAX_PARSE_DEPTH:
                raise MappingError(
                    f"{self._label}: nested more than {MAX_PARSE_DEPTH:,} levels deep on line {_line(event)}"
                )

    def _fail(self, problem: str) -> None:
        self.problem = self.problem or problem


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _reason(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    if isinstance(error, yaml.MarkedYAMLError) and mark is not None:
        return f"{error.problem} on line {mark.line + 1}"
    return " ".join(str(error).split())
