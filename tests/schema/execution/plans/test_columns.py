"""Statements of plans read no large column that no field of the operation reads."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from graphql import is_object_type, parse
from msgspec import Struct

from datasources.aurora.outbox.write_log import PostgresWriteLog
from datasources.aurora.registry import TABLES
from datasources.aurora.statements import Statement, statements
from datasources.cache.redis.adapter import RedisCache
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.embedded.valkey import EmbeddedValkey
from schema.declarations.field_sources import UseCaseDeclaration
from schema.execution.document_cache import GRAPHQL_SCHEMA
from schema.execution.executor import DeclaredExecutor
from schema.execution.plans.columns import _columns_of_record
from schema.execution.plans.compiler import Compiler
from tests.fixtures.answers import READS, Library, open_library
from tests.fixtures.databases import person
from tests.schema.execution.plans.test_plans import execute

INCIDENT = ("attributes", "description", "resolution")


@pytest.fixture(scope="module")
async def library(postgres: EmbeddedPostgres) -> AsyncIterator[Library]:
    async with open_library(postgres, "columns") as opened:
        yield opened


async def omitted(library: Library, text: str) -> list[tuple[str, ...]]:
    """What the plan of a document omits, in order of the connections; nothing for those with all columns."""
    context = (await execute(library, "{ __typename }"))[1]
    document = parse(text)
    executor = DeclaredExecutor.build(GRAPHQL_SCHEMA, document, context_value=context)
    return list(Compiler(cast("DeclaredExecutor", executor)).compile().omitted(context).values())


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ("{ incidents(first: 5) { nodes { id number openedAt } } }", [INCIDENT]),
        ("{ incidents(first: 5) { edges { cursor node { number } } totalCount pageInfo { endCursor } } }", [INCIDENT]),
        ("{ incidents(first: 5) { totalCount } }", [INCIDENT]),
        ("{ incidents(first: 5) { nodes { number description } } }", [("attributes", "resolution")]),
        ("{ incidents { nodes { number } edges { node { resolution } } } }", [("attributes", "description")]),
        # A link reads its key.
        ("{ incidents { nodes { team { name } } } }", [INCIDENT]),
        # A walk starts from the id.
        ("{ configurationItems { nodes { name dependents { nodes { attributes } } } } }", [("attributes",)]),
        # A use case can read the whole record.
        ("{ incidents { nodes { number summary { sentences { text } } } } }", []),
        (
            "{ configurationItems { nodes { name incidents { nodes { number title description } } } } }",
            [("attributes", "resolution"), ("attributes",)],
        ),
    ],
)
async def test_columns_that_no_field_reads(library: Library, document: str, expected: list[Any]) -> None:
    assert await omitted(library, document) == expected


async def test_fields_with_the_same_loader_share_a_statement(library: Library) -> None:
    document = "{ a: incidents { nodes { number description } } b: incidents { edges { cursor } } }"
    assert await omitted(library, document) == [("attributes", "resolution")] * 2
    body, context = await execute(library, document)
    assert (context.fallback, context.request.usage.sql) == ("", 1)
    assert body == (await execute(library, document, plans=False))[0]


async def test_a_fragment_at_two_places_reads_what_either_needs(library: Library) -> None:
    document = """{
      a: configurationItems { nodes { ...Incidents } }
      b: configurationItems { nodes { ...Incidents incidents { nodes { description } } } } }
      fragment Incidents on ConfigurationItem { incidents { nodes { number } } }"""
    assert await omitted(library, document) == [("attributes", "resolution"), ("attributes",), ("attributes",)]
    body, context = await execute(library, document)
    assert context.fallback == ""
    assert body == (await execute(library, document, plans=False))[0]


async def test_rows_of_both_selections_are_right_after_an_error(library: Library) -> None:
    """graphql-core uses the rows that the plan has loaded, and reads no column that is missing."""
    document = "{ configurationItems { nodes { name changes { totalCount } incidents { nodes { title } } } } }"
    body, context = await execute(library, document, person(*READS))
    assert context.fallback == "Forbidden"
    assert body == (await execute(library, document, person(*READS), plans=False))[0]


WITH_PAGES = sorted(each for each in TABLES if f"{each}_page" in statements(f"{each}/table"))


def test_tables_with_pages() -> None:
    assert set(TABLES) - set(WITH_PAGES) == {"relationships"}


async def test_a_page_that_is_cached_has_all_columns(library: Library, tmp_path: Path) -> None:
    """Another document gets it from the cache; a page of the whole table is never cached."""
    valkey = EmbeddedValkey(tmp_path / "valkey")
    valkey.start()
    cache = RedisCache(valkey.url, write_log=PostgresWriteLog(library.sources.main))
    cached = replace(library, sources=replace(library.sources, cache=cache, cache_seconds=3_600.0))
    try:
        for selection in ("number", "number description"):
            document = f"{{ configurationItems {{ nodes {{ incidents {{ nodes {{ {selection} }} }} }} }} }}"
            assert await omitted(cached, document) == [("attributes",)]
            body, context = await execute(cached, document)
            assert context.fallback == ""
            assert body["data"] == (await execute(library, document, plans=False))[0]["data"]
        assert context.request.usage.hits == 4
    finally:
        await cache.close()
        valkey.stop()


def test_a_property_can_read_any_column() -> None:
    class Shown(Struct):
        id: str
        description: str

        @property
        def summary(self) -> str:
            return self.description

    declared = SimpleNamespace(column="summary")
    table = SimpleNamespace(record=Shown, large_columns=frozenset({"description"}))
    for column, read in (("summary", {"description"}), ("id", set()), ("description", {"description"})):
        declared.column = column
        fields = SimpleNamespace(fields=[SimpleNamespace(declared=declared)])
        assert _columns_of_record(cast("Any", fields), cast("Any", table)) == read


@pytest.mark.parametrize("domain", WITH_PAGES)
def test_every_page_can_omit_its_large_columns(domain: str) -> None:
    table = TABLES[domain]
    page = statements(f"{domain}/table")[f"{domain}_page"]
    columns = tuple(sorted(table.large_columns))
    text = page.omit_columns(table.alias, columns).text
    assert [text.count(f"NULL AS {column}") for column in columns] == [1] * len(columns)
    assert text.count(",") == page.text.count(",")


def test_a_column_that_is_not_selected_cannot_be_omitted() -> None:
    statement = Statement("some", "Some.", "SELECT c.id FROM configuration_items c", frozenset())
    with pytest.raises(ValueError, match=r"statement some does not select c\.attributes"):
        statement.omit_columns("c", ("attributes",))
    assert statement.omit_columns("c", ()) is statement


def test_every_connection_has_the_loader_of_its_pages() -> None:
    """Without it, all columns are read."""
    declared = {
        f"{type_.name}.{name}": field.extensions["strawberry-definition"].declaration
        for type_ in GRAPHQL_SCHEMA.type_map.values()
        if is_object_type(type_)
        for name, field in type_.fields.items()
        if "orderBy" in field.args
    }
    assert len(declared) >= 20
    assert [name for name, each in declared.items() if not isinstance(each, UseCaseDeclaration) or not each.pages] == []
