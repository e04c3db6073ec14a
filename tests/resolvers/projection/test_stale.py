"""Whatever the triggers tell of, the projector knows which cached tables it makes stale."""

import re

import psycopg

from datasources.embedded.postgres import EmbeddedPostgres
from resolvers.projection.stale import TABLES, stale_tables

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
    assert {entity for _, entity in pairs} == set(TABLES)
    assert [(table, entity) for table, entity in pairs if table not in TABLES[entity]] == []


def test_every_table_of_a_family_exists(postgres: EmbeddedPostgres) -> None:
    known: set[str] = set()
    for database in DATABASES:
        with psycopg.connect(postgres.url(database)) as connection:
            known |= {name for (name,) in connection.execute("SELECT tablename FROM pg_tables").fetchall()}
    assert set(stale_tables(TABLES)) <= known


def test_an_entity_of_a_newer_version_has_none() -> None:
    assert stale_tables(["TEAM", "COMET"]) == ["team_memberships", "teams"]
