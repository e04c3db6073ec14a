"""Migrations apply once and leave the tables of the design; their files are numbered and say what they do."""

import re
from pathlib import Path

import psycopg
import pytest

import datasources.aurora
from datasources.embedded.postgres import EmbeddedPostgres
from workers.migrations import PHASES, migrate

FOLDER = Path(datasources.aurora.__file__).parent / "migrations"
DATABASES = ("main", "requirements")


def test_second_migration_applies_nothing(postgres: EmbeddedPostgres) -> None:
    assert migrate("main", postgres.url("stackflow")) == []
    with psycopg.connect(postgres.url("stackflow")) as connection:
        row = connection.execute(
            "SELECT count(*) FROM information_schema.tables WHERE table_name = 'incidents'"
        ).fetchone()
    assert row == (1,)


def numbered(database: str) -> list[Path]:
    """The migrations of both phases, which share one row of numbers."""
    return sorted((FOLDER / database).glob("*/*.sql"), key=lambda file: file.name)


def test_both_databases_have_both_phases_and_nothing_else() -> None:
    assert sorted(each.name for each in FOLDER.iterdir()) == sorted(DATABASES)
    for database in DATABASES:
        assert sorted(each.name for each in (FOLDER / database).iterdir()) == sorted(PHASES) == ["post", "pre"]
        strangers = [each.name for each in (FOLDER / database).glob("*/*") if each.suffix != ".sql"]
        assert set(strangers) <= {".gitkeep"}


@pytest.mark.parametrize("database", DATABASES)
def test_files_are_numbered_without_gaps(database: str) -> None:
    names = [file.name for file in numbered(database)]
    assert len(names) >= 2
    assert [name for name in names if not re.fullmatch(r"\d{4}_[a-z_]+\.sql", name)] == []
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))


@pytest.mark.parametrize("file", [file for database in DATABASES for file in numbered(database)], ids=lambda f: f.stem)
def test_a_file_begins_with_what_it_does(file: Path) -> None:
    first, *_ = file.read_text().splitlines()
    assert re.match(r"-- [A-Z].{15,}", first)
