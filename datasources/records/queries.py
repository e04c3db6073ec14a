"""Queries of tables: predicates, orders, pages and the caller's scope. Immutable and hashable, for use as keys."""

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from msgspec import Struct

R = TypeVar("R")


class Operator(StrEnum):
    """How a field is compared. CONTAINS and STARTS_WITH ignore case."""

    EQ = "eq"
    IN = "in"
    CONTAINS = "contains"
    STARTS_WITH = "startsWith"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    IS_NULL = "isNull"
    # The JSON document of the field contains that of the value.
    HOLDS = "holds"


@dataclass(frozen=True, slots=True)
class FieldComparison:
    """One field against one value; for IN the value is a tuple, for HOLDS it is JSON text."""

    field: str
    operator: Operator
    value: object


@dataclass(frozen=True, slots=True)
class And:
    """All parts are true; true without parts."""

    parts: tuple["Predicate", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one part is true; false without parts."""

    parts: tuple["Predicate", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part is not true; an unknown (null) part counts as not true."""

    part: "Predicate"


@dataclass(frozen=True, slots=True)
class Some:
    """At least one related row that the caller may see fulfils the predicate."""

    relation: str
    predicate: "Predicate"


Predicate = FieldComparison | And | Or | Not | Some

ANYTHING = And(())


@dataclass(frozen=True, slots=True)
class Order:
    """By one sortable field, then by id in the same direction."""

    field: str
    descending: bool = False


class KeysetPosition(Struct, frozen=True, array_like=True):
    """A position in an order: the row's value of the order field as PostgreSQL prints it, and its id."""

    value: str
    id: str


@dataclass(frozen=True, slots=True)
class PageRequest:
    """At most `limit` rows after or before a position; `backwards` takes the last ones instead of the first."""

    limit: int
    order: Order
    after: KeysetPosition | None = None
    before: KeysetPosition | None = None
    backwards: bool = False


@dataclass(frozen=True, slots=True)
class Scope:
    """The restricted rows that the caller may see: all of them, or those of these teams."""

    sees_restricted: bool
    team_keys: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """A short text for cache keys, the same in all processes; different scopes have different texts."""
        reach = "all" if self.sees_restricted else "own"
        if not self.team_keys:
            return reach
        # Encoded as JSON, since the key of a team may contain any separator.
        return f"{reach}-{hashlib.blake2b(json.dumps(self.team_keys).encode(), digest_size=12).hexdigest()}"


class Row(Struct, Generic[R], frozen=True, array_like=True):
    """A record with its position in the requested order."""

    position: KeysetPosition
    record: R


class RowPage(Struct, Generic[R], frozen=True, array_like=True):
    """One page in order; `more` says whether rows follow in the direction of paging."""

    rows: tuple[Row[R], ...]
    more: bool


@dataclass(frozen=True, slots=True)
class GroupCount:
    """The number of rows that share one value; the rows with None are a group too."""

    value: str | None
    count: int
