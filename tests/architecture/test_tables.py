"""What may be filtered, ordered and grouped by: inputs and columns agree, and orders stand on indexes."""

import re
from enum import Enum
from typing import Any, cast

import pytest
from strawberry.types.enum import StrawberryEnumDefinition

from datasources.aurora import registry
from datasources.aurora.statements import statements
from datasources.aurora.tables.predicates import Column
from datasources.aurora.tables.table import Table
from datasources.embedded.postgres import EmbeddedPostgres
from schema.declarations.filters import (
    BooleanFilter,
    Comparison,
    DateTimeFilter,
    Filter,
    IdFilter,
    IntFilter,
    JsonFilter,
    KeyFilter,
    TextFilter,
)
from schema.declarations.node import Node
from schema.schema import SCHEMA
from tests.fixtures.tables import TABLES, connect

FILTERED = {domain: table for domain, table in TABLES.items() if table.columns}
VIEWS = {type_.record: type_ for type_ in Node.__subclasses__()}
INPUTS = {name: converted.definition for name, converted in SCHEMA.schema_converter.type_map.items()}

POSTGRES_TYPES = {
    BooleanFilter: {"boolean"}, DateTimeFilter: {"timestamptz"}, Filter: {"text"}, IdFilter: {"uuid"},
    IntFilter: {"smallint", "integer"}, JsonFilter: {"jsonb"}, KeyFilter: {"text"}, TextFilter: {"text"},
}  # fmt: skip
COMBINED = {"and_", "or_", "not_"}


def graphql_name(table: Table[Any]) -> str:
    return VIEWS[table.record].__name__


def values(table: Table[Any], suffix: str) -> set[str] | None:
    """The values of an order or group enum of the schema; None where there is none."""
    definition = INPUTS.get(graphql_name(table) + suffix)
    if definition is None:
        return None
    assert isinstance(definition, StrawberryEnumDefinition)
    return {each.value for each in cast("type[Enum]", definition.wrapped_cls)}


def operators(type_: Any) -> type[Comparison] | None:
    """The class of operators of a filter's field; None for a relation."""
    inner = type_.of_type if hasattr(type_, "of_type") else type_
    origin = getattr(inner, "__origin__", inner)
    # Strawberry makes a class of its own of each specialised generic.
    return next((each for each in getattr(origin, "__mro__", ()) if each in POSTGRES_TYPES), None)


def filter_fields(table: Table[Any]) -> dict[str, type[Comparison] | None]:
    """The fields of a filter by the name of their column or relation."""
    definition: Any = INPUTS[f"{graphql_name(table)}Filter"]
    names = {"class_": "class"}
    return {
        names.get(each.python_name, each.python_name): operators(each.type)
        for each in definition.fields
        if each.python_name not in COMBINED
    }


def test_every_filtered_table_has_a_type() -> None:
    assert {table.record for table in FILTERED.values()} <= set(VIEWS)
    assert len(FILTERED) >= 9


@pytest.mark.parametrize("domain", sorted(FILTERED))
def test_a_filter_asks_for_columns_of_its_type_and_for_relations(domain: str) -> None:
    table = FILTERED[domain]
    fields = filter_fields(table)
    assert {name for name, comparison in fields.items() if comparison is None} == set(table.relations)
    for name, comparison in fields.items():
        if comparison is not None:
            assert name in table.columns, f"{domain} has no column {name}"
            assert table.columns[name].type in POSTGRES_TYPES[comparison], f"{domain}.{name}"


@pytest.mark.parametrize("domain", sorted(FILTERED))
def test_orders_and_groups_of_the_schema_are_those_of_the_table(domain: str) -> None:
    table = FILTERED[domain]
    indexed = {name for name, column in table.columns.items() if column.indexed}
    grouped = {name for name, column in table.columns.items() if column.grouped}
    assert values(table, "OrderField") == indexed
    assert values(table, "GroupBy") == (grouped or None)


@pytest.mark.parametrize("domain", sorted(FILTERED))
def test_no_column_is_declared_in_vain(domain: str) -> None:
    table = FILTERED[domain]
    fields = filter_fields(table)
    idle = {
        name
        for name, column in table.columns.items()
        if name not in fields and not column.indexed and not column.grouped
    }
    assert idle == set()


COLUMNS = [(table, name) for table in FILTERED.values() for name in table.columns]
COLUMN_IDS = [f"{table.domain}.{name}" for table, name in COLUMNS]
ORDERS = [(table, column) for table in FILTERED.values() for column in table.columns.values() if column.indexed]


@pytest.mark.parametrize(("table", "name"), COLUMNS, ids=COLUMN_IDS)
def test_a_column_has_the_type_it_says(postgres: EmbeddedPostgres, table: Table[Any], name: str) -> None:
    column = table.columns[name]
    source = statements(f"{table.domain}/table")[f"{table.domain}_from"].text
    with connect(postgres, table.database) as connection:
        row = connection.execute(
            f"SELECT pg_typeof(x)::text FROM (SELECT 1) n LEFT JOIN LATERAL "
            f"(SELECT {column.sql} AS x FROM {source}) rows ON true LIMIT 1".encode()
        ).fetchone()
    assert row == ({"timestamptz": "timestamp with time zone"}.get(column.type, column.type),)


@pytest.mark.parametrize(("table", "column"), ORDERS, ids=[f"{table.domain}-{each.sql}" for table, each in ORDERS])
def test_an_order_stands_on_an_index_and_is_never_null(
    postgres: EmbeddedPostgres, table: Table[Any], column: Column
) -> None:
    """An index that begins with the expression and goes on with the id, or a unique one of the expression alone."""
    expression = column.sql.replace(f"{table.alias}.", "")
    with connect(postgres, table.database) as connection:
        # A throwaway index of the same expression shows how the server writes it.
        with connection.transaction(force_rollback=True):
            connection.execute(f"CREATE INDEX as_written ON {table.domain} (({expression}))".encode())
            row = connection.execute("SELECT pg_get_indexdef('as_written'::regclass, 1, true)").fetchone()
            assert row is not None
            written = row[0]
        indexes = connection.execute(
            "SELECT pg_get_indexdef(indexrelid, 1, true), "
            "       CASE WHEN indnkeyatts > 1 THEN pg_get_indexdef(indexrelid, 2, true) END, indisunique, indnkeyatts "
            "FROM pg_index WHERE indrelid = %s::regclass AND indpred IS NULL AND indisvalid",
            (table.domain,),
        ).fetchall()
        strict = connection.execute(
            "SELECT attname::text FROM pg_attribute WHERE attrelid = %s::regclass AND attnotnull", (table.domain,)
        ).fetchall()
    fitting = [
        (first, second)
        for first, second, unique, size in indexes
        if first == written and (second == "id" or (unique and size == 1))
    ]
    assert fitting != [], f"no index on {table.domain} ({expression}, id)"
    assert (expression,) in strict or re.fullmatch(r"coalesce\([a-z_]+, '[^']+'::[a-z]+\)", expression)


def test_operators_are_told_from_relations() -> None:
    """The reading of filter types above would pass everything if it took each field for a relation."""
    assert filter_fields(TABLES["incidents"])["state"] is Filter
    assert filter_fields(TABLES["incidents"])["opened_at"] is DateTimeFilter


def test_the_registry_has_every_table() -> None:
    assert registry.TABLES == TABLES
