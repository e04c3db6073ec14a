"""Filters: operator objects, combined by and, or and not, across relations; made into predicates."""

import dataclasses
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Generic, TypeVar

import orjson
import strawberry
from strawberry.scalars import JSON
from strawberry.types.unset import UNSET

from datasources.records.queries import ANYTHING, All, Compare, Either, Not, Operator, Order, Predicate, Some
from resolvers.errors import BadUserInput, LimitExceeded
from schema.enums import described
from schema.ids import decode

E = TypeVar("E")
F = TypeVar("F")

# A list of values is one bound array; this bounds its size, not its cost.
MOST_VALUES = 1_000
# Conditions of one filter, at all levels together: each is a piece of SQL that the planner has to think about.
MOST_CONDITIONS = 200


class Comparison:
    """Marks an input whose fields are operators."""

    operators: ClassVar[dict[str, Operator]] = {
        "eq": Operator.EQ,
        "in_": Operator.IN,
        "contains": Operator.CONTAINS,
        "starts_with": Operator.STARTS_WITH,
        "gt": Operator.GT,
        "gte": Operator.GTE,
        "lt": Operator.LT,
        "lte": Operator.LTE,
        "is_null": Operator.IS_NULL,
        "holds": Operator.HOLDS,
    }


def condition(description: str, name: str | None = None) -> Any:
    """A field of a filter: absent means that it is not asked."""
    return strawberry.field(description=description, name=name, default=UNSET)


def all_of() -> Any:
    """The field `and` of a filter."""
    return condition("Every one of these holds as well.", "and")


def any_of() -> Any:
    """The field `or` of a filter."""
    return condition("At least one of these holds; none holds of an empty list.", "or")


def none_of() -> Any:
    """The field `not` of a filter."""
    return condition("This does not hold; what is unknown (null) counts as not holding.", "not")


def ordered_by() -> Any:
    """The field `field` of an order."""
    return strawberry.field(description="What to order by.")


def ordered_in() -> Any:
    """The field `direction` of an order."""
    return strawberry.field(description="Upwards or downwards; ASC if it is not given.", default=Direction.ASC)


@strawberry.input(description="Compares text. Several operators must all hold.")
class TextFilter(Comparison):
    eq: str | None = condition("Equal to.")
    in_: list[str] | None = condition("Equal to one of these, at most 1,000.", "in")
    contains: str | None = condition("Holds this text, whatever the case.")
    starts_with: str | None = condition("Begins with this text, whatever the case.")
    is_null: bool | None = condition("Whether there is no value.")


@strawberry.input(description="Compares a key.")
class KeyFilter(Comparison):
    eq: str | None = condition("Equal to.")
    in_: list[str] | None = condition("Equal to one of these, at most 1,000.", "in")


@strawberry.input(description="Compares a global id.")
class IdFilter(Comparison):
    eq: strawberry.ID | None = condition("Equal to.")
    in_: list[strawberry.ID] | None = condition("Equal to one of these, at most 1,000.", "in")
    is_null: bool | None = condition("Whether there is no value.")


@strawberry.input(description="Compares a whole number.")
class IntFilter(Comparison):
    eq: int | None = condition("Equal to.")
    in_: list[int] | None = condition("Equal to one of these, at most 1,000.", "in")
    gt: int | None = condition("Greater than.")
    gte: int | None = condition("Greater than or equal to.")
    lt: int | None = condition("Less than.")
    lte: int | None = condition("Less than or equal to.")


@strawberry.input(description="Compares a moment in time.")
class DateTimeFilter(Comparison):
    gt: datetime | None = condition("Later than.")
    gte: datetime | None = condition("At or later than.")
    lt: datetime | None = condition("Earlier than.")
    lte: datetime | None = condition("At or earlier than.")
    is_null: bool | None = condition("Whether there is no value.")


@strawberry.input(description="Compares true and false.")
class BooleanFilter(Comparison):
    eq: bool | None = condition("Equal to.")


@strawberry.input(description="Compares a JSON document.")
class JsonFilter(Comparison):
    holds: JSON | None = condition('Holds this document, for example `{"os": "linux"}`.')


@strawberry.input(description="Compares a value of an enumeration.")
class Filter(Comparison, Generic[E]):
    eq: E | None = condition("Equal to.")
    in_: list[E] | None = condition("Equal to one of these.", "in")


