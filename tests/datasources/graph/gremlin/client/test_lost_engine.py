"""An engine that is killed, stands still, or never answers: what callers see, and how the client finds it again."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from typing import Any

import pytest

from datasources.embedded.engines import TINKERGRAPH
from datasources.embedded.gremlin import EmbeddedGremlin
from datasources.embedded.neptune_like import Faults, NeptuneLike
from datasources.errors import SourceTimeout
from datasources.graph.gremlin.client import GremlinClient
from datasources.graph.gremlin.source import g
from datasources.request import RequestContext, use_request
from tests.datasources.graph.gremlin.client.conftest import MakeClient, url_of, within
from tests.datasources.graph.gremlin.client.faulty import mute
from tests.fixtures.gate import Gate
from tests.fixtures.gremlin import started
from tests.fixtures.standing_still import stand_still


async def until(condition: Any, seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.fixture
async def own_server() -> AsyncIterator[EmbeddedGremlin]:
    """An engine of this test's own, to be ill-treated."""
    with started(TINKERGRAPH) as server:
        yield server


async def test_reads_through_kill_and_restart_see_no_error(
    own_server: EmbeddedGremlin, make_client: MakeClient
) -> None:
    client = make_client(url=own_server.url)
    ending = asyncio.Event()

    async def read(number: int) -> int:
        count = 0
        while not ending.is_set():
            # The bound that is promised: an engine that is back within it costs no read an error.
            with within(30):
                # An answer to another's question would show here.
                assert await client.submit(g.inject(number, count), "test") == [number, count]
            count += 1
        return count

    loops = [asyncio.create_task(read(number)) for number in range(6)]
    await asyncio.sleep(0.5)
    port, pid = own_server.port, own_server.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await until(lambda: client.is_lost)
    await asyncio.to_thread(own_server.stop)
    await asyncio.to_thread(own_server.start, port)
    await until(lambda: not client.is_lost)
    ending.set()
    counts = await asyncio.gather(*loops)
    assert all(count > 1 for count in counts)


async def test_an_engine_that_stands_still(own_server: EmbeddedGremlin, make_client: MakeClient) -> None:
    client = make_client(url=own_server.url, pool_max=1)
    assert await client.submit(g.inject(1), "test") == [1]
    assert own_server.pid is not None
    stand_still(own_server.pid)
    try:
        loop = asyncio.get_running_loop()
        begin = loop.time()
        with within(0.5) as call, pytest.raises(SourceTimeout):
            await client.submit(g.inject(2), "test")
        assert loop.time() - begin >= 0.49
        assert call.usage.traversals == 1
    finally:
        os.kill(own_server.pid, signal.SIGCONT)
    # The answer to 2 is on the socket of before by now: a client that kept it would read it here.
    assert await client.submit(g.inject(3), "test") == [3]


async def test_an_endpoint_that_accepts_and_never_answers(make_client: MakeClient) -> None:
    async with mute() as port:
        client = make_client(url=f"ws://127.0.0.1:{port}/gremlin", connect_timeout=0.1)
        with within(1.0) as call, pytest.raises(SourceTimeout, match=r"did not answer within 0\.1 s"):
            await client.submit(g.inject(1), "test")
        assert call.usage.traversals == 0
        assert client.is_lost


async def test_a_deadline_shorter_than_the_connect_timeout(make_client: MakeClient) -> None:
    async with mute() as port:
        client = make_client(url=f"ws://127.0.0.1:{port}/gremlin", connect_timeout=30.0)
        with within(0.2), pytest.raises(SourceTimeout):
            await client.submit(g.inject(1), "test")


async def test_a_name_that_nobody_knows(make_client: MakeClient) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        raise OSError(-2, "Name or service not known")

    client = make_client(url="ws://graph.invalid:8182/gremlin", resolve=resolve)
    with within(0.3), pytest.raises(SourceTimeout, match=r"does not know graph\.invalid:8182"):
        await client.submit(g.inject(1), "test")


