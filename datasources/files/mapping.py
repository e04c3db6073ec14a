"""The mapping file: which file, which rows and which columns become which records, in YAML."""

import re
from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from datasources.files.entities import ENTITIES, ImportEntity

AmbiguousTimeRule = Literal["earlier", "later", "reject"]
# A column inside a template.
TEMPLATE_COLUMN = re.compile(r"\{([^{}]+)\}")


class Lookup(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The row of another file whose column `key` has the value, and of it the column `value`."""

    file: str
    key: str
    value: str
    otherwise: Literal["reject", "empty"] = "reject"


class ValueSpec(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Where one value comes from, and what is done to it, in this order: empty, match, split, lookup, map, case, as."""

    column: str | None = None
    constant: Any = None
    template: str | None = None
    first_of: list[str] | None = None
    row: bool = False
    file: bool = False
    empty: list[str] | None = None
    default: Any = None
    match: str | None = None
    split: str | None = None
    lookup: Lookup | None = None
    map: dict[str, Any] | None = None
    otherwise: Any = msgspec.UNSET
    case: Literal["lower", "upper", "slug"] | None = None
    as_: Literal["text", "integer", "number", "boolean", "time"] | None = msgspec.field(default=None, name="as")
    time: str | None = None
    zone: str | None = None
    ambiguous: AmbiguousTimeRule | None = None


FieldMap = dict[str, str | ValueSpec]


class DataFile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Files below the data folder, or rows written in the mapping itself. A path may be a pattern: `exports/*.csv`."""

    path: str | None = None
    inline: list[dict[str, Any]] | None = None
    format: Literal["csv", "json", "jsonl", "yaml", "xlsx"] | None = None
    encoding: str | None = None
    delimiter: str | None = None
    # The row of a table that names its columns; rows above it are passed over, and empty ones do not count in CSV.
    header: int = 1
    # The sheet of a workbook, by its name or its number from 1; the first that is not hidden otherwise.
    sheet: int | str | None = None
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
    latest_by: str | ValueSpec | None = None
    fields: FieldMap = {}
    attributes: FieldMap = {}
    each: list[FieldMap] = []

    @property
    def title(self) -> str:
        """What a report calls this section."""
        return self.name or self.entity.replace("_", " ")

    @property
    def target_entity(self) -> ImportEntity:
        """The entity this section makes."""
        return ENTITIES[self.entity]

    @property
    def repeat_rule(self) -> Literal["first", "latest", "reject"]:
        """Which of several rows of one key wins."""
        return self.repeats or ("first" if self.distinct else "reject")

    def variants(self) -> Iterator[FieldMap]:
        """The field maps to apply to each row, one after the other."""
        for over in self.each or [{}]:
            yield self.fields | over

    def columns(self) -> Iterator[tuple[str, str]]:
        """Every column the section reads, with the key of the mapping that names it."""
        yield from ((name, "where") for name in condition_columns(self.where))
        yield from ((name, "unless") for name in condition_columns(self.unless))
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
    ambiguous: AmbiguousTimeRule = "earlier"
    empty: list[str] = msgspec.field(default_factory=lambda: [""])

    def sources(self) -> set[str]:
        """The identification sources this mapping writes."""
        named = {self.source, *(section.source for section in self.sections if section.source)}
        for section in self.sections:
            for fields in section.variants():
                given = fields.get("source")
                if isinstance(given, ValueSpec) and isinstance(given.constant, str):
                    named.add(given.constant)
        return named


def columns_of(value: str | ValueSpec) -> list[str]:
    """The columns a value reads."""
    if isinstance(value, str):
        return [value]
    if value.template is not None:
        return TEMPLATE_COLUMN.findall(value.template)
    if value.first_of is not None:
        return value.first_of
    return [value.column] if value.column is not None else []


def condition_groups(key: str, value: Any) -> list[dict[str, Any]] | None:
    """The groups of `any` or `all`; None where the key is a column of that name."""
    if key in {"any", "all"} and isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
        return value
    return None


def condition_columns(conditions: dict[str, Any]) -> Iterator[str]:
    """The columns that conditions ask about."""
    for key, value in conditions.items():
        groups = condition_groups(key, value)
        if groups is None:
            yield key
        for group in groups or ():
            yield from condition_columns(group)
