"""Reads rows from JSON: a list inside a document, or one object per line, each with the line on which it begins."""

import json
import re
from collections.abc import Iterator
from typing import IO, Any

import msgspec

from datasources.files.errors import MappingError
from datasources.files.formats.encodings import detect_encoding, find_bad_byte, read_lines
from datasources.files.rejects import RejectHandler, shorten

_BLANK = re.compile(r"[ \t\r\n]*")
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[\]{}]', re.DOTALL)
# Digits of an integer. Python converts up to 4,300; stored integers have at most 20.
_MAX_DIGITS = 1_000


def _integer(text: str) -> int | float:
    # A number beyond every double, like 1e400; the check of values rejects its row.
    return int(text) if len(text) <= _MAX_DIGITS else float("inf")


_decode = json.JSONDecoder(parse_int=_integer).raw_decode


def read_json_rows(text: str, path: str, label: str, reject: RejectHandler) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the rows of the list at the dotted `path`. Raise MappingError if the document or path can't be read."""
    try:
        position = _skip(text, 0)
        if position == len(text):
            raise MappingError(f"{label}: the file is empty; it needs a document")
        for step in path.split(".") if path else []:
            position = _enter(text, position, step, label)
        if text[position : position + 1] != "[":
            raise MappingError(f"{label}: {path or 'the document'} is not a list; check rows")
        yield from _elements(text, position + 1, reject)
    except json.JSONDecodeError as error:
        raise MappingError(f"{label}: malformed JSON on line {error.lineno}: {error.msg}") from error


def read_json_lines(
    stream: IO[bytes], encoding: str | None, label: str, reject: RejectHandler
) -> Iterator[tuple[int, Any]]:
    """Yield one row per line; empty lines are skipped."""
    decode = msgspec.json.Decoder().decode
    name = detect_encoding(stream, encoding, label)
    for number, line in enumerate(read_lines(stream, name, label), start=1):
        if not line.strip():
            continue
        if problem := find_bad_byte(line, name):
            reject(number, f"line {number} {problem}", line.rstrip("\r\n"))
            continue
        try:
            row = decode(line)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            reject(number, f"malformed JSON: {error}", line.rstrip("\r\n"))
            continue
        if isinstance(row, dict):
            yield number, row
        else:
            reject(number, f"not a JSON object but {shorten(row)}", row)


def _elements(text: str, position: int, reject: RejectHandler) -> Iterator[tuple[int, dict[str, Any]]]:
    line, counted = 1, 0
    position = _skip(text, position)
    while text[position : position + 1] != "]":
        line += text.count("\n", counted, position)
        counted = position
        try:
            row, position = _decode(text, position)
        except RecursionError:
            position = _end(text, position)
            reject(line, "nested too deep to be read", None)
        else:
            if isinstance(row, dict):
                yield line, row
            else:
                reject(line, f"not a JSON object but {shorten(row)}", row)
        position = _skip(text, position)
        if text[position : position + 1] == ",":
            position = _skip(text, position + 1)
        elif text[position : position + 1] != "]":
            raise json.JSONDecodeError("expected , or ]", text, position)


def _enter(text: str, position: int, name: str, label: str) -> int:
    # Values before the path are skipped: only the list itself is parsed, row by row.
    if text[position : position + 1] != "{":
        raise MappingError(f"{label}: there is no {name} in the document; check rows")
    position = _skip(text, position + 1)
    while text[position : position + 1] == '"':
        key, position = _decode(text, position)
        position = _skip(text, position)
        if text[position : position + 1] != ":":
            raise json.JSONDecodeError("expected :", text, position)
        position = _skip(text, position + 1)
        if key == name:
            return position
        position = _skip(text, _end(text, position))
        if text[position : position + 1] == ",":
            position = _skip(text, position + 1)
    raise MappingError(f"{label}: there is no {name} in the document; check rows")


def _end(text: str, position: int) -> int:
    """Return the end of the value that begins here. Brackets are counted without recursion, so any depth works."""
    if text[position : position + 1] not in {"[", "{"}:
        return int(_decode(text, position)[1])
    depth = 0
    for token in _TOKEN.finditer(text, position):
        depth += (token.group() in "[{") - (token.group() in "]}")
        if not depth:
            return token.end()
    raise json.JSONDecodeError("a bracket is never closed", text, position)


def _skip(text: str, position: int) -> int:
    match = _BLANK.match(text, position)
    return match.end() if match else position
