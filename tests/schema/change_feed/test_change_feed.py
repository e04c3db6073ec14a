"""changesSince: everything once, in an order that holds while transactions overlap, nothing that may not be seen."""

import base64
from collections.abc import AsyncIterator
from typing import Any

import orjson
import psycopg
import pytest

from datasources.aurora.driver.database import Database
from datasources.aurora.outbox import outbox
from datasources.cache.off import NoCache
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.graph.recursive.adapter import RecursiveGraph
from datasources.sources import Sources
from resolvers.principals.principal import Principal
from schema.declarations.paging import decode_opaque
from tests.fixtures.databases import READER, ask, create_database, person

SINCE = """query ($cursor: String, $kinds: [FeedKind!], $of: [ID!], $first: Int = 100) {
  changesSince(cursor: $cursor, kinds: $kinds, of: $of, first: $first) {
    entries { kind step id requestId cursor node { id } } endCursor hasMore
  }
}"""
ALL = person(*READER, "feed:read", "relationships:read")
TEAM, OTHER = "00000000-0000-4000-8000-0000000000a1", "00000000-0000-4000-8000-0000000000a2"


# What a cursor may hold, and no place: booleans, numbers that no transaction and no position has.
NO_PLACES: list[Any] = [[True, 1], [1, True], [2**63, 1], [1, 2**63], [1.5, 1], [1, 1, 1], {"a": 1}, None]


def packed(parts: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(parts)).decode().rstrip("=")


def item(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012x}"


@pytest.fixture(scope="module")
def url(postgres: EmbeddedPostgres) -> str:
    made = create_database(postgres, "feed")
    with psycopg.connect(made, autocommit=True) as connection:
        connection.execute("INSERT INTO configuration_item_classes (key, name) VALUES ('service', 'Service')")
        connection.cursor().executemany(
            "INSERT INTO teams (id, key, name) VALUES (%s, %s, %s)", [(TEAM, "a", "A"), (OTHER, "b", "B")]
        )
    return made


@pytest.fixture
async def sources(url: str) -> AsyncIterator[Sources]:
    main = Database("main", url)
    yield Sources(main, main, RecursiveGraph(main), NoCache())
    await main.close()


@pytest.fixture
async def begin(sources: Sources) -> str:
    """The place from which only this test's writes follow."""
    page = await since(sources)
    assert page["entries"] == []
    cursor: str = page["endCursor"]
    return cursor


async def since(sources: Sources, cursor: str | None = None, who: Principal = ALL, **more: Any) -> Any:
    answer = await ask(sources, SINCE, who, cursor=cursor, **more)
    assert answer.errors == []
    return answer.data["changesSince"]


def insert(connection: psycopg.Connection, number: int) -> None:
    connection.execute(
        "INSERT INTO configuration_items (id, name, class_key) VALUES (%s, 'a', 'service')", (item(number),)
    )


def ids(page: Any) -> list[int]:
    return [int(each["id"][-12:], 16) for each in page["entries"]]


