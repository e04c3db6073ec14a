"""The serialization of leaf values, a column at a time."""

from datetime import datetime
from typing import Any

from graphql import GraphQLBoolean, GraphQLEnumType, GraphQLID, GraphQLInt, GraphQLLeafType, GraphQLString

from datasources.records.unreadable import UnreadableValue
from schema.declarations.scalars import serialize_time, serialize_times
from schema.execution.plans.irregular import Irregular

# The Python types of which a scalar's values are their own serialization. An integer is checked for 32 bits besides.
_PLAIN = {GraphQLString: str, GraphQLID: str, GraphQLBoolean: bool, GraphQLInt: int}
MIN_INT, MAX_INT = -(2**31), 2**31 - 1


class LeafColumn:
    """Serializes the values of one leaf field, for all objects of a level."""

    __slots__ = ("_plain", "_serialize", "_texts", "is_nullable")

    def __init__(self, type_: GraphQLLeafType, *, is_nullable: bool) -> None:
        self.is_nullable = is_nullable
        self._plain = None if isinstance(type_, GraphQLEnumType) else _PLAIN.get(type_)
        self._serialize = type_.serialize
        # Of an enum: texts by value, for each Python type, since a member is equal to its value.
        self._texts: dict[type, dict[Any, Any]] | None = {} if isinstance(type_, GraphQLEnumType) else None

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
        if self._texts is not None and len(types) == 1 and not has_null:
            return self._look_up(self._texts.setdefault(types.pop(), {}), values)
        if types == {datetime} and self._serialize is serialize_time:
            return serialize_times(values)
        serialized = [None if value is None else self._serialize(value) for value in values]
        if serialized.count(None) != values.count(None):
            raise Irregular("serialization")
        return serialized

    def _look_up(self, texts: dict[Any, Any], values: list[Any]) -> list[Any]:
        for value in set(values) - texts.keys():
            texts[value] = self._serialize(value)
        return list(map(texts.__getitem__, values))

    def _is_in_range(self, values: list[Any]) -> bool:
        if self._plain is not int:
            return True
        numbers = [value for value in values if value is not None]
        return not numbers or (min(numbers) >= MIN_INT and max(numbers) <= MAX_INT)
