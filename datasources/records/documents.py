"""Documents: runbooks and knowledge."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct


class DocumentKind(StrEnum):
    """Whether a document describes a procedure or knowledge."""

    RUNBOOK = "RUNBOOK"
    KNOWLEDGE = "KNOWLEDGE"


class DocumentRecord(Struct, frozen=True, array_like=True):
    """A document without its body, which is large and read only when it is requested."""

    id: str
    key: str
    kind: DocumentKind
    title: str
    source: str
    team_id: str | None
    restricted_team_id: str | None
    version: int
    updated_at: datetime


class SuggestedLink(Struct, frozen=True, array_like=True):
    """An item whose name occurs in a version of a document: the line of the body where it is first, and how often."""

    item_id: str
    first_line: int
    count: int
    document_version: int
