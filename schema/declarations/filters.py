"""Filter inputs: operators, combined by and, or and not, across relations; converted to predicates."""

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
from schema.declarations.enums import make_column_enum, register_enum
from schema.declarations.ids import decode_id

E = TypeVar("E")
F = TypeVar("F")

# A list of values is one bound array; this bounds its size, not its cost.
MAX_LIST_VALUES = 1_000
# Conditions of one filter, over all levels: each adds SQL that the planner must process.
MAX_CONDITIONS = 200


class Comparison:
    """Base class of inputs whose fields are operators."""

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
    """Declare a field of a filter; if it is absent, there is no condition."""
    return strawberry.field(description=description, name=name, default=UNSET)


def all_of() -> Any:
    """Declare the field `and` of a filter."""
    return condition("All of these hold too.", "and")


def any_of() -> Any:
    """Declare the field `or` of a filter."""
    return condition("At least one of these holds; an empty list matches no row.", "or")


def none_of() -> Any:
    """Declare the field `not` of a filter."""
    return condition("This does not hold; an unknown result (null) counts as not holding.", "not")


def order_input(noun: str, plural: str, /, **fields: str | tuple[str, str]) -> Any:
    """Make the input `<noun>Order` and its enum `<noun>OrderField`; `fields` as in make_column_enum."""
    enum = make_column_enum(f"{noun}OrderField", f"What {plural} can be ordered by.", fields)
    attributes = {
        "__annotations__": {"field": enum, "direction": Direction},
        "field": strawberry.field(description="The field to order by."),
        "direction": strawberry.field(description="Ascending or descending. Default ASC.", default=Direction.ASC),
    }
    return strawberry.input(type(f"{noun}Order", (), attributes), description=f"An order of {plural}.")


@strawberry.input(description="Compares text. If several operators are given, all must hold.")
class TextFilter(Comparison):
    eq: str | None = condition("Equal to.")
    in_: list[str] | None = condition("Equal to one of these, at most 1,000.", "in")
    contains: str | None = condition("Contains this text, ignoring case.")
    starts_with: str | None = condition("Begins with this text, ignoring case.")
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


@strawberry.input(description="Compares a time.")
class DateTimeFilter(Comparison):
    gt: datetime | None = condition("Later than.")
    gte: datetime | None = condition("At or later than.")
    lt: datetime | None = condition("Earlier than.")
    lte: datetime | None = condition("At or earlier than.")
    is_null: bool | None = condition("Whether there is no value.")


@strawberry.input(description="Compares a boolean.")
class BooleanFilter(Comparison):
    eq: bool | None = condition("Equal to.")


@strawberry.input(description="Compares a JSON document.")
class JsonFilter(Comparison):
    holds: JSON | None = condition('Contains this document, for example `{"os": "linux"}`.')


@strawberry.input(description="Compares a value of an enumeration.")
class Filter(Comparison, Generic[E]):
    eq: E | None = condition("Equal to.")
    in_: list[E] | None = condition("Equal to one of these.", "in")


@strawberry.input(description="Conditions on related rows, of which there can be many.")
class ToMany(Generic[F]):
    some: F | None = condition("At least one related row matches this.")
    none: F | None = condition("No related row matches this.")


class Direction(StrEnum):
    ASC = "ASC"
    DESC = "DESC"


register_enum(
    Direction,
    "The direction of an order.",
    ASC="Ascending: A before Z, early before late.",
    DESC="Descending: Z before A, late before early.",
)


def to_predicate(filter_: Any) -> Predicate:
    """Return the predicate of a filter input; true if it is absent or null. LimitExceeded above MAX_CONDITIONS."""
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
            # An empty list is a condition too.
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
    """Iterate over the given fields of a filter or comparison: Python name, GraphQL name and value.

    BadUserInput for a null. Ignoring a null would remove the condition: with a variable that should have a value, every
    row would match.
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
        conditions = [
            (each, Some(name, _object_predicate(inner, f"{path}.{each}")))
            for each, _, inner in _iterate_fields(value, path)
        ]
        return And(tuple(Not(some) if each == "none" else some for each, some in conditions))
    inner = _object_predicate(value, path)
    # A row without a related row matches no condition except its absence: `owner: { id: { isNull: true } }`.
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
        operand = _to_bound_value(value, f"{path}.{spelled}", operator)
        if isinstance(comparison, IdFilter) and operator != "is_null":
            operand = (
                tuple(_decode_uuid(one, path) for one in value)
                if isinstance(value, list)
                else _decode_uuid(value, path)
            )
        parts.append(FieldComparison(column, Comparison.operators[operator], operand))
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
    """Return the order of an order input; `default` if there is none."""
    if order is None or order is UNSET:
        return default
    return Order(order.field.value, descending=order.direction is Direction.DESC)
