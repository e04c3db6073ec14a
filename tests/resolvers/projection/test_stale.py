"""Whatever a cached value is read from, its writes are noted by the database in the transaction that makes them."""

import re
from typing import Any

import psycopg

from datasources.aurora.tables.invalidation import TABLES_BY_ENTITY, stale_tables
from datasources.embedded.postgres import EmbeddedPostgres
from resolvers.loading.loader import Loader
from tests.fixtures.tables import TABLES as TABLES_OF_DOMAINS

DATABASES = ("stackflow", "requirements")


def told(postgres: EmbeddedPostgres) -> set[tuple[str, str]]:
    """The tables of both databases whose changes are told to an outbox, each with the entity that it tells of."""
    found: list[tuple[str, str]] = []
    for database in DATABASES:
        with psycopg.connect(postgres.url(database)) as connection:
            found += connection.execute(
                "SELECT tgrelid::regclass::text, encode(tgargs, 'escape') FROM pg_trigger "
                "WHERE tgfoid = 'append_to_outbox'::regproc"
            ).fetchall()
    return {(table, re.sub(r"\\000$", "", arguments)) for table, arguments in found}


def test_every_entity_of_the_outbox_has_its_tables(postgres: EmbeddedPostgres) -> None:
    pairs = told(postgres)
    assert {entity for _, entity in pairs} == set(TABLES_BY_ENTITY)
    assert [(table, entity) for table, entity in pairs if table not in TABLES_BY_ENTITY[entity]] == []


def test_every_table_of_a_family_exists(postgres: EmbeddedPostgres) -> None:
    known: set[str] = set()
    for database in DATABASES:
        with psycopg.connect(postgres.url(database)) as connection:
            known |= {name for (name,) in connection.execute("SELECT tablename FROM pg_tables").fetchall()}
    assert set(stale_tables(TABLES_BY_ENTITY)) <= known


def test_an_entity_of_a_newer_version_has_none() -> None:
    assert stale_tables(["TEAM", "COMET"]) == ["team_memberships", "teams"]


def reads() -> set[str]:
    """Every table that a cached value of any loader depends on, as far as a class tells."""
    found = {table for each in TABLES_OF_DOMAINS.values() for table in each.tables}
    waiting: list[type[Any]] = [Loader]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        for name in ("reads", "tables"):
            value = kind.__dict__.get(name)
            found |= set(value) if isinstance(value, tuple) and kind.__module__.startswith("resolvers.") else set()
    return found


def test_every_table_of_the_main_database_that_is_cached_is_of_a_family_or_noted(postgres: EmbeddedPostgres) -> None:
    with psycopg.connect(postgres.url("stackflow")) as connection:
        known = {name for (name,) in connection.execute("SELECT tablename FROM pg_tables").fetchall()}
        found = connection.execute(
            "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgfoid = 'note_table_write'::regproc"
        ).fetchall()
    cached = reads() & known
    assert {"incidents", "configuration_item_keys", "relationship_types", "workflow_steps"} <= cached
    assert cached - set(stale_tables(TABLES_BY_ENTITY)) - {table for (table,) in found} == set()
