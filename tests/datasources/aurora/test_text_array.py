"""Lists of texts arrive as they were sent, whatever characters they hold."""

from collections.abc import AsyncIterator

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.array import ListDumper

from datasources.aurora.driver.database import Database
from datasources.aurora.driver.text_array import TextListDumper
from datasources.aurora.statements import Statement
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.errors import SourceInvalidValue
from tests.fixtures.profiles import examples

TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8),
    st.sampled_from(["", "NULL", "null", '"', "\\", "{}", "a,b", " ", '\\"', '{"a": "b\\\\c"}']),
)


def one(back: list[str | None]) -> list[str | None]:
    """The only column of a row."""
    return back


BACK = Statement("back", "An array as it came.", "SELECT %(given)s::text[] AS back", frozenset())


@pytest.fixture(scope="module")
async def main(postgres: EmbeddedPostgres) -> AsyncIterator[Database]:
    database = Database("main", postgres.url("stackflow"))
    yield database
    await database.close()


@given(st.lists(st.one_of(st.none(), TEXTS), max_size=6))
@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_what_is_sent_comes_back(main: Database, given: list[str | None]) -> None:
    assert await main.fetch(BACK, {"given": given}, one) == [given]


async def test_what_no_text_may_hold_is_refused(main: Database) -> None:
    with pytest.raises(SourceInvalidValue):
        await main.fetch(BACK, {"given": ["a", "b\0"]}, one)


def test_other_lists_are_the_drivers(postgres: EmbeddedPostgres) -> None:
    with psycopg.connect(postgres.url("stackflow")) as connection:
        for given in ([1, 2], [1.5], [True], [[["a"]], [["b"]]], [], [None]):
            ours, drivers = TextListDumper(list, connection), ListDumper(list, connection)
            assert ours.dump(list(given)) == drivers.dump(list(given))
