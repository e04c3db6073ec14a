"""The mapping file: which file, which rows and which columns become which records, in YAML."""

from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import yaml

from datasources.files.entities import ENTITIES, Entity

Ambiguous = Literal["earlier", "later", "reject"]


class MappingError(Exception):
    """A mapping cannot be used. The message names the file and the key, and says what to do; nothing was written."""


class Value(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Where one value comes from, and what is done to it, in this order: empty, match, split, map, case, as."""

    column: str | None = None
    constant: Any = None
    template: str | None = None
    first_of: list[str] | None = None
    empty: list[str] | None = None
    default: Any = None
    match: str | None = None
    split: str | None = None
    map: dict[str, Any] | None = None
    otherwise: Any = msgspec.UNSET
    case: Literal["lower", "upper", "slug"] | None = None
    as_: Literal["text", "integer", "number", "boolean", "time"] | None = msgspec.field(default=None, name="as")
    time: str | None = None
    zone: str | None = None
    ambiguous: Ambiguous | None = None


FieldMap = dict[str, str | Value]


class DataFile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One file below the data folder, or rows written in the mapping itself."""

    path: str | None = None
    inline: list[dict[str, Any]] | None = None
    format: Literal["csv", "json", "jsonl", "yaml"] | None = None
    encoding: str = "utf-8"
    delimiter: str = ","
    # Dotted path to the list of rows inside a JSON or YAML document; empty where the document is the list.
    rows: str = ""


class Section(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One entity read from one file. `each` gives several records from one row; its fields lie over `fields`."""

    entity: str
    file: str
    name: str = ""
    source: str = ""
    unnest: str | None = None
    where: dict[str, Any] = {}
    unless: dict[str, Any] = {}
    present: list[str] = []
    distinct: bool = False
    # Which of several rows of one key wins; where it is the latest, the value that decides.
    repeats: Literal["first", "latest", "reject"] | None = None
    latest_by: str | Value | None = None
    fields: FieldMap = {}
    attributes: FieldMap = {}
    each: list[FieldMap] = []

    @property
    def title(self) -> str:
        """What a report calls this section."""
        return self.name or self.entity.replace("_", " ")

    @property
    def kind(self) -> Entity:
        """The entity this section makes."""
        return ENTITIES[self.entity]

    @property
    def rule(self) -> Literal["first", "latest", "reject"]:
        """Which of several rows of one key wins."""
        return self.repeats or ("first" if self.distinct else "reject")

    def variants(self) -> Iterator[FieldMap]:
        """The field maps to apply to each row, one after the other."""
        for over in self.each or [{}]:
            yield self.fields | over

    def columns(self) -> Iterator[tuple[str, str]]:
        """Every column the section reads, with the key of the mapping that names it."""
        yield from ((name, "where") for name in self.where)
        yield from ((name, "unless") for name in self.unless)
        yield from ((name, "present") for name in self.present)
        if self.unnest:
            yield self.unnest, "unnest"
        if self.latest_by is not None:
            yield from ((column, "latest_by") for column in columns_of(self.latest_by))
        for fields in (*self.variants(), self.attributes):
            for key, value in fields.items():
                yield from ((column, key) for column in columns_of(value))


class Mapping(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A whole mapping file. `source` names whose keys identify the items; zone and time are defaults."""

    source: str
    files: dict[str, DataFile]
    sections: list[Section]
    description: str = ""
    zone: str = "UTC"
    time: str = "iso"
    ambiguous: Ambiguous = "earlier"
    empty: list[str] = msgspec.field(default_factory=lambda: [""])

    def sources(self) -> set[str]:
        """The identification sources this mapping writes."""
        named = {self.source, *(section.source for section in self.sections if section.source)}
        for section in self.sections:
            for fields in section.variants():
                given = fields.get("source")
                if isinstance(given, Value) and isinstance(given.constant, str):
                    named.add(given.constant)
        return named


def columns_of(value: str | Value) -> list[str]:
    """The columns a value reads."""
    if isinstance(value, str):
        return [value]
    if value.template is not None:
        return [piece.split("}", 1)[0] for piece in value.template.split("{")[1:]]
    if value.first_of is not None:
        return value.first_of
    return [value.column] if value.column is not None else []


def load_mapping(path: Path) -> Mapping:
    """Read and check a mapping file. MappingError names the key at fault."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise MappingError(f"{path}: there is no such mapping file") from error
    except UnicodeDecodeError as error:
        raise MappingError(f"{path}: the file is not UTF-8; save it as UTF-8") from error
    except yaml.YAMLError as error:
        raise MappingError(f"{path}: not readable as YAML: {' '.join(str(error).split())}") from error
    try:
        mapping = msgspec.convert(document, Mapping)
    except msgspec.ValidationError as error:
        raise MappingError(f"{path}: {str(error).replace('$.', '')}; see docs/import.md for the keys") from error
    for place, problem in _problems(mapping):
        raise MappingError(f"{path}: {place}: {problem}")
    return mapping


def _problems(mapping: Mapping) -> Iterator[tuple[str, str]]:
    if not mapping.source:
        yield "source", "is empty; name whose keys these are"
    yield from _zone_problems("zone", mapping.zone)
    for alias, file in mapping.files.items():
        if (file.path is None) == (file.inline is None):
            yield f"files.{alias}", "give either path or inline"
        if len(file.delimiter) != 1:
            yield f"files.{alias}.delimiter", "must be one character"
        try:
            "".encode(file.encoding)
        except LookupError:
            yield f"files.{alias}.encoding", f"{file.encoding!r} is not an encoding; write utf-8 or latin-1"
    for index, section in enumerate(mapping.sections):
        yield from _section_problems(f"sections[{index}]", section, mapping)


def _section_problems(place: str, section: Section, mapping: Mapping) -> Iterator[tuple[str, str]]:
    entity = ENTITIES.get(section.entity)
    if entity is None:
        yield f"{place}.entity", f"{section.entity!r} is not an entity{hint(section.entity, ENTITIES)}"
        return
    if section.file not in mapping.files:
        yield f"{place}.file", f"{section.file!r} is not among files{hint(section.file, mapping.files)}"
    if (section.repeats == "latest") != (section.latest_by is not None):
        yield f"{place}.latest_by", "goes with repeats: latest; give both or neither"
    if section.distinct and section.repeats is not None:
        yield f"{place}.distinct", "is repeats: first; give one of them"
    if section.latest_by is not None:
        yield from _value_problems(f"{place}.latest_by", section.latest_by)
    if section.attributes and not entity.attributes:
        yield f"{place}.attributes", f"{entity.name} keep no attributes; use fields"
    names = [field.name for field in entity.fields]
    for fields in section.variants():
        for key, value in fields.items():
            if key not in names:
                yield f"{place}.fields.{key}", f"{entity.name} have no such field{hint(key, names)}"
            yield from _value_problems(f"{place}.fields.{key}", value)
        for field in entity.fields:
            if field.required and field.name not in fields:
                yield f"{place}.fields", f"{field.name} is required for {entity.name}"
    for key, value in section.attributes.items():
        yield from _value_problems(f"{place}.attributes.{key}", value)


def _value_problems(place: str, value: str | Value) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        return
    origins = (value.column, value.constant, value.template, value.first_of)
    if sum(origin is not None for origin in origins) != 1:
        yield place, "give exactly one of column, constant, template, first_of"
    if value.zone is not None:
        yield from _zone_problems(f"{place}.zone", value.zone)


def _zone_problems(place: str, zone: str) -> Iterator[tuple[str, str]]:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        yield place, f"{zone!r} is not a time zone; write one like Europe/Amsterdam"


def hint(word: str, known: "dict[str, Any] | list[str]") -> str:
    """A remedy for a name that is not known: the nearest ones, or all of them when they are few."""
    near = get_close_matches(word, list(known), n=2)
    names = near or sorted(known)[:12]
    return f"; did you mean {' or '.join(near)}?" if near else f"; there are {', '.join(names)}"
