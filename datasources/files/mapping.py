"""The mapping file, in YAML: it defines which files, rows and columns become which records."""

import re
from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from datasources.files.entities import ENTITIES, ImportEntity

AmbiguousTimeRule = Literal["earlier", "later", "reject"]
# A column inside a template.
TEMPLATE_COLUMN = re.compile(r"\{([^{}]+)\}")


class Lookup(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Selects the row of another file whose column `key` has the value, and returns its column `value`."""

    file: str
    key: str
    value: str
    otherwise: Literal["reject", "empty"] = "reject"


class ValueSpec(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The origin of one value and its processing steps, in this order: empty, match, split, lookup, map, case, as."""

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
    """Files below the data folder, or rows in the mapping itself. A path may be a pattern: `exports/*.csv`."""

    path: str | None = None
    inline: list[dict[str, Any]] | None = None
    format: Literal["csv", "json", "jsonl", "yaml", "xlsx"] | None = None
    encoding: str | None = None
    delimiter: str | None = None
    # The row of a table that names its columns; rows above it are skipped, and empty ones do not count in CSV.
    header: int = 1
    # The sheet of a workbook, by its name or its number from 1; by default the first visible one.
    sheet: int | str | None = None
    # Dotted path to the list of rows inside a JSON or YAML document; empty if the document is the list.
    rows: str = ""


class Section(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One entity read from one file. `each` makes several records from one row; its fields override `fields`."""

    entity: str
    file: str
    name: str = ""
    source: str = ""
    unnest: str | None = None
    where: dict[str, Any] = {}
    unless: dict[str, Any] = {}
    present: list[str] = []
    distinct: bool = False
    # Which of several rows with one key is used; for `latest`, the value that decides.
    repeats: Literal["first", "latest", "reject"] | None = None
    latest_by: str | ValueSpec | None = None
    fields: FieldMap = {}
    attributes: FieldMap = {}
    each: list[FieldMap] = []

    @property
    def title(self) -> str:
        """The name of this section in reports."""
        return self.name or self.entity.replace("_", " ")

    @property
    def target_entity(self) -> ImportEntity:
        """The entity whose records this section creates."""
        return ENTITIES[self.entity]

    @property
    def repeat_rule(self) -> Literal["first", "latest", "reject"]:
        """The rule that selects one of several rows with one key."""
        return self.repeats or ("first" if self.distinct else "reject")

    def variants(self) -> Iterator[FieldMap]:
        """Yield the field maps to apply to each row, one after the other."""
        for over in self.each or [{}]:
            yield self.fields | over

    def columns(self) -> Iterator[tuple[str, str]]:
        """Yield every column that the section reads, with the key of the mapping that names it."""
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
    """A whole mapping file. `source` is the source of the items' identification keys; zone and time are defaults."""

    source: str
    files: dict[str, DataFile]
    sections: list[Section]
    description: str = ""
    zone: str = "UTC"
    time: str = "iso"
    ambiguous: AmbiguousTimeRule = "earlier"
    empty: list[str] = msgspec.field(default_factory=lambda: [""])

    def sources(self) -> set[str]:
        """Return the identification sources that this mapping writes."""
        named = {self.source, *(section.source for section in self.sections if section.source)}
        for section in self.sections:
            for fields in section.variants():
                spec = fields.get("source")
                if isinstance(spec, ValueSpec) and isinstance(spec.constant, str):
                    named.add(spec.constant)
        return named


def columns_of(value: str | ValueSpec) -> list[str]:
    """Return the columns that a value reads."""
    if isinstance(value, str):
        return [value]
    if value.template is not None:
        return TEMPLATE_COLUMN.findall(value.template)
    if value.first_of is not None:
        return value.first_of
    return [value.column] if value.column is not None else []


def condition_groups(key: str, value: Any) -> list[dict[str, Any]] | None:
    """Return the groups of `any` or `all`; None if the key is a column with that name."""
    if key in {"any", "all"} and isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
        return value
    return None


def condition_columns(conditions: dict[str, Any]) -> Iterator[str]:
    """Yield the columns that conditions read."""
    for key, value in conditions.items():
        groups = condition_groups(key, value)
        if groups is None:
            yield key
        for group in groups or ():
            yield from condition_columns(group)
