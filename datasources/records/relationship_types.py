"""Relationship types, which are data, not an enum."""

from enum import StrEnum

from msgspec import Struct


class Impact(StrEnum):
    """FORWARD: a failure of `from` impacts `to`; REVERSE: a failure of `to` impacts `from`.

    An edge from an item to itself through which impact flows is FORWARD: both directions are the same.
    """

    FORWARD = "FORWARD"
    REVERSE = "REVERSE"
    NONE = "NONE"


class RelationshipTypeRecord(Struct, frozen=True, array_like=True):
    """A kind of relationship between two configuration items, with a label for each direction."""

    key: str
    label: str
    inverse_label: str
    impact: Impact
    description: str
