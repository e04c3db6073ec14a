"""Relationships, and the redundancy groups that they can belong to."""

from datetime import datetime

from msgspec import Struct

from datasources.records.unreadable import Document


class RelationshipRecord(Struct, frozen=True, array_like=True):
    """The current version of a relationship, as declared: from, to and type."""

    id: str
    from_id: str
    to_id: str
    type_key: str
    source: str
    attributes: Document
    redundancy_group_id: str | None
    version: int
    valid_from: datetime


class RedundancyGroupRecord(Struct, frozen=True, array_like=True):
    """A group of which a dependent needs `needed` healthy members; `members` are ids of configuration items."""

    id: str
    dependent_id: str
    name: str
    needed: int
    members: tuple[str, ...]