async def test_each_change_is_told_once_in_order_and_by_pages(sources: Sources, url: str, begin: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for number in (1, 2, 3):
            insert(connection, number)
        connection.execute("UPDATE configuration_items SET name = 'b' WHERE id = ANY(%s)", ([item(1), item(3)],))
        connection.execute("DELETE FROM configuration_items WHERE id = %s", (item(2),))
    whole = await since(sources, begin)
    told = [
        (number, each["step"], each["node"] is not None)
        for number, each in zip(ids(whole), whole["entries"], strict=True)
    ]
    assert sorted(told[:3]) == [(1, "CREATED", True), (2, "CREATED", False), (3, "CREATED", True)]
    assert sorted(told[3:5]) == [(1, "CHANGED", True), (3, "CHANGED", True)]
    assert told[5:] == [(2, "DELETED", False)]
    assert {each["kind"] for each in whole["entries"]} == {"CONFIGURATION_ITEM"}

    cursor, pages = begin, []
    while True:
        page = await since(sources, cursor, first=2)
        pages += page["entries"]
        cursor = page["endCursor"]
        if not page["hasMore"]:
            break
    assert pages == whole["entries"]
    assert cursor == whole["endCursor"] == whole["entries"][-1]["cursor"]
    assert (await since(sources, cursor))["entries"] == []
    assert ids(await since(sources, begin, of=[f"ci_{item(2)}"])) == [2, 2]
    assert (await since(sources, begin, kinds=["TEAM"]))["entries"] == []


async def test_what_commits_late_is_not_passed_by(sources: Sources, url: str, begin: str) -> None:
    """A transaction that began first and commits last: a feed by positions would have gone past it."""
    with psycopg.connect(url) as slow, psycopg.connect(url, autocommit=True) as quick:
        insert(slow, 11)
        insert(quick, 12)
        early = await since(sources, begin)
        assert early["entries"] == []
        slow.commit()
        assert ids(await since(sources, early["endCursor"])) == [11, 12]


async def test_restricted_incidents_are_told_to_their_team_only(sources: Sources, url: str, begin: str) -> None:
    numbers = {item(21): None, item(22): TEAM, item(23): OTHER}
    with psycopg.connect(url, autocommit=True) as connection:
        for id, team in numbers.items():
            connection.execute(
                "INSERT INTO incidents (id, number, title, restricted_team_id) VALUES (%s, %s, 't', %s)",
                (id, f"I{id[-2:]}", team),
            )
        # Nobody can tell any more whether it was restricted.
        connection.execute("DELETE FROM incidents WHERE id = %s", (item(23),))
    may = [*READER, "feed:read"]
    assert ids(await since(sources, begin, person(*may))) == [21]
    assert ids(await since(sources, begin, person(*may, teams=["a"]))) == [21, 22]
    assert ids(await since(sources, begin, person(*may, "incidents:read-restricted"))) == [21, 22, 23, 23]


async def test_kinds_take_the_permission_of_what_they_are(sources: Sources, url: str, begin: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        insert(connection, 31)
    assert (await since(sources, begin, person("feed:read", "teams:read", "nodes:read")))["entries"] == []
    refused = await ask(sources, SINCE, person("feed:read", "teams:read"), cursor=begin, kinds=["CONFIGURATION_ITEM"])
    assert refused.codes == ["FORBIDDEN"]
    assert (await ask(sources, SINCE, person("teams:read"), cursor=begin)).codes == ["FORBIDDEN"]


@pytest.mark.parametrize("cursor", ["", "x", "WzFd", "WyJhIiwxXQ", "Wy0xLDFd", *map(packed, NO_PLACES)])
async def test_what_is_no_cursor_is_refused(sources: Sources, cursor: str) -> None:
    assert (await ask(sources, SINCE, ALL, cursor=cursor)).codes == ["BAD_USER_INPUT"]


@pytest.mark.parametrize("ahead", [10**6, 2**62])
async def test_a_place_ahead_of_all_that_was_written_is_refused(sources: Sources, begin: str, ahead: int) -> None:
    """The cursor of a database that was restored since: nothing would be told for ever."""
    cursor = packed([decode_opaque(begin, "cursor")[0] + ahead, 1])
    refused = await ask(sources, SINCE, ALL, cursor=cursor)
    assert (refused.codes, refused.data) == (["BAD_USER_INPUT"], {"changesSince": None})
    assert (
        "ahead of every write in this database; read all data again and start without a cursor"
        in refused.errors[0]["message"]
    )
    assert (await since(sources, begin))["entries"] == []


async def test_a_place_before_what_is_kept_is_refused(sources: Sources, url: str, begin: str) -> None:
    """Reading on from it would silently skip what was deleted, of which nobody can tell whether it was wanted."""
    with psycopg.connect(url, autocommit=True) as connection:
        for number in (41, 42, 43):
            insert(connection, number)
        connection.execute("UPDATE outbox SET projected = true")
        connection.execute(
            "UPDATE outbox SET written_at = now() - interval '8 days' WHERE entity_id IN (%s, %s)", (item(41), item(42))
        )
    first, second, _ = [each["cursor"] for each in (await since(sources, begin))["entries"]]
    await outbox.purge(sources.main, 7, 1_000)
    for cursor in (begin, first):
        refused = await ask(sources, SINCE, ALL, cursor=cursor, kinds=["TEAM"])
        assert (refused.codes, refused.data) == (["BAD_USER_INPUT"], {"changesSince": None})
        assert (
            "older than the retention of the change feed (7 days); read all data again and start without a cursor"
            in refused.errors[0]["message"]
        )
    assert ids(await since(sources, second)) == [43]


async def test_the_place_moves_on_where_nothing_is_for_the_reader(sources: Sources, url: str, begin: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        insert(connection, 51)
        empty = await since(sources, begin, kinds=["TEAM"])
        assert (empty["entries"], empty["hasMore"]) == ([], False)
        connection.execute("UPDATE outbox SET projected = true, written_at = now() - interval '8 days'")
        assert await outbox.purge(sources.main, 7, 1_000) >= 1
        insert(connection, 52)
    assert ids(await since(sources, empty["endCursor"])) == [52]


async def test_a_lost_database_is_named(begin: str) -> None:
    main = Database("main", "postgresql://127.0.0.1:1/nowhere", pool_timeout=0.2)
    lost = Sources(main, main, RecursiveGraph(main), NoCache())
    for cursor in (None, begin):
        answer = await ask(lost, SINCE, ALL, cursor=cursor)
        assert answer.data == {"changesSince": None}
        assert answer.errors[0]["message"] == "main is not available"
        assert answer.errors[0]["extensions"] == {"code": "SOURCE_UNAVAILABLE", "store": "main", "timeout": False}
    await lost.close()
