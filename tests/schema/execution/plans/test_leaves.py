"""Laws of leaf columns: graphql-core serializes each value the same, or the column is irregular."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from graphql import GraphQLBoolean, GraphQLError, GraphQLFloat, GraphQLID, GraphQLInt, GraphQLLeafType, GraphQLString
from hypothesis import given
from hypothesis import strategies as st

from datasources.records.configuration_items import ConfigurationItemStatus
from datasources.records.unreadable import UnreadableValue
from schema.declarations.scalars import serialize_time
from schema.execution.document_cache import GRAPHQL_SCHEMA
from schema.execution.plans.irregular import Irregular
from schema.execution.plans.leaves import LeafColumn

VALUES: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3), st.binary(max_size=2),
    st.lists(st.integers(), max_size=1), st.sampled_from(ConfigurationItemStatus),
    st.datetimes(timezones=st.just(UTC)),
)  # fmt: skip
TYPES: list[Any] = [
    GraphQLString, GraphQLID, GraphQLInt, GraphQLFloat, GraphQLBoolean,
    GRAPHQL_SCHEMA.get_type("DateTime"), GRAPHQL_SCHEMA.get_type("ConfigurationItemStatus"),
]  # fmt: skip


# What scalars and enums raise for a value of another type.
ERRORS = (GraphQLError, AttributeError, TypeError)


def expected(type_: GraphQLLeafType, values: list[Any], *, is_nullable: bool) -> list[Any] | None:
    """The serialized values by the rules of graphql-core; None if it has an error for one."""
    result = []
    for value in values:
        if value is None:
            serialized = None
        else:
            try:
                serialized = type_.serialize(value)
            except ERRORS:
                return None
            if serialized is None:
                return None
        if serialized is None and not is_nullable:
            return None
        result.append(serialized)
    return result


@given(st.sampled_from(TYPES), st.lists(VALUES, max_size=4), st.booleans())
def test_a_column_is_serialized_as_its_values_are(type_: Any, values: list[Any], is_nullable: bool) -> None:
    column = LeafColumn(type_, is_nullable=is_nullable)
    serialized = expected(type_, values, is_nullable=is_nullable)
    if serialized is None:
        with pytest.raises((Irregular, *ERRORS)):
            column.serialize(values)
    else:
        found = column.serialize(values)
        assert [(type(each), repr(each)) for each in found] == [(type(each), repr(each)) for each in serialized]


def test_columns_of_plain_values_are_not_copied() -> None:
    values = ["a", None, "b"]
    assert LeafColumn(GraphQLString, is_nullable=True).serialize(values) is values


@pytest.mark.parametrize("number", [2**31, -(2**31) - 1])
def test_an_integer_of_more_than_32_bits_is_irregular(number: int) -> None:
    with pytest.raises(GraphQLError, match="32-bit"):
        LeafColumn(GraphQLInt, is_nullable=False).serialize([1, number])


def test_an_unreadable_value_is_irregular() -> None:
    value = UnreadableValue("too long", "", {})
    with pytest.raises(Irregular, match="unreadable value"):
        LeafColumn(GraphQLString, is_nullable=True).serialize(["a", value])


def test_a_time_is_written_in_utc() -> None:
    column = LeafColumn(GRAPHQL_SCHEMA.get_type("DateTime"), is_nullable=True)  # type: ignore[arg-type]
    assert column.serialize([datetime(2026, 1, 2, tzinfo=UTC), None]) == ["2026-01-02T00:00:00+00:00", None]


ZONES = (UTC, timezone(timedelta(hours=2)), timezone(timedelta(hours=-9, minutes=-30)))


@given(st.lists(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.sampled_from(ZONES)), min_size=1))
def test_a_column_of_times_is_serialized_as_each_time_is(times: list[datetime]) -> None:
    column = LeafColumn(GRAPHQL_SCHEMA.get_type("DateTime"), is_nullable=False)  # type: ignore[arg-type]
    assert column.serialize(times) == [serialize_time(each) for each in times]
