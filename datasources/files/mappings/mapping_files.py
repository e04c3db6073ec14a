"""Loads mapping files from YAML, and reports all errors that are visible before a data file is opened."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from datasources.files.entities import ENTITIES
from datasources.files.errors import MappingError
from datasources.files.formats.encodings import decode_document, encoding_problem
from datasources.files.formats.yaml_documents import parse_yaml
from datasources.files.hints import suggest_names
from datasources.files.mapping import DataFile, FieldMap, Mapping, Section, ValueSpec
from datasources.files.mappings.times import format_problem
from datasources.values import text_violation

# Keys whose values have types. All other values are names, which remain text as written: column: 2026.
_TYPED = frozenset({"constant", "default", "otherwise", "map", "inline", "where", "unless", "sheet"})
_SPECIFICATIONS: dict[str, Any] = {"files": DataFile, "fields": str | ValueSpec, "attributes": str | ValueSpec}


def load_mapping(path: Path) -> Mapping:
    """Read and check a mapping file. Raise MappingError that names the invalid key."""
    try:
        with path.open("rb") as stream:
            document = _as_written(parse_yaml(decode_document(stream, None, str(path))))
    except FileNotFoundError as error:
        raise MappingError(f"{path}: there is no such mapping file") from error
    except OSError as error:
        raise MappingError(f"{path}: can't be read: {error.strerror}") from error
    except ValueError as error:
        raise MappingError(f"{path}: {error}") from error
    try:
        mapping = msgspec.convert(document, Mapping, strict=False)
    except msgspec.ValidationError as error:
        raise MappingError(f"{path}: {_named(str(error), document)}; see docs/import.md for the keys") from error
    for place, problem in _problems(mapping):
        raise MappingError(f"{path}: {place}: {problem}")
    return mapping


def _as_written(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: inner if key in _TYPED else _as_written(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_as_written(inner) for inner in value]
    return msgspec.json.encode(value).decode() if isinstance(value, int | float) else value


def _named(message: str, document: Any) -> str:
    """Replace each `[...]` of a message by the key, which msgspec does not name for mappings."""
    text, _, path = message.partition(" - at `$")
    place, node, kind = "", document, None
    for step in re.findall(r"\.(\w+)|\[(\d+|\.\.\.)\]", path.rstrip("`")):
        name, index = step
        if index == "...":
            name = next((key for key, value in node.items() if not _fits(value, kind)), "...")
        if index.isdigit():
            place, node = f"{place}[{index}]", node[int(index)]
            kind = str | ValueSpec
        else:
            place, node = f"{place}.{name}", node.get(name)
            kind = _SPECIFICATIONS.get(name)
    return f"{text} - at `{place.removeprefix('.')}`" if place else text


def _fits(value: Any, kind: Any) -> bool:
    try:
        msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError:
        return False
    return True


def _problems(mapping: Mapping) -> Iterator[tuple[str, str]]:
    if not mapping.source:
        yield "source", "is empty; name whose keys these are"
    yield from _text_problems("source", mapping.source)
    yield from _zone_problems("zone", mapping.zone)
    if problem := format_problem(mapping.time):
        yield "time", problem
    for alias, file in mapping.files.items():
        yield from _file_problems(f"files.{alias}", file)
    for index, section in enumerate(mapping.sections):
        yield from _section_problems(f"sections[{index}]", section, mapping)


def _file_problems(place: str, file: DataFile) -> Iterator[tuple[str, str]]:
    if (file.path is None) == (file.inline is None):
        yield place, "give either path or inline"
    yield from _text_problems(f"{place}.path", file.path or "")
    if file.delimiter is not None and (len(file.delimiter) != 1 or file.delimiter in '"\r\n\0'):
        yield f"{place}.delimiter", "must be one character, and no quote or line break"
    if file.encoding is not None and (problem := encoding_problem(file.encoding)):
        yield f"{place}.encoding", problem
    if file.header < 1:
        yield f"{place}.header", "is the number of a row, from 1"


def _section_problems(place: str, section: Section, mapping: Mapping) -> Iterator[tuple[str, str]]:
    entity = ENTITIES.get(section.entity)
    if entity is None:
        yield f"{place}.entity", f"{section.entity!r} is not an entity{suggest_names(section.entity, ENTITIES)}"
        return
    if section.file not in mapping.files:
        yield f"{place}.file", f"{section.file!r} is not among files{suggest_names(section.file, mapping.files)}"
    if (section.repeats == "latest") != (section.latest_by is not None):
        yield f"{place}.latest_by", "goes with repeats: latest; give both or neither"
    if section.distinct and section.repeats is not None:
        yield f"{place}.distinct", "is repeats: first; give one of them"
    if section.latest_by is not None:
        yield from _value_problems(place, {"latest_by": section.latest_by}, mapping)
    if section.attributes and not entity.attributes:
        yield f"{place}.attributes", f"{entity.name} keep no attributes; use fields"
    yield from _text_problems(f"{place}.source", section.source)
    names = [field.name for field in entity.fields]
    for fields in section.variants():
        for key in fields:
            if key not in names:
                yield f"{place}.fields.{key}", f"{entity.name} have no such field{suggest_names(key, names)}"
        yield from _value_problems(f"{place}.fields", fields, mapping)
        for field in entity.fields:
            if field.required and field.name not in fields:
                yield f"{place}.fields", f"{field.name} is required for {entity.name}"
    yield from _value_problems(f"{place}.attributes", section.attributes, mapping)
    for key in section.attributes:
        yield from _text_problems(f"{place}.attributes", key)


def _value_problems(place: str, fields: FieldMap, mapping: Mapping) -> Iterator[tuple[str, str]]:
    for key, value in fields.items():
        where = f"{place}.{key}"
        if isinstance(value, str):
            continue
        origins = [value.column, value.constant, value.template, value.first_of, value.row or value.file or None]
        if sum(origin is not None for origin in origins) != 1:
            yield where, "give exactly one of column, constant, template, first_of, row, file"
        if value.zone is not None:
            yield from _zone_problems(f"{where}.zone", value.zone)
        if value.time is not None and (problem := format_problem(value.time)):
            yield f"{where}.time", problem
        if value.split == "":
            yield f"{where}.split", "is empty; write the character between the parts"
        if value.lookup is not None and value.lookup.file not in mapping.files:
            yield (
                f"{where}.lookup.file",
                f"{value.lookup.file!r} is not among files{suggest_names(value.lookup.file, mapping.files)}",
            )


def _text_problems(place: str, text: str) -> Iterator[tuple[str, str]]:
    if violation := text_violation(text):
        yield place, violation


def _zone_problems(place: str, zone: str) -> Iterator[tuple[str, str]]:
    try:
        ZoneInfo(zone)
    # ZoneInfoNotFoundError is a KeyError; a name that is a folder of zones raises an OSError.
    except (KeyError, ValueError, OSError):
        yield place, f"{zone!r} is not a time zone; write one like Europe/Amsterdam"
