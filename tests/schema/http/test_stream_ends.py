"""How streams end, and what they outlive: access that is over, slow readers, a lost database, a server's end."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson
import pytest

from datasources.aurora.outbox import outbox
from datasources.errors import SourceUnavailable
from datasources.sources import Sources
from resolvers.principals.errors import ExpiredToken, IssuerUnavailable
from tests.fixtures.databases import READER, person, sources_of
from tests.fixtures.emf import measured, values
from tests.fixtures.feeding import Rows, id_of, number_of
from tests.fixtures.gate import Gate
from tests.fixtures.stream_stores import client, clients, people, rows, sources, url
from tests.fixtures.streaming import URL, People, application, served, stream

__all__ = ["client", "people", "rows", "sources", "url"]

CHANGES = "subscription ($cursor: String) { changes(cursor: $cursor) { id cursor node { id } } }"


async def test_a_token_that_expires_ends_the_stream_and_its_cursor_goes_on_with_a_new_one(
    client: httpx.AsyncClient, rows: Rows, people: People
) -> None:
    async with stream(client, CHANGES, "all") as events:
        await events.begun()
        rows.items(1)
        first = await events.change()
        people.people["all"], people.people["new"] = ExpiredToken(), people.people["all"]
        rows.items(2)
        ended = await events.error()
    assert (ended["code"], ended["message"]) == ("UNAUTHENTICATED", "The token has expired.")
    assert ended["cursor"] == first["cursor"]
    async with stream(client, CHANGES, "new", cursor=ended["cursor"]) as events:
        assert number_of(await events.change()) == 2


async def test_a_token_that_expires_ends_a_stream_that_is_silent_too(client: httpx.AsyncClient, people: People) -> None:
    async with stream(client, CHANGES, "all") as events:
        await events.begun()
        people.people["all"] = ExpiredToken()
        assert (await events.error())["code"] == "UNAUTHENTICATED"


@pytest.mark.parametrize("lost", ["feed:read", "configuration-items:read"])
async def test_a_permission_that_is_taken_away_is_gone_from_then_on(
    client: httpx.AsyncClient, rows: Rows, people: People, lost: str
) -> None:
    kinds = "subscription { changes(kinds: [CONFIGURATION_ITEM]) { id } }"
    async with stream(client, kinds, "all") as events:
        await events.begun()
        people.people["all"] = person(*({*READER, "feed:read"} - {lost}))
        rows.items(1)
        ended = await events.error()
    assert (ended["code"], ended["permission"]) == ("FORBIDDEN", lost)


@pytest.mark.parametrize("lost", [IssuerUnavailable(), SourceUnavailable("main", "away")], ids=["issuer", "keys"])
async def test_while_nobody_can_tell_who_listens_nothing_is_shown_and_nothing_lost(
    client: httpx.AsyncClient, rows: Rows, people: People, lost: Exception
) -> None:
    async with stream(client, CHANGES, "all") as events:
        begin = await events.begun()
        people.people["all"], before = lost, people.people["all"]
        rows.items(1, 2)
        alive = events.alive
        assert await events.begun() == begin
        assert events.alive == alive + 1
        people.people["all"] = before
        assert [number_of(await events.change()) for _ in range(2)] == [1, 2]


@asynccontextmanager
async def unread(address: str, query: str, **variables: Any) -> AsyncIterator[tuple[asyncio.StreamReader, Any]]:
    """A stream whose reader takes little, and nothing unless told to."""
    parts = urlsplit(address)
    with socket.socket() as small:
        small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        small.setblocking(False)
        await asyncio.get_running_loop().sock_connect(small, (parts.hostname, parts.port))
        reader, writer = await asyncio.open_connection(sock=small, limit=1_000)
        body = orjson.dumps({"query": query, "variables": variables})
        head = (
            f"POST {URL} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: text/event-stream\r\nauthorization: Bearer all\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        await writer.drain()
        yield reader, writer
        writer.close()


async def rest(reader: asyncio.StreamReader) -> list[Any]:
    """Everything that a stream says until it ends."""
    pieces = []
    while piece := await reader.read(65_536):
        pieces.append(piece)
        if piece.endswith(b"0\r\n\r\n"):
            break
    # Without the lengths of HTTP's chunks, which stand on lines of their own.
    text = b"".join(pieces).partition(b"\r\n\r\n")[2]
    lines = b"".join(text.split(b"\r\n")[1::2]).split(b"\n")
    return [orjson.loads(line[6:]) for line in lines if line.startswith(b"data: {")] + [lines[-4]]


async def test_a_reader_that_is_too_slow_is_told_where_to_go_on(sources: Sources, people: People, rows: Rows) -> None:
    heavy = "subscription { changes { id node { ... on ConfigurationItem { attributes } } } }"
    made = application(sources, people, buffer=60)
    async with served(made) as address, httpx.AsyncClient(base_url=address, timeout=30) as quick:
        async with stream(quick, CHANGES, "all") as events, unread(address, heavy) as (reader, _):
            await events.begun()
            while made.state.streams.count < 2:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.2)
            rows.connection.execute(
                "INSERT INTO configuration_items (id, name, class_key, attributes) SELECT "
                "('00000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'a', 'service', "
                "jsonb_build_object('text', repeat('x', 100000)) FROM generate_series(1, 300) n"
            )
            # Who reads meanwhile hears of everything, though it is more than may wait for anybody.
            assert [number_of(await events.change()) for _ in range(300)] == [*range(1, 301)]
            *bodies, last = await rest(reader)
        *heard, end = bodies
        assert last == b"event: complete"
        numbers = [int(each["data"]["changes"]["id"][-12:], 16) for each in heard]
        assert numbers == [*range(1, len(numbers) + 1)]
        assert 0 < len(numbers) < 300
        (error,) = end["errors"]
        assert error["extensions"]["code"] == "STREAM_BEHIND"
        async with stream(quick, CHANGES, "all", cursor=error["extensions"]["cursor"]) as events:
            missed = [number_of(await events.change()) for _ in range(300 - len(numbers))]
    assert numbers + missed == [*range(1, 301)]


async def test_a_lost_database_costs_no_entry(people: People, rows: Rows, url: str) -> None:
    gate = Gate(url)
    await gate.open()
    sources = sources_of(gate.url, gate.url)
    try:
        async with clients(application(sources, people)) as client, stream(client, CHANGES, "all") as events:
            await events.begun()
            rows.items(1)
            heard = [number_of(await events.change())]
            for number in (2, 4):
                await gate.shut()
                rows.items(number)
                # Signs of life go on.
                alive = events.alive
                while events.alive < alive + 3:
                    await events.begun()
                await gate.open()
                rows.items(number + 1)
                heard += [number_of(await events.change()) for _ in range(2)]
        assert heard == [1, 2, 3, 4, 5]
    finally:
        await sources.close()
        await gate.shut()


async def test_a_stream_that_cannot_begin_says_what_is_lost(people: People, rows: Rows, url: str) -> None:
    gate = Gate(url)
    await gate.open()
    sources = sources_of(gate.url, gate.url)
    try:
        async with clients(application(sources, people)) as client:
            async with stream(client, CHANGES, "all") as events:
                begin = await events.begun()
            await gate.shut()
            for cursor in (None, begin):
                async with stream(client, CHANGES, "all", cursor=cursor) as events:
                    ended = await events.error()
                assert (ended["code"], ended["store"], ended.get("cursor")) == ("SOURCE_UNAVAILABLE", "main", cursor)
    finally:
        await sources.close()
        await gate.shut()


async def test_a_cursor_before_what_is_kept_is_refused(client: httpx.AsyncClient, rows: Rows, sources: Sources) -> None:
    async with stream(client, CHANGES, "all") as events:
        begin = await events.begun()
    rows.items(1)
    rows.connection.execute("UPDATE outbox SET projected = true, written_at = now() - interval '8 days'")
    assert await outbox.purge(sources.main, 7, 10_000) >= 1
    async with stream(client, CHANGES, "all", cursor=begin) as events:
        ended = await events.error()
    assert (ended["code"], ended["message"][:60]) == (
        "BAD_USER_INPUT",
        "the cursor is older than the retention of the change feed (7",
    )


async def test_streams_end_with_the_server_and_are_not_complete(sources: Sources, people: People, rows: Rows) -> None:
    """A client takes `complete` as the end; without it, it comes back to whoever serves then."""
    made = application(sources, people)
    async with clients(made) as client, stream(client, CHANGES, "all") as events:
        await events.begun()
        rows.items(1)
        assert number_of(await events.change()) == 1
        made.state.streams.stop_all()
        with pytest.raises(EOFError):
            await events.next()
        reply = await client.post(URL, json={"query": CHANGES}, headers={"authorization": "Bearer all"})
        assert reply.status_code == 503
    assert made.state.streams.count == 0


async def test_streams_are_counted_as_they_begin_and_end_and_their_events_once(
    sources: Sources, people: People, rows: Rows, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "stackflow.metrics")
    made = application(sources, people)
    async with clients(made) as client:
        async with stream(client, CHANGES, "all") as first, stream(client, CHANGES, "all") as second:
            for each in (first, second):
                await each.begun()
            rows.items(1, 2)
            assert [number_of(await first.change()) for _ in range(2)] == [1, 2]
            assert [number_of(await second.change()) for _ in range(2)] == [1, 2]
        async with asyncio.timeout(10):
            while made.state.streams.count:
                await asyncio.sleep(0.01)
    lines = measured(caplog.records)
    assert [values(each, "OpenStreams") for each in lines if "OpenStreams" in each] == [(1,), (2,), (1,), (0,)]
    assert [values(each, "StreamEvents") for each in lines if "StreamEvents" in each] == [(2,), (2,)]


async def test_a_reader_that_takes_nothing_does_not_hold_up_the_end(
    sources: Sources, people: People, rows: Rows
) -> None:
    made = application(sources, people)
    heavy = "subscription { changes { node { ... on ConfigurationItem { attributes } } } }"
    async with served(made) as address, unread(address, heavy):
        while not made.state.streams.count:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        rows.items(1)
        rows.connection.execute(
            "UPDATE configuration_items SET attributes = jsonb_build_object('text', repeat('x', 20000000)) "
            "WHERE id = %s",
            (id_of(1),),
        )
        await asyncio.sleep(0.5)
        made.state.streams.stop_all()
        async with asyncio.timeout(10):
            while made.state.streams.count:
                await asyncio.sleep(0.01)
