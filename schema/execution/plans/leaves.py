"""The serialization of leaf values, a column at a time."""

from collections.abc import Callable
from typing import Any

from graphql import GraphQLBoolean, GraphQLEnumType, GraphQLID, GraphQLInt, GraphQLLeafType, GraphQLString

from datasources.records.unreadable import UnreadableValue
from schema.execution.plans.irregular import Irregular

# The Python types of which a scalar's values are their own serialization. An integer is checked for 32 bits besides.
_PLAIN = {GraphQLString: str, GraphQLID: str, GraphQLBoolean: bool, GraphQLInt: int}
MIN_INT, MAX_INT = -(2**31), 2**31 - 1


class LeafColumn:
    """Serializes the values of one leaf field, for all objects of a level."""

    __slots__ = ("_plain", "_serialize", "is_nullable")

    def __init__(self, type_: GraphQLLeafType, *, is_nullable: bool) -> None:
        self.is_nullable = is_nullable
        self._plain = None if isinstance(type_, GraphQLEnumType) else _PLAIN.get(type_)
        self._serialize = _enum_serializer(type_) if isinstance(type_, GraphQLEnumType) else type_.serialize

    def serialize(self, values: list[Any]) -> list[Any]:
        """Return the serialized values, in order. Irregular, or the error of the type, for a value without a form."""
        types = set(map(type, values))
        if UnreadableValue in types:
            raise Irregular("unreadable value")
        has_null = type(None) in types
        if has_null and not self.is_nullable:
            raise Irregular("null")
        if self._plain is not None and types <= {self._plain, type(None)} and self._is_in_range(values):
            return values
        serialize = self._serialize
        serialized = (
            [None if value is None else serialize(value) for value in values]
            if has_null
            else list(map(serialize, values))
        )
        if serialized.count(None) != values.count(None):
            raise Irregular("serialization")
        return serialized

    def _is_in_range(self, values: list[Any]) -> bool:
        if self._plain is not int:
            return True
        numbers = [value for value in values if value is not None]
        return not numbers or (min(numbers) >= MIN_INT and max(numbers) <= MAX_INT)


def _enum_serializer(type_: GraphQLEnumType) -> Callable[[Any], Any]:
    known: dict[Any, str | None] = {}

    def serialize(value: Any) -> str | None:
        # A member and its text are equal, so the type is part of the key.
        key = (type(value), value)
        if key not in known:
            known[key] = type_.serialize(value)
        return known[key]

    return serialize
