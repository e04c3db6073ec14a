"""Failures of PostgreSQL: whose fault each class is, and what a caller's value does to a real server."""

import random
from collections.abc import AsyncIterator

import psycopg
import pytest
from psycopg import errors

from datasources.aurora.driver.database import Database
from datasources.aurora.driver.failures import to_source_error
from datasources.aurora.statements import Statement
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.errors import (
    SourceConflict,
    SourceDuplicate,
    SourceError,
    SourceInvalidValue,
    SourceRefused,
    SourceTimeout,
    SourceUnavailable,
)

KINDS: dict[type[SourceError], list[str]] = {
    SourceInvalidValue: ["22001", "22003", "22008", "22021", "22P02", "22P05", "23514", "54000", "54001", "54023"],
    SourceDuplicate: ["23505"],
    SourceConflict: ["40001", "40P01"],
    SourceTimeout: ["57014"],
    SourceUnavailable: ["08006", "25006", "40003", "53100", "53200", "53300", "55P03", "57P01", "57P03", "58030"],
    SourceRefused: ["23502", "23503", "25P02", "42501", "42601", "42P01", "0A000", "P0001", "XX000"],
}


@pytest.mark.parametrize(("state", "kind"), [(state, kind) for kind, states in KINDS.items() for state in states])
def test_each_class_of_errors_has_its_cause(state: str, kind: type[SourceError]) -> None:
    assert type(to_source_error("main", errors.lookup(state)("words"))) is kind


def test_errors_of_the_driver_alone_have_their_cause() -> None:
    assert type(to_source_error("main", psycopg.DataError("a NUL"))) is SourceInvalidValue
    assert type(to_source_error("main", psycopg.OperationalError("no route"))) is SourceUnavailable
    assert type(to_source_error("main", psycopg.ProgrammingError("no adapter"))) is SourceRefused


@pytest.fixture
async def database(postgres: EmbeddedPostgres) -> AsyncIterator[Database]:
    opened = Database("main", postgres.url("stackflow"), pool_max=1)
    yield opened
    await opened.close()


def noise(count: int, characters: str = "abcdefghijklmnopqrstuvwxyz0123456789") -> str:
    """A text that does not shrink by compressing: PostgreSQL compresses what goes into an index."""
    return "".join(random.Random(1).choices(characters, k=count))


TEAM = "INSERT INTO teams (id, key, name, description) VALUES (gen_random_uuid(), %(key)s, 'a', %(text)s)"
KEY = (
    "INSERT INTO configuration_item_keys (source, key, configuration_item_id) VALUES (%(text)s, 'a', gen_random_uuid())"
)
WORDS = " ".join(f"{noise(9)}{number}" for number in range(90_000))
VALUES: dict[str, tuple[str, dict[str, object]]] = {
    "a key too long for its index": (TEAM, {"key": noise(5_000), "text": ""}),
    "a text too long for its search vector": (TEAM, {"key": "a", "text": WORDS}),
    "a NUL in a text": (TEAM, {"key": "a\0", "text": ""}),
    "a NUL in a list": ("SELECT %(texts)s::text[]", {"texts": ["a\0"]}),
    "a NUL in a document": ("SELECT %(text)s::jsonb", {"text": '"\\u0000"'}),
    "half of a surrogate pair": (TEAM, {"key": "a\ud83d", "text": ""}),
    "half of a surrogate pair in a list": ("SELECT %(texts)s::text[]", {"texts": ["\ud83d"]}),
    "half of a surrogate pair in a document": ("SELECT %(text)s::jsonb", {"text": '"\\ud83d"'}),
    "a document too deep for the stack": ("SELECT %(text)s::jsonb", {"text": "[" * 100_000 + "]" * 100_000}),
    "a number out of range": ("SELECT %(number)s::integer", {"number": 10**30}),
    "no moment in time": ("SELECT %(text)s::timestamptz", {"text": "2026-02-30"}),
    "an empty source": (KEY, {"text": ""}),
}  # fmt: skip


@pytest.mark.parametrize("name", VALUES)
async def test_a_value_that_has_no_place_is_the_callers_and_not_a_lost_store(database: Database, name: str) -> None:
    text, bound = VALUES[name]
    with pytest.raises(SourceInvalidValue) as caught:
        await database.fetch(Statement("test", "", text, frozenset()), bound, str)
    # No word of it: it may be long, and somebody's secret.
    assert len(str(caught.value)) < 80
    # The next one is served.
    assert await database.fetch(Statement("test", "", "SELECT 1", frozenset()), {}, int) == [1]
