"""Handshakes that are refused, and the ways in which an open socket ends."""

from contextlib import suppress

import pytest
from aiohttp import WSServerHandshakeError

from datasources.embedded.neptune_like import Faults, NeptuneLike
from tests.datasources.embedded.neptune_like.client import ABNORMAL, Client, ClosedError, ended, g


async def test_handshakes_are_refused_in_order_and_then_accepted(double: NeptuneLike) -> None:
    double.faults = Faults(refuse=(429, 403))
    for status in (429, 403):
        with pytest.raises(WSServerHandshakeError) as caught:
            await Client(double.url).__aenter__()
        assert caught.value.status == status
    async with Client(double.url) as client:
        assert (await client.ask(g.inject(1))).data == [1]
    assert [handshake.status for handshake in double.request_log.handshakes] == [429, 403, 101]


async def test_handshakes_are_refused_by_chance(double: NeptuneLike) -> None:
    double.faults = Faults(refuse_chance=1.0, refuse_status=500)
    for _ in range(2):
        with pytest.raises(WSServerHandshakeError) as caught:
            await Client(double.url).__aenter__()
        assert caught.value.status == 500


async def test_a_socket_closes_after_so_many_answers(double: NeptuneLike) -> None:
    double.faults = Faults(close_after=2)
    async with Client(double.url) as client:
        assert (await client.ask(g.inject(1))).data == [1]
        assert (await client.ask(g.V(5))).code == "UnsupportedOperationException"
        assert await ended(client) == 1000


async def test_an_idle_socket_closes_normally(double: NeptuneLike) -> None:
    async with Client(double.url) as client:
        assert (await client.ask(g.inject(1))).data == [1]
        double.faults = Faults(idle_close=0.05)
        assert await ended(client) == 1000


async def test_a_busy_socket_closes_at_the_end_of_its_life(double: NeptuneLike) -> None:
    double.faults = Faults(life=0.3, idle_close=60.0)
    async with Client(double.url) as client:
        while not client.socket.closed:
            # Between two looks the socket may end before or after the question is sent.
            with suppress(ClosedError, ConnectionError):
                await client.ask(g.inject(1))
        assert client.socket.close_code == 1000


async def test_a_fail_over_drops_connections_and_takes_new_ones(double: NeptuneLike) -> None:
    async with Client(double.url) as one, Client(double.reader_url) as other:
        assert (await one.ask(g.inject(1))).data == [1]
        assert (await other.ask(g.inject(1))).data == [1]
        double.drop_connections()
        assert await ended(one) == ABNORMAL
        assert await ended(other) == ABNORMAL
        async with Client(double.url) as again:
            assert (await again.ask(g.inject(2))).data == [2]


async def test_an_engine_that_is_gone_refuses_the_handshake() -> None:
    with NeptuneLike("ws://127.0.0.1:9/gremlin") as double:
        with pytest.raises(WSServerHandshakeError) as caught:
            await Client(double.url).__aenter__()
        assert caught.value.status == 503
        assert [handshake.status for handshake in double.request_log.handshakes] == [503]
