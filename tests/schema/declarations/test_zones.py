"""Times are those of UTC whatever the zone of the host: the ends of the calendar are read, and answers are the same."""

import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest

from datasources.embedded.postgres import EmbeddedPostgres
from datasources.sources import Sources
from tests.fixtures.databases import ask, sources_of
from workers.migrations import migrate

ZONES = ("Asia/Tokyo", "America/New_York")
FIRST, LAST = "0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59+00:00"


@pytest.fixture(params=ZONES)
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The zone of this process and of the servers that it starts."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
async def sources(zone: str, open_folder: Path) -> AsyncIterator[Sources]:
    server = EmbeddedPostgres(open_folder / "postgres")
    server.start(("stackflow",), {"fsync": "off"})
    try:
        url = server.url("stackflow")
        # initdb has read the zone of the host.
        assert f"timezone = '{zone}'" in (server.data / "postgresql.conf").read_text()
        migrate("main", url)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                "INSERT INTO changes (id, number, title, planned_start, planned_end) VALUES "
                "(gen_random_uuid(), 'CHG1', 'far', %s, %s), "
                "(gen_random_uuid(), 'CHG2', 'near', '2026-03-29 01:30Z', '2026-07-01 12:00Z')",
                (FIRST, LAST),
            )
        opened = sources_of(url, url)
        yield opened
        await opened.close()
    finally:
        server.stop()


async def test_the_ends_of_the_calendar_are_read_in_utc(sources: Sources) -> None:
    query = "{ changes(orderBy: {field: PLANNED_START}) { nodes { number plannedStart plannedEnd } } }"
    answer = await ask(sources, query)
    assert answer.errors == []
    assert answer.data["changes"]["nodes"] == [
        {"number": "CHG1", "plannedStart": FIRST, "plannedEnd": LAST},
        {"number": "CHG2", "plannedStart": "2026-03-29T01:30:00+00:00", "plannedEnd": "2026-07-01T12:00:00+00:00"},
    ]
    # Also by a filter, and after a cursor.
    page = """query ($after: String) { changes(first: 1, after: $after, orderBy: {field: PLANNED_START},
        filter: {plannedStart: {gte: "0001-01-01T00:00:00Z"}}) { nodes { number } pageInfo { endCursor } } }"""
    first = (await ask(sources, page)).data["changes"]
    second = (await ask(sources, page, after=first["pageInfo"]["endCursor"])).data["changes"]
    assert [first["nodes"], second["nodes"]] == [[{"number": "CHG1"}], [{"number": "CHG2"}]]
