"""Migrations apply once and leave the tables of the design."""

import psycopg

from datasources.embedded.postgres import EmbeddedPostgres
from workers.migrations import migrate


def test_second_migration_applies_nothing(postgres: EmbeddedPostgres) -> None:
    assert migrate("main", postgres.url("stackflow")) == []
    with psycopg.connect(postgres.url("stackflow")) as connection:
        row = connection.execute(
            "SELECT count(*) FROM information_schema.tables WHERE table_name = 'incidents'"
        ).fetchone()
    assert row == (1,)
