"""Rows inside one JSON or YAML document, each with the line it begins on."""

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml

from datasources.files.mapping import MappingError
from datasources.files.rejects import OnReject, shortened

_BLANK = re.compile(r"[ \t\r\n]*")


class _Loader(yaml.CSafeLoader):
    """The safe loader, with timestamps left as the text that was written: zones are the mapping's matter."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def yaml_rows(text: str, path: str, label: str, reject: OnReject) -> Iterator[tuple[int, dict[str, Any]]]:
    """Rows of the list at the dotted `path`. MappingError when the document or the path can't be read."""
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        for step in path.split(".") if path else []:
            node = _child(node, step)
            if node is None:
                raise MappingError(f"{label}: there is no {path} in the document; check rows")
        if not isinstance(node, yaml.SequenceNode):
            raise MappingError(f"{label}: {path or 'the document'} is not a list; check rows")
        for item in node.value:
            line = item.start_mark.line + 1
            row = loader.construct_document(item)
            if isinstance(row, dict):
                yield line, row
            else:
                reject(line, f"not a mapping but {shortened(row)}", row)
    except yaml.YAMLError as error:
        raise MappingError(f"{label}: not readable as YAML: {' '.join(str(error).split())}") from error
    except RecursionError as error:
        raise MappingError(f"{label}: nested too deep to be read") from error
    finally:
        loader.dispose()


def _child(node: Any, name: str) -> Any:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for key, value in node.value if key.value == name), None)


def json_rows(text: str, path: str, label: str, reject: OnReject) -> Iterator[tuple[int, dict[str, Any]]]:
    """Rows of the list at the dotted `path`. MappingError when the document or the path can't be read."""
    try:
        position = _skip(text, 0)
        for step in path.split(".") if path else []:
            position = _enter(text, position, step, label)
        if text[position : position + 1] != "[":
            raise MappingError(f"{label}: {path or 'the document'} is not a list; check rows")
        yield from _elements(text, position + 1, reject)
    except json.JSONDecodeError as error:
        raise MappingError(f"{label}: malformed JSON on line {error.lineno}: {error.msg}") from error
    except RecursionError as error:
        raise MappingError(f"{label}: nested too deep to be read") from error


def _elements(text: str, position: int, reject: OnReject) -> Iterator[tuple[int, dict[str, Any]]]:
    decode = json.JSONDecoder().raw_decode
    line, counted = 1, 0
    position = _skip(text, position)
    while text[position : position + 1] != "]":
        line += text.count("\n", counted, position)
        counted = position
        row, position = decode(text, position)
        if isinstance(row, dict):
            yield line, row
        else:
            reject(line, f"not a JSON object but {shortened(row)}", row)
        position = _skip(text, position)
        if text[position : position + 1] == ",":
            position = _skip(text, position + 1)
        elif text[position : position + 1] != "]":
            raise json.JSONDecodeError("expected , or ]", text, position)


def _enter(text: str, position: int, name: str, label: str) -> int:
    # Values before the wanted one are decoded and dropped: only the list itself is kept row by row.
    decode = json.JSONDecoder().raw_decode
    if text[position : position + 1] != "{":
        raise MappingError(f"{label}: there is no {name} in the document; check rows")
    position = _skip(text, position + 1)
    while text[position : position + 1] == '"':
        key, position = decode(text, position)
        position = _skip(text, position)
        if text[position : position + 1] != ":":
            raise json.JSONDecodeError("expected :", text, position)
        position = _skip(text, position + 1)
        if key == name:
            return position
        _, position = decode(text, position)
        position = _skip(text, position)
        if text[position : position + 1] == ",":
            position = _skip(text, position + 1)
    raise MappingError(f"{label}: there is no {name} in the document; check rows")


def _skip(text: str, position: int) -> int:
    match = _BLANK.match(text, position)
    return match.end() if match else position
