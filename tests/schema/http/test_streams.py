"""Subscriptions over a real server: what is told, to whom, in which order, and where a stream goes on."""

from typing import Any

import httpx
import psycopg
import pytest

from datasources.sources import Sources
from tests.fixtures.databases import ask, person
from tests.fixtures.feeding import OTHER, TEAM, Rows, id_of, number_of
from tests.fixtures.stream_stores import ALL, MAY, client, people, rows, sources, url
from tests.fixtures.streaming import Events, People, stream

__all__ = ["client", "people", "rows", "sources", "url"]

CHANGES = """subscription ($cursor: String, $kinds: [FeedKind!], $of: [ID!]) {
  changes(cursor: $cursor, kinds: $kinds, of: $of) { kind step id requestId cursor node { id } }
}"""
SINCE = """query ($cursor: String, $first: Int = 500) {
  changesSince(cursor: $cursor, first: $first) {
    entries { kind step id requestId cursor node { id } } endCursor
  }
}"""


async def told(events: Events, count: int) -> list[Any]:
    return [await events.change() for _ in range(count)]


async def test_a_write_is_told_once_in_order_and_as_a_poll_tells_it(
    client: httpx.AsyncClient, rows: Rows, sources: Sources
) -> None:
    async with stream(client, CHANGES, "all") as events:
        begin = await events.begun()
        rows.items(1, 2, 3)
        rows.rename("b", 1, 3)
        rows.remove("configuration_items", 2)
        entries = await told(events, 6)
        assert [(number_of(each), each["step"]) for each in entries[:3]] == [(n, "CREATED") for n in (1, 2, 3)]
        assert {(number_of(each), each["step"]) for each in entries[3:5]} == {(1, "CHANGED"), (3, "CHANGED")}
        assert (number_of(entries[5]), entries[5]["step"], entries[5]["node"]) == (2, "DELETED", None)
        assert events.cursor == entries[-1]["cursor"]
        assert await events.is_silent()
    polled = (await ask(sources, SINCE, ALL, cursor=begin)).data["changesSince"]["entries"]
    # What a node is depends on when it is asked for.
    assert [each | {"node": None} for each in polled] == [each | {"node": None} for each in entries]


async def test_an_event_shows_its_record_as_it_is_by_then(client: httpx.AsyncClient, rows: Rows) -> None:
    query = "subscription { changes { node { ... on ConfigurationItem { name } } } }"
    async with stream(client, query, "all") as events:
        await events.begun()
        rows.items(1)
        assert await events.change() == {"node": {"name": "a"}}
        rows.rename("b", 1)
        name, body = await events.next()
        assert (name, body["data"]["changes"]) == ("next", {"node": {"name": "b"}})
        # Sent back, it lets any later request see at least that much.
        assert body["extensions"]["asOf"].startswith("w")


@pytest.mark.parametrize("by", ["argument", "header"])
async def test_a_stream_goes_on_after_a_cursor(client: httpx.AsyncClient, rows: Rows, by: str) -> None:
    """Over what was written before, while it was away, and what is written later, each once."""
    async with stream(client, CHANGES, "all") as events:
        begin = await events.begun()
        rows.items(1, 2)
        first, second = await told(events, 2)
    since = [*range(3, 124)]
    rows.items(*since)
    for cursor, numbers in ((begin, [1, 2]), (first["cursor"], [2]), (second["cursor"], [])):
        header, argument = ({"last-event-id": cursor}, begin) if by == "header" else ({}, cursor)
        async with stream(client, CHANGES, "all", header, cursor=argument) as events:
            missed = numbers + since
            assert [number_of(each) for each in await told(events, len(missed))] == missed
            since.append(since[-1] + 1)
            rows.items(since[-1])
            assert number_of(await events.change()) == since[-1]


async def test_the_place_is_told_also_where_nothing_happens(client: httpx.AsyncClient, rows: Rows) -> None:
    """So that who comes back needs not what was kept since it last heard of anything."""
    async with stream(client, CHANGES, "all", kinds=["TEAM"]) as events:
        begin = await events.begun()
        rows.items(1)
        while await events.begun() == begin:
            pass
        later = events.cursor
    async with stream(client, CHANGES, "all", cursor=later) as events:
        await events.begun()
        rows.items(2)
        assert number_of(await events.change()) == 2


