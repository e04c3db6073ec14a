"""Whatever PostgreSQL holds is loaded, in UTC whatever the zone of the server is, and written back as it was."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from urllib.parse import quote

import pytest

from datasources.aurora.driver.column_values import dump_document
from datasources.aurora.driver.database import Database
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.records.unreadable import UnreadableValue

FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
ZONES = ("UTC", "Asia/Tokyo", "America/New_York")


@pytest.fixture(params=ZONES)
async def database(postgres: EmbeddedPostgres, request: pytest.FixtureRequest) -> AsyncIterator[Database]:
    """A server that is in another zone by itself, and shows times in a style of its own."""
    options = quote(f"-c timezone={request.param} -c datestyle=German")
    opened = Database("main", f"{postgres.url('stackflow')}?options={options}", pool_max=1)
    yield opened
    await opened.close()


async def value(database: Database, expression: str, *bound: object) -> object:
    async with database.connection() as connection:
        cursor = await connection.execute(f"SELECT {expression}".encode(), bound or None)
        row = await cursor.fetchone()
        assert row is not None
        return row[0]


async def test_sessions_are_in_utc(database: Database) -> None:
    assert await value(database, "current_setting('TimeZone')") == "UTC"
    assert await value(database, "'2026-07-01 12:00Z'::timestamptz::text") == "2026-07-01 12:00:00+00"


@pytest.mark.parametrize(
    "text",
    ["0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59+00:00", "9999-12-31T23:59:59.999999+00:00",
     "1850-06-01T00:00:00.000001+00:00", "2026-03-29T01:30:00+00:00"],
)  # fmt: skip
async def test_every_time_of_the_calendar_is_read(database: Database, text: str) -> None:
    found = await value(database, f"'{text}'::timestamptz")
    assert isinstance(found, datetime)
    assert (found.isoformat(), found.tzinfo) == (text, UTC)


@pytest.mark.parametrize(
    ("text", "substitute"),
    [("infinity", LAST), ("-infinity", FIRST), ("10000-01-01 00:00:00+00", LAST), ("0044-03-15 00:00:00+00 BC", FIRST)],
)
async def test_other_times_are_loaded_as_unreadable_and_written_back(
    database: Database, text: str, substitute: datetime
) -> None:
    found = await value(database, f"'{text}'::timestamptz")
    reason = f"the time {text} is outside the years 1 to 9999"
    assert found == UnreadableValue(reason, text, substitute)
    assert await value(database, "%s::timestamptz = %s", found, text) is True


POISON = {
    "a number of 401 digits": ('{"a": 1' + "0" * 400 + "}", "the JSON can't be read: "),
    "201 levels": ('{"a":' * 201 + "1" + "}" * 201, "the JSON is nested more than 200 levels deep"),
    "3,000 levels": ("[" * 3_000 + "]" * 3_000, "the JSON can't be read: "),
}


@pytest.mark.parametrize("name", POISON)
async def test_documents_that_can_not_be_shown_are_loaded_as_unreadable_and_written_back(
    database: Database, name: str
) -> None:
    text, reason = POISON[name]
    found = await value(database, "%s::jsonb", text)
    assert isinstance(found, UnreadableValue)
    assert found.reason.startswith(reason)
    assert found.substitute == {}
    assert await value(database, "%s::jsonb = %s::jsonb", dump_document(found), text) is True


async def test_what_is_wide_is_not_deep(database: Database) -> None:
    wide: object = {"a": [[], {}] * 200}
    assert await value(database, "%s::jsonb", dump_document(wide)) == wide
    deep = '{"a":' * 200 + "1" + "}" * 200
    assert not isinstance(await value(database, "%s::jsonb", deep), UnreadableValue)