async def test_while_lost_one_socket_at_a_time_is_tried(gate: Gate, make_client: MakeClient) -> None:
    client = make_client(url=url_of(gate), pool_max=16, connect_timeout=0.2)
    gate.silence()

    async def wait() -> None:
        with within(3.0), pytest.raises(SourceTimeout):
            await client.submit(g.inject(1), "test")

    with within(1.0), pytest.raises(SourceTimeout):
        await client.submit(g.inject(1), "test")
    assert client.is_lost
    before = gate.seen
    await asyncio.gather(*(wait() for _ in range(50)))
    # Fifty callers wait three seconds: a try each, or one for every 0.2 s of each slot, would be hundreds.
    assert 2 <= gate.seen - before <= 10


async def test_who_waits_goes_on_when_it_is_found(gate: Gate, make_client: MakeClient) -> None:
    client = make_client(url=url_of(gate))
    await gate.shut()
    with within(0.8), pytest.raises(SourceTimeout):
        await client.submit(g.inject(1), "test")
    assert client.is_lost
    waiting = [asyncio.create_task(client.submit(g.inject(number), "test")) for number in range(20)]
    await asyncio.sleep(0.3)
    await gate.open()
    assert await asyncio.gather(*waiting) == [[number] for number in range(20)]
    assert not client.is_lost


async def test_a_probe_finds_the_way_back_without_a_traversal(gate: Gate, make_client: MakeClient) -> None:
    client = make_client(url=url_of(gate))
    assert not client.is_lost
    # Nothing is lost yet: nothing to look for.
    client.probe()
    assert await client.submit(g.inject(1), "test") == [1]
    assert gate.seen == 1
    await gate.shut()
    with within(0.8), pytest.raises(SourceTimeout):
        await client.submit(g.inject(1), "test")
    assert client.is_lost
    await gate.open()

    def found() -> bool:
        client.probe()
        return not client.is_lost

    await until(found)
    with use_request(RequestContext()) as call:
        assert await client.submit(g.inject(2), "test") == [2]
    assert call.usage.traversals == 1


async def test_two_failures_are_not_a_loss(make_client: MakeClient, double: NeptuneLike) -> None:
    client: GremlinClient = make_client(url=double.url)
    was_lost: list[bool] = []

    async def watch() -> None:
        while True:
            was_lost.append(client.is_lost)
            await asyncio.sleep(0.001)

    watching = asyncio.create_task(watch())
    for number in range(3):
        double.faults = Faults(refuse=(503, 503))
        assert await client.submit(g.inject(number), "test") == [number]
        double.drop_connections()
        await until(lambda: not double._open["writer"])
    watching.cancel()
    assert [each.status for each in double.request_log.handshakes] == [503, 503, 101] * 3
    assert set(was_lost) == {False}


async def test_a_standing_socket_is_used_while_no_other_can_be_opened(
    make_client: MakeClient, double: NeptuneLike
) -> None:
    client: GremlinClient = make_client(url=double.url, pool_max=2)
    assert await client.submit(g.inject(0), "test") == [0]
    double.faults = Faults(refuse_chance=1.0, lag_before=0.02)
    answers = await asyncio.gather(*(client.submit(g.inject(number), "test") for number in range(20)))
    assert answers == [[number] for number in range(20)]
    assert {each.connection for each in double.request_log.requests} == {1}


async def test_an_answer_on_a_standing_socket_ends_the_loss(make_client: MakeClient, double: NeptuneLike) -> None:
    client: GremlinClient = make_client(url=double.url, pool_max=2)
    double.faults = Faults(lag_after=1.5, refuse=())
    standing = asyncio.create_task(client.submit(g.inject(1), "test"))
    await until(lambda: double.request_log.requests)
    double.faults = Faults(lag_after=1.5, refuse_chance=1.0)
    with within(0.8), pytest.raises(SourceTimeout, match="refused the web socket with 429"):
        await client.submit(g.inject(2), "test")
    assert client.is_lost
    assert await standing == [1]
    assert not client.is_lost
