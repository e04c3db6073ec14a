"""Front matter: what a file says about itself in YAML between two lines of `---`."""

import re
from typing import Any

from msgspec import Struct

from datasources.documents.errors import DocumentFileError
from datasources.files.formats.yaml_documents import parse_yaml
from datasources.records.documents import DocumentKind
from datasources.values import text_violation

_TEXTS = ("title", "key", "team", "restricted_team")
_FIELDS = frozenset({*_TEXTS, "kind", "items"})
# Also below empty lines: what restricts a document must not become its text.
_FENCE = re.compile(r"(?:[ \t]*(?:\r\n|\r|\n))*---[ \t]*(?:#[^\r\n]*)?(?:\r\n|\r|\n)")
_END = re.compile(r"^(?:---|\.\.\.)[ \t]*$(?:\r\n|\r|\n|\Z)", re.MULTILINE)
_ITEM = re.compile(r"([^/]+)/(.+)", re.DOTALL)


class FrontMatter(Struct, frozen=True):
    """The fields of a file; None is not given. Items are pairs of source and key, `ignored` counts other fields."""

    title: str | None = None
    key: str | None = None
    kind: DocumentKind | None = None
    team: str | None = None
    restricted_team: str | None = None
    items: tuple[tuple[str, str], ...] | None = None
    ignored: int = 0


def split_front_matter(text: str) -> tuple[FrontMatter, str]:
    """Return the front matter of a file and the text below it. Raise DocumentFileError with the line if it is bad."""
    begin = _FENCE.match(text)
    if begin is None:
        return FrontMatter(), text
    # Line ends as YAML and this search count them.
    head = re.sub(r"\r\n?", "\n", text[begin.end() :])
    end = _END.search(head)
    if end is None:
        raise DocumentFileError("line 1: the front matter has no end; write --- on a line of its own below it")
    # With the lines above it, so that lines count as in the file.
    above = len(re.findall(r"\r\n|\r|\n", begin[0]))
    return _fields("\n" * (above - 1) + "---\n" + head[: end.start()]), head[end.end() :]


def _fields(yaml: str) -> FrontMatter:
    try:
        found = parse_yaml(yaml) or {}
    except ValueError as error:
        raise DocumentFileError(f"front matter: {error}; put texts with a colon or a quote in quotes") from error
    if not isinstance(found, dict):
        raise DocumentFileError("line 2: the front matter is no list of fields; write them as name: value")
    found = _normalize(yaml, found)
    if "restricted_team" in found and found["restricted_team"] is None:
        line = _line(yaml, "restricted_team")
        raise DocumentFileError(f"line {line}: restricted_team has no value; name a team, or write '' for none")
    texts = {name: _text(yaml, name, found[name]) for name in _TEXTS if found.get(name) is not None}
    return FrontMatter(
        **texts,
        kind=_kind(yaml, found["kind"]) if found.get("kind") is not None else None,
        items=_items(yaml, found["items"]) if found.get("items") is not None else None,
        ignored=sum(name not in _FIELDS for name in found),
    )


def _normalize(yaml: str, found: dict[Any, Any]) -> dict[str, Any]:
    """Return the fields by name in any case and with dashes: `Restricted-Team` is `restricted_team`."""
    normal: dict[str, Any] = {}
    for given, value in found.items():
        name = str(given).lower().replace("-", "_")
        if name in normal and name in _FIELDS:
            raise DocumentFileError(f"line {_line(yaml, name)}: {name} is given twice; keep one")
        normal[name] = value
    return normal


def _text(yaml: str, name: str, value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise DocumentFileError(f"line {_line(yaml, name)}: {name} is no text; put it in quotes")
    if violation := text_violation(value):
        raise DocumentFileError(f"line {_line(yaml, name)}: {name} {violation}")
    return value.strip()


def _kind(yaml: str, value: object) -> DocumentKind:
    try:
        return DocumentKind(str(value).upper())
    except ValueError as error:
        allowed = " or ".join(DocumentKind)
        raise DocumentFileError(f"line {_line(yaml, 'kind')}: kind is unknown; write {allowed}") from error


def _items(yaml: str, value: Any) -> tuple[tuple[str, str], ...]:
    matches = (
        [_ITEM.fullmatch(item) if isinstance(item, str) and not text_violation(item) else None for item in value]
        if _is_list(value)
        else [None]
    )
    if None in matches:
        raise DocumentFileError(
            f"line {_line(yaml, 'items')}: items is no list of source/key; write items: [source/key, source/key]"
        )
    return tuple(dict.fromkeys((match[1], match[2]) for match in matches if match is not None))


def _is_list(value: object) -> bool:
    return isinstance(value, list)


def _line(yaml: str, name: str) -> int:
    found = re.search(rf"^[\"']?{name.replace('_', '[-_]')}[\"']?\s*:", yaml, re.MULTILINE | re.IGNORECASE)
    return yaml.count("\n", 0, found.start()) + 1 if found else 2
