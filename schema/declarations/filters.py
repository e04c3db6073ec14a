"""Filters: operator objects, combined by and, or and not, across relations; made into predicates."""

import dataclasses
from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Generic, TypeVar

import orjson
import strawberry
from strawberry.scalars import JSON
from strawberry.types.unset import UNSET
from strawberry.utils.str_converters import to_camel_case

from datasources.records.queries import ANYTHING, And, FieldComparison, Not, Operator, Or, Order, Predicate, Some
from resolvers.errors import BadUserInput, LimitExceeded
from schema.declarations.enums import register_enum
from schema.declarations.ids import decode_id

E = TypeVar("E")
F = TypeVar("F")

# A list of values is one bound array; this bounds its size, not its cost.
MAX_LIST_VALUES = 1_000
# Conditions of one filter, at all levels together: each is a piece of SQL that the planner has to think about.
MAX_CONDITIONS = 200


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


def order_field() -> Any:
    """The field `field` of an order."""
    return strawberry.field(description="What to order by.")


def order_direction() -> Any:
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


register_enum(
    Direction,
    "Upwards or downwards.",
    ASC="The least first: A before Z, early before late.",
    DESC="The greatest first: Z before A, late before early.",
)


def to_predicate(filter_: Any) -> Predicate:
    """The predicate of a filter input; one that is absent or null is true. LimitExceeded over MOST_CONDITIONS."""
    if filter_ is None or filter_ is UNSET:
        return ANYTHING
    predicate = _object_predicate(filter_)
    conditions = _count_conditions(predicate)
    if conditions > MAX_CONDITIONS:
        raise LimitExceeded(
            f"the filter has {conditions} conditions; at most {MAX_CONDITIONS} are allowed", allowed=MAX_CONDITIONS
        )
    return predicate


def _count_conditions(predicate: Predicate) -> int:
    match predicate:
        case And(parts) | Or(parts):
            # An empty one is a condition too.
            return max(1, sum(map(_count_conditions, parts)))
        case Not(part) | Some(_, part):
            return 1 + _count_conditions(part)
        case _:
            return 1


def _object_predicate(filter_: Any, path: str = "filter") -> Predicate:
    parts = [
        _field_predicate(name, value, f"{path}.{spelled}") for name, spelled, value in _iterate_fields(filter_, path)
    ]
    return parts[0] if len(parts) == 1 else And(tuple(parts))


def _iterate_fields(filter_: Any, path: str) -> Iterator[tuple[str, str, Any]]:
    """The fields that a filter or a comparison gives: their Python names, GraphQL names and values.

    BadUserInput for a null. As if it were not there it would take the condition away: of a variable that was meant to
    hold a value, every row would be left.
    """
    if filter_ is None:
        raise BadUserInput(f"{path} holds a null; leave it out", argument=path)
    for each in dataclasses.fields(filter_):
        value = getattr(filter_, each.name)
        if value is UNSET:
            continue
        spelled = to_camel_case(each.name.rstrip("_"))
        if value is None:
            remedy = "leave it out"
            if isinstance(filter_, Comparison) and each.name != "is_null":
                nullable = any(one.name == "is_null" for one in dataclasses.fields(filter_))  # type: ignore[arg-type]
                remedy += "; rows without a value are found by isNull: true" if nullable else ""
            raise BadUserInput(f"{path}.{spelled} is null; {remedy}", argument=f"{path}.{spelled}")
        yield each.name, spelled, value


def _field_predicate(name: str, value: Any, path: str) -> Predicate:
    if name == "and_":
        return And(tuple(_object_predicate(part, path) for part in value))
    if name == "or_":
        return Or(tuple(_object_predicate(part, path) for part in value))
    if name == "not_":
        return Not(_object_predicate(value, path))
    if isinstance(value, Comparison):
        return _comparison_predicate(name, value, path)
    if isinstance(value, ToMany):
        asked = [
            (each, Some(name, _object_predicate(inner, f"{path}.{each}")))
            for each, _, inner in _iterate_fields(value, path)
        ]
        return And(tuple(Not(some) if each == "none" else some for each, some in asked))
    inner = _object_predicate(value, path)
    # Of a row that is related to none no condition holds, but that there is none: `owner: { id: { isNull: true } }`.
    return Or((Some(name, inner), Not(Some(name, ANYTHING)))) if _matches_missing_relation(inner) else Some(name, inner)


def _matches_missing_relation(predicate: Predicate) -> bool:
    match predicate:
        case FieldComparison("id", Operator.IS_NULL, True):
            return True
        case And(parts):
            return bool(parts) and all(map(_matches_missing_relation, parts))
        case Or(parts):
            return any(map(_matches_missing_relation, parts))
        case _:
            return False


def _comparison_predicate(name: str, comparison: Comparison, path: str) -> Predicate:
    parts: list[Predicate] = []
    column = "class" if name == "class_" else name
    for operator, spelled, value in _iterate_fields(comparison, path):
        if isinstance(comparison, IdFilter):
            column = name if name == "id" else f"{name}_id"
        asked = _to_bound_value(value, f"{path}.{spelled}", operator)
        if isinstance(comparison, IdFilter) and operator != "is_null":
            asked = (
                tuple(_decode_uuid(one, path) for one in value)
                if isinstance(value, list)
                else _decode_uuid(value, path)
            )
        parts.append(FieldComparison(column, Comparison.operators[operator], asked))
    return parts[0] if len(parts) == 1 else And(tuple(parts))


def _to_bound_value(value: Any, path: str, operator: str) -> object:
    if operator == "holds":
        return orjson.dumps(value).decode()
    if isinstance(value, list):
        if len(value) > MAX_LIST_VALUES:
            raise LimitExceeded(
                f"{path} holds {len(value)} values; at most {MAX_LIST_VALUES} are allowed", allowed=MAX_LIST_VALUES
            )
        return tuple(_to_bound_value(one, path, operator) for one in value)
    if isinstance(value, datetime) and value.tzinfo is None:
        raise BadUserInput(f"{path} needs a time zone, for example 2026-01-31T12:00:00Z", argument=path)
    return value.value if hasattr(value, "value") else value


def _decode_uuid(text: str, path: str) -> str:
    return decode_id(text, path)[1]


def to_order(order: Any, default: Order) -> Order:
    """The order of an order input; the default where there is none."""
    if order is None or order is UNSET:
        return default
    return Order(order.field.value, descending=order.direction is Direction.DESC)
