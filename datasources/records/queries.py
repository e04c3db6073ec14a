"""What may be asked of a table: predicates, orders, pages and the scope of who asks. Frozen, so they can be keys."""

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

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
    # A JSON document that holds the given one.
    HOLDS = "holds"


@dataclass(frozen=True, slots=True)
class FieldComparison:
    """One field against one value; for IN the value is a tuple, for HOLDS it is JSON text."""

    field: str
    operator: Operator
    value: object


@dataclass(frozen=True, slots=True)
class And:
    """Every part holds; no parts means true."""

    parts: tuple["Predicate", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one part holds; no parts means false."""

    parts: tuple["Predicate", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold; what is unknown (null) counts as not holding."""

    part: "Predicate"


@dataclass(frozen=True, slots=True)
class Some:
    """At least one related row, visible to whoever asks, fulfils the predicate."""

    relation: str
    predicate: "Predicate"


Predicate = FieldComparison | And | Or | Not | Some

ANYTHING = And(())


@dataclass(frozen=True, slots=True)
class Order:
    """By one allowed field, then by id in the same direction."""

    field: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class KeysetPosition:
    """A place in an order: the row's value of the order field as PostgreSQL prints it, and its id."""

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
    """Which rows whoever asks may see: every restricted row, or those of these teams."""

    sees_restricted: bool
    team_keys: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """A short text, equal for equal scopes only and stable across processes, for cache keys."""
        reach = "all" if self.sees_restricted else "own"
        if not self.team_keys:
            return reach
        # As JSON, since a team's key may hold any separator.
        return f"{reach}-{hashlib.blake2b(json.dumps(self.team_keys).encode(), digest_size=12).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Row(Generic[R]):
    """A record with its place in the order it was asked in."""

    position: KeysetPosition
    record: R


@dataclass(frozen=True, slots=True)
class RowPage(Generic[R]):
    """One page in order; `more` says whether rows follow in the direction of paging."""

    rows: tuple[Row[R], ...]
    more: bool


@dataclass(frozen=True, slots=True)
class GroupCount:
    """How many rows share one value; None is a group of its own."""

    value: str | None
    count: int
