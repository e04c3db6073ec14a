"""What a search asks and finds."""

from dataclasses import dataclass
from enum import StrEnum

from msgspec import Struct


class SearchKind(StrEnum):
    """What can be found."""

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
    """A text without space around it, the kinds to look among, and how many hits at most."""

    text: str
    kinds: tuple[SearchKind, ...]
    first: int


class SearchHit(Struct, frozen=True, array_like=True):
    """A row that matches. `score` runs from 0 to 1, 1 being an exact number, key or name."""

    kind: SearchKind
    id: str
    score: float
    title: str
    excerpt: str | None
