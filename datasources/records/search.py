"""Search queries and their hits."""

from dataclasses import dataclass
from enum import StrEnum

from msgspec import Struct


class SearchKind(StrEnum):
    """The kinds of records that a search covers."""

    CONFIGURATION_ITEM = "CONFIGURATION_ITEM"
    INCIDENT = "INCIDENT"
    CHANGE = "CHANGE"
    DOCUMENT = "DOCUMENT"
    WORKFLOW = "WORKFLOW"
    TEAM = "TEAM"
    USER = "USER"
    REQUIREMENT = "REQUIREMENT"


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """A text without surrounding space, the kinds to search, and the maximum number of hits."""

    text: str
    kinds: tuple[SearchKind, ...]
    first: int


class SearchHit(Struct, frozen=True, array_like=True):
    """A matching row. `score` ranges from 0 to 1; 1 means an exact number, key or name."""

    kind: SearchKind
    id: str
    score: float
    title: str
    excerpt: str | None


class NamedRecord(Struct, frozen=True, array_like=True):
    """A configuration item or a team by its name and keys. Those of an item stand alone and with their source."""

    id: str
    name: str
    keys: list[str]