@strawberry.input(description="Asks about related rows, of which there may be many.")
class ToMany(Generic[F]):
    some: F | None = condition("At least one related row fulfils this.")
    none: F | None = condition("No related row fulfils this.")


class Direction(StrEnum):
    ASC = "ASC"
    DESC = "DESC"


described(
    Direction,
    "Upwards or downwards.",
    ASC="The least first: A before Z, early before late.",
    DESC="The greatest first: Z before A, late before early.",
)


def predicate_of(filter_: Any) -> Predicate:
    """The predicate of a filter input; an absent filter is true. LimitExceeded over MOST_CONDITIONS."""
    predicate = _predicate(filter_)
    conditions = _conditions(predicate)
    if conditions > MOST_CONDITIONS:
        raise LimitExceeded(
            f"the filter has {conditions} conditions; at most {MOST_CONDITIONS} are allowed", allowed=MOST_CONDITIONS
        )
    return predicate


def _conditions(predicate: Predicate) -> int:
    match predicate:
        case All(parts) | Either(parts):
            # An empty one is a condition too.
            return max(1, sum(map(_conditions, parts)))
        case Not(part) | Some(_, part):
            return 1 + _conditions(part)
        case _:
            return 1


def _predicate(filter_: Any) -> Predicate:
    if filter_ is None or filter_ is UNSET:
        return ANYTHING
    parts: list[Predicate] = []
    for each in dataclasses.fields(filter_):
        value = getattr(filter_, each.name)
        if value is UNSET or value is None:
            continue
        parts.append(_part(each.name, value))
    return parts[0] if len(parts) == 1 else All(tuple(parts))


def _part(name: str, value: Any) -> Predicate:
    if name == "and_":
        return All(tuple(_predicate(part) for part in value))
    if name == "or_":
        return Either(tuple(_predicate(part) for part in value))
    if name == "not_":
        return Not(_predicate(value))
    if isinstance(value, Comparison):
        return _comparison(name, value)
    if isinstance(value, ToMany):
        some = [] if value.some in (UNSET, None) else [Some(name, _predicate(value.some))]
        none = [] if value.none in (UNSET, None) else [Not(Some(name, _predicate(value.none)))]
        return All((*some, *none))
    return Some(name, _predicate(value))


def _comparison(name: str, comparison: Comparison) -> Predicate:
    parts: list[Predicate] = []
    column = "class" if name == "class_" else name
    for each in dataclasses.fields(comparison):  # type: ignore[arg-type]
        value = getattr(comparison, each.name)
        if value is UNSET or value is None:
            continue
        if isinstance(comparison, IdFilter) and each.name != "is_null":
            column = name if name == "id" else f"{name}_id"
            value = [_uuid(one, name) for one in value] if isinstance(value, list) else _uuid(value, name)
        elif isinstance(comparison, IdFilter):
            column = name if name == "id" else f"{name}_id"
        parts.append(Compare(column, Comparison.operators[each.name], _plain(value, name, each.name)))
    return parts[0] if len(parts) == 1 else All(tuple(parts))


def _plain(value: Any, name: str, operator: str) -> object:
    if isinstance(value, list):
        if len(value) > MOST_VALUES:
            raise LimitExceeded(
                f"filter.{name}.in holds {len(value)} values; at most {MOST_VALUES} are allowed", allowed=MOST_VALUES
            )
        return tuple(_plain(one, name, operator) for one in value)
    if operator == "holds":
        try:
            return orjson.dumps(value).decode()
        except orjson.JSONEncodeError:
            raise BadUserInput(f"filter.{name}.holds has a number over 64 bits") from None
    if isinstance(value, datetime) and value.tzinfo is None:
        raise BadUserInput(f"filter.{name}.{operator} needs a time zone, for example 2026-01-31T12:00:00Z")
    return value.value if hasattr(value, "value") else value


def _uuid(text: str, name: str) -> str:
    return decode(text, f"filter.{name}")[1]


def order_of(order: Any, default: Order) -> Order:
    """The order of an order input; the default where there is none."""
    if order is None or order is UNSET:
        return default
    return Order(order.field.value, descending=order.direction is Direction.DESC)
