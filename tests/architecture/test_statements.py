"""Statements: each described, each with the columns of its record in any order, each hiding restricted incidents."""

import re
from typing import Any

import msgspec
import pytest

from datasources.aurora.statements import Statement, statements
from datasources.aurora.tables.table import Table
from datasources.embedded.postgres import EmbeddedPostgres
from resolvers.loading.tables import RelatedBy
from tests.fixtures.tables import RELATED, STATEMENT_FILES, TABLES, bound, connect, prepared

ALL = [statement for file in STATEMENT_FILES for statement in statements(file).values()]

# Statements of the incidents' own fragments have no clause: the statements that they are put into have it.
FRAGMENT = re.compile(r"incidents_from(_[a-z_]+)?")
READS_INCIDENTS = re.compile(r"\b(?:FROM|JOIN)\s+incidents\s+([a-z])\b", re.IGNORECASE)


def clause(alias: str) -> str:
    """Who may see a row of incidents, as it must stand beside each reading of the table."""
    return (
        f"(%(sees_restricted)s OR {alias}.restricted_team_id IS NULL OR {alias}.restricted_team_id IN "
        "(SELECT id FROM teams WHERE key = ANY(%(team_keys)s::text[])))"
    )


def flat(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def readings(statement: Statement) -> list[str]:
    """The aliases under which a statement reads incidents, also through the slot for a table that is restricted."""
    aliases = READS_INCIDENTS.findall(statement.text)
    return aliases + ["i"] * (statement.name.startswith("incidents_") and "from" in statement.slots)


def test_every_domain_and_statement_is_found() -> None:
    assert {f"{domain}/table" for domain in TABLES} <= set(STATEMENT_FILES)
    assert {"incidents", "changes", "workflow_runs", "requirements"} <= set(TABLES)
    assert len(RELATED) >= 8


@pytest.mark.parametrize("statement", ALL, ids=lambda each: each.name)
def test_a_statement_is_described_in_sentences(statement: Statement) -> None:
    assert statement.description.endswith(".")
    assert statement.description[0].isupper()


@pytest.mark.parametrize("statement", ALL, ids=lambda each: each.name)
def test_a_statement_that_reads_incidents_hides_restricted_ones(statement: Statement) -> None:
    if FRAGMENT.fullmatch(statement.name):
        return
    text = flat(statement.text)
    for alias in set(readings(statement)):
        assert text.count(clause(alias)) == readings(statement).count(alias)


def test_the_statements_that_read_incidents_are_known() -> None:
    """So that a rule that no longer matches anything is noticed."""
    assert {each.name for each in ALL if readings(each) and not FRAGMENT.fullmatch(each.name)} == {
        "changes_having_incidents",
        "configuration_items_having_incidents",
        "feed_since",
        "incidents_by_ids",
        "incidents_by_numbers",
        "incidents_by_similar_texts",
        "incidents_count",
        "incidents_groups",
        "incidents_locked",
        "incidents_page",
        "past_incidents_by_configuration_items",
        "run_incident",
        "run_locked",
        "search_main",
        "workflow_runs_by_ids",
        "workflow_runs_by_numbers",
        "workflow_runs_count",
        "workflow_runs_groups",
        "workflow_runs_page",
    }


def test_functions_of_the_database_hide_restricted_incidents(postgres: EmbeddedPostgres) -> None:
    with connect(postgres, "main") as connection:
        functions = connection.execute(
            "SELECT proname, prosrc FROM pg_proc "
            "WHERE pronamespace = 'public'::regnamespace AND prosrc ~ '\\mincidents\\M'"
        ).fetchall()
    assert [name for name, _ in functions] == ["spelled_alike"]
    for _, source in functions:
        hidden = (
            "(sees_restricted OR i.restricted_team_id IS NULL OR i.restricted_team_id IN "
            "(SELECT t.id FROM teams t WHERE t.key = ANY(team_keys)))"
        )
        assert READS_INCIDENTS.findall(source) == ["i"] * flat(source).count(hidden)


def columns(postgres: EmbeddedPostgres, database: str, statement: Statement) -> list[str]:
    """The names of a statement's columns, as the server has them, sorted."""
    with connect(postgres, database) as connection:
        described = connection.execute(statement.text.encode(), bound()).description
    assert described is not None
    return sorted(column.name for column in described)


def fields(record: type[Any]) -> list[str]:
    return [each.name for each in msgspec.structs.fields(record)]


BY = [
    (table, statement)
    for table in TABLES.values()
    for name, statement in statements(f"{table.domain}/table").items()
    if name.startswith(f"{table.domain}_by_")
]


@pytest.mark.parametrize(("table", "statement"), BY, ids=[statement.name for _, statement in BY])
def test_rows_by_a_key_have_the_key_and_the_columns_of_the_record(
    postgres: EmbeddedPostgres, table: Table[Any], statement: Statement
) -> None:
    # An identification key is two columns, any other key is one.
    keys = ["lookup_key", *["lookup_source"] * statement.name.endswith("_by_identification_keys")]
    assert columns(postgres, table.database, statement) == sorted([*keys, *fields(table.record)])


PAGED = [table for table in TABLES.values() if f"{table.domain}_page" in statements(f"{table.domain}/table")]
LINKS = [(table, link) for table in PAGED for link in (None, *sorted(table.links))]


@pytest.mark.parametrize(("table", "link"), LINKS, ids=[f"{table.domain}-{link}" for table, link in LINKS])
def test_pages_of_every_link_have_the_key_the_position_and_the_columns_of_the_record(
    postgres: EmbeddedPostgres, table: Table[Any], link: str | None
) -> None:
    found = columns(postgres, table.database, prepared(table, "page", link))
    assert found == sorted(["lookup_key", "keyset_value", *fields(table.record)])
    assert columns(postgres, table.database, prepared(table, "count", link)) == ["lookup_key", "value"]
    if any(column.grouped for column in table.columns.values()):
        groups = columns(postgres, table.database, prepared(table, "groups", link))
        assert groups == ["count", "lookup_key", "value"]


@pytest.mark.parametrize("table", PAGED, ids=lambda each: each.domain)
def test_links_and_relations_are_the_fragments_there_are(table: Table[Any]) -> None:
    names = set(statements(f"{table.domain}/table"))
    assert {name for name in names if name.startswith(f"{table.domain}_from")} == {
        f"{table.domain}_from", *(f"{table.domain}_from_{link}" for link in table.links)
    }  # fmt: skip
    assert {name for name in names if name.startswith(f"{table.domain}_having_")} == {
        f"{table.domain}_having_{relation}" for relation in table.relations
    }


RELATIONS = [(table, relation) for table in PAGED for relation in table.relations]


@pytest.mark.parametrize(("table", "relation"), RELATIONS, ids=[f"{table.domain}-{each}" for table, each in RELATIONS])
def test_every_relation_can_be_filtered_across(postgres: EmbeddedPostgres, table: Table[Any], relation: str) -> None:
    target = TABLES[table.relations[relation]]
    if target.database != table.database:
        return
    inner = f"{target.alias}.id IS NOT NULL"
    having = statements(f"{table.domain}/table")[f"{table.domain}_having_{relation}"].fill_slots(where=inner).text
    assert columns(postgres, table.database, prepared(table, "count", where=f"AND {having}")) == ["lookup_key", "value"]


@pytest.mark.parametrize("loader", RELATED, ids=lambda each: each.__name__)
def test_related_rows_have_the_key_and_the_columns_of_the_record(
    postgres: EmbeddedPostgres, loader: type[RelatedBy[Any]]
) -> None:
    found = columns(postgres, loader.database, statements(f"{loader.domain}/table")[loader.statement])
    names = fields(loader.record) if issubclass(loader.record, msgspec.Struct) else ["value"]
    assert found == sorted(["lookup_key", *names])


@pytest.mark.parametrize("name", ["configuration_item_classes", "relationship_types"])
def test_whole_lists_have_the_columns_by_key(postgres: EmbeddedPostgres, name: str) -> None:
    domain = "configuration_items" if name == "configuration_item_classes" else name
    file = statements(f"{domain}/table")
    by_key = columns(postgres, "main", file[f"{name}_by_keys"])
    assert by_key == sorted(["lookup_key", *columns(postgres, "main", file[f"{name}_all"])])