async def test_what_commits_late_is_not_passed_by(client: httpx.AsyncClient, rows: Rows, url: str) -> None:
    async with stream(client, CHANGES, "all") as events:
        await events.begun()
        with psycopg.connect(url) as slow:
            slow.execute(
                "INSERT INTO configuration_items (id, name, class_key) VALUES (%s, 'a', 'service')", (id_of(1),)
            )
            rows.items(2)
            await events.begun()
            slow.commit()
        assert [number_of(each) for each in await told(events, 2)] == [1, 2]


async def test_two_who_listen_hear_the_same(client: httpx.AsyncClient, rows: Rows) -> None:
    async with stream(client, CHANGES, "all") as one, stream(client, CHANGES, "seer") as other:
        await one.begun()
        await other.begun()
        rows.items(*range(1, 101))
        heard = await told(one, 100)
        assert await told(other, 100) == heard
        assert [number_of(each) for each in heard] == [*range(1, 101)]


async def test_only_what_is_asked_for_is_told(client: httpx.AsyncClient, rows: Rows) -> None:
    items: Any = {"kinds": ["CONFIGURATION_ITEM", "TEAM"]}
    async with (
        stream(client, CHANGES, "all", **items) as kinds,
        stream(client, CHANGES, "all", of=[f"ci_{id_of(2)}", f"inc_{id_of(4)}"]) as of,
    ):
        await kinds.begun()
        await of.begun()
        rows.items(1, 2)
        rows.incident(3)
        rows.incident(4)
        rows.items(5)
        assert [number_of(each) for each in await told(kinds, 3)] == [1, 2, 5]
        assert [number_of(each) for each in await told(of, 2)] == [2, 4]
        assert await kinds.is_silent(0.5)
        assert await of.is_silent(0.5)


RESTRICTED = {"all": [1, 9], "member": [1, 2, 9], "seer": [1, 2, 3, 4, 4, 9], "services": [9]}


@pytest.mark.parametrize("missed", [False, True], ids=["as it happens", "from a cursor"])
async def test_restricted_incidents_are_told_to_their_team_only(
    client: httpx.AsyncClient, rows: Rows, missed: bool
) -> None:
    """Those gone too are told to who sees all: nobody else can tell any more whether they were restricted."""

    def happen() -> None:
        rows.incident(1)
        rows.incident(2, TEAM)
        rows.incident(3, OTHER)
        rows.incident(4)
        rows.remove("incidents", 4)
        rows.items(9)

    for who, numbers in RESTRICTED.items():
        rows.connection.execute("TRUNCATE configuration_items, configuration_item_history, incidents CASCADE")
        begin = None
        if missed:
            async with stream(client, CHANGES, "all") as events:
                begin = await events.begun()
            happen()
        async with stream(client, CHANGES, who, cursor=begin) as events:
            if not missed:
                await events.begun()
                happen()
            assert (who, [number_of(each) for each in await told(events, len(numbers))]) == (who, numbers)
            assert await events.is_silent(0.5)


async def test_one_who_joins_a_team_hears_of_its_incidents_and_one_who_leaves_does_not(
    client: httpx.AsyncClient, rows: Rows, people: People
) -> None:
    async with stream(client, CHANGES, "all") as events:
        await events.begun()
        rows.incident(1, TEAM)
        people.people["all"] = person(*MAY, teams=["a"])
        rows.items(2)
        rows.incident(3, TEAM)
        heard = [number_of(await events.change())]
        while heard[-1] != 3:
            heard.append(number_of(await events.change()))
        assert heard in ([2, 3], [1, 2, 3])
        people.people["all"] = ALL
        rows.incident(4, TEAM)
        rows.items(5)
        assert number_of(await events.change()) == 5


async def test_an_incident_that_is_restricted_meanwhile_is_not_told_and_one_that_is_opened_is(
    client: httpx.AsyncClient, rows: Rows
) -> None:
    async with stream(client, CHANGES, "all") as events:
        await events.begun()
        rows.incident(1)
        rows.incident(2, OTHER)
        assert number_of(await events.change()) == 1
        rows.restrict(1, OTHER)
        rows.restrict(2, None)
        assert (number_of(entry := await events.change()), entry["step"]) == (2, "CHANGED")
        assert await events.is_silent(0.5)
