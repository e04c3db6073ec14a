"""Web sockets: how many, how old, to which replica, and whether a sleeper still lives."""

import asyncio
import time
from collections.abc import Callable, Sequence
from itertools import cycle
from typing import Any

import pytest

from datasources.embedded.gremlin import EmbeddedGremlin
from datasources.embedded.neptune_like import Faults, NeptuneLike
from datasources.graph.gremlin.client import pool as endpoints
from datasources.graph.gremlin.client.load_balancer import FAILED_ADDRESS_PENALTY_SECONDS, LoadBalancer
from datasources.graph.gremlin.source import g
from tests.datasources.graph.gremlin.client.conftest import MakeClient, url_of
from tests.datasources.graph.gremlin.client.faulty import pipes
from tests.fixtures.gate import Gate

Resolve = Callable[[str, int], Any]


async def test_one_socket_serves_one_caller_after_another(make_client: MakeClient, double: NeptuneLike) -> None:
    client = make_client(url=double.url)
    for number in range(5):
        assert await client.submit(g.inject(number), "test") == [number]
    assert [each.connection for each in double.request_log.requests] == [1] * 5


async def test_no_more_sockets_than_allowed(make_client: MakeClient, double: NeptuneLike) -> None:
    client = make_client(url=double.url, pool_max=3)
    answers = await asyncio.gather(*(client.submit(g.inject(number), "test") for number in range(60)))
    assert answers == [[number] for number in range(60)]
    assert len(double.request_log.handshakes) == 3
    assert {each.connection for each in double.request_log.requests} == {1, 2, 3}


async def test_an_old_socket_is_given_up(make_client: MakeClient, double: NeptuneLike) -> None:
    client = make_client(url=double.url, socket_seconds=0.3)
    assert await client.submit(g.inject(1), "test") == [1]
    await asyncio.sleep(0.4)
    assert await client.submit(g.inject(2), "test") == [2]
    assert [each.connection for each in double.request_log.requests] == [1, 2]


async def test_sockets_do_not_all_end_at_once(
    make_client: MakeClient, double: NeptuneLike, monkeypatch: pytest.MonkeyPatch
) -> None:
    ages: list[tuple[float, float]] = []

    def noted(least: float, most: float) -> float:
        ages.append((least, most))
        return least

    monkeypatch.setattr("random.uniform", noted)
    await make_client(url=double.url).submit(g.inject(1), "test")
    assert (0.9, 1.1) in ages


async def test_a_socket_that_ended_while_idle_is_not_used(make_client: MakeClient, double: NeptuneLike) -> None:
    client = make_client(url=double.url, pool_max=1)
    double.faults = Faults(idle_close=0.05)
    assert await client.submit(g.inject(1), "test") == [1]
    await asyncio.sleep(0.3)
    assert await client.submit(g.inject(2), "test") == [2]
    # The second was sent once: the end of the first socket was read as it came.
    assert [each.connection for each in double.request_log.requests] == [1, 2]


@pytest.fixture
def sleepy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sockets count as asleep after 50 ms."""
    monkeypatch.setattr(endpoints, "PING_AFTER_IDLE_SECONDS", 0.05)


async def test_a_sleeper_that_answers_is_used(make_client: MakeClient, gate: Gate, sleepy: None) -> None:
    client = make_client(url=url_of(gate))
    for number in range(3):
        assert await client.submit(g.inject(number), "test") == [number]
        await asyncio.sleep(0.1)
    assert gate.seen == 1


async def test_sleepers_that_do_not_answer_are_dropped_together(
    make_client: MakeClient, gate: Gate, sleepy: None
) -> None:
    client = make_client(url=url_of(gate), pool_max=4)
    await asyncio.gather(*(client.submit(g.inject(number), "test") for number in range(40)))
    assert gate.seen == 4
    gate.silence()
    await asyncio.sleep(0.1)
    task = asyncio.create_task(client.submit(g.inject(7), "test"))
    # One ping, unanswered for half a second, speaks for all four.
    await asyncio.sleep(endpoints.PING_TIMEOUT_SECONDS + 0.2)
    assert gate.seen == 5
    await gate.open()
    assert await task == [7]


async def test_a_socket_that_just_answered_is_not_asked(make_client: MakeClient, gate: Gate) -> None:
    client = make_client(url=url_of(gate), pool_max=1)
    assert await client.submit(g.inject(1), "test") == [1]
    gate.silence()
    task = asyncio.create_task(client.submit(g.inject(2), "test"))
    await asyncio.sleep(endpoints.PING_TIMEOUT_SECONDS + 0.2)
    # It waits for its answer on the socket of before, and for no ping.
    assert (gate.seen, task.done()) == (1, False)
    await gate.open()
    assert await task == [2]


def rotating(*answers: Sequence[str]) -> Resolve:
    turns = cycle(answers)

    async def resolve(host: str, port: int) -> Sequence[str]:
        return next(turns)

    return resolve


@pytest.mark.parametrize(
    "resolve",
    [
        rotating(["127.0.0.1"], ["127.0.0.2"]),
        rotating(["127.0.0.1", "127.0.0.2"]),
        rotating(["127.0.0.2", "127.0.0.1"], ["127.0.0.1", "127.0.0.2"]),
    ],
    ids=["one address at a time, in turn", "both, always in one order", "both, in turn"],
)
async def test_sockets_spread_over_replicas(
    make_client: MakeClient, gremlin_server: EmbeddedGremlin, resolve: Resolve
) -> None:
    async with pipes(gremlin_server.port, "127.0.0.1", "127.0.0.2") as replicas:
        client = make_client(url=f"ws://reader.test:{replicas.port}/gremlin", resolve=resolve, pool_max=4)
        await asyncio.gather(*(client.submit(g.inject(number), "test") for number in range(40)))
        assert sorted(replicas.accepted) == ["127.0.0.1"] * 2 + ["127.0.0.2"] * 2


async def test_a_socket_that_ends_makes_room_at_its_replica(
    make_client: MakeClient, gremlin_server: EmbeddedGremlin
) -> None:
    async with pipes(gremlin_server.port, "127.0.0.1", "127.0.0.2") as replicas:
        resolve = rotating(["127.0.0.1", "127.0.0.2"])
        client = make_client(
            url=f"ws://reader.test:{replicas.port}/gremlin", resolve=resolve, pool_max=1, socket_seconds=0.01
        )
        for number in range(4):
            assert await client.submit(g.inject(number), "test") == [number]
            await asyncio.sleep(0.02)
        # Each socket is too old for the next call, so none is open when the next is chosen: always the first.
        assert replicas.accepted == ["127.0.0.1"] * 4


async def test_a_dead_replica_costs_no_error(
    make_client: MakeClient, gremlin_server: EmbeddedGremlin, lines: Callable[[], list[dict[str, Any]]]
) -> None:
    async with pipes(gremlin_server.port, "127.0.0.2") as replicas:
        resolve = rotating(["127.0.0.1", "127.0.0.2"])
        client = make_client(url=f"ws://reader.test:{replicas.port}/gremlin", resolve=resolve)
        await asyncio.gather(*(client.submit(g.inject(number), "test") for number in range(40)))
        assert set(replicas.accepted) == {"127.0.0.2"}
        assert not client.is_lost
        # The living one is asked in the same try.
        assert {each["retries"] for each in lines()} == {0}


async def test_an_address_that_failed_goes_last_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    spreading = LoadBalancer("reader.test", 8182, rotating(["a", "b", "c"]))
    spreading.count_opening("a")
    spreading.count_failed("a")
    spreading.count_opening("b")
    assert await spreading.addresses() == ["c", "b", "a"]
    spreading.count_closed("b")
    assert await spreading.addresses() == ["b", "c", "a"]
    later = time.monotonic() + FAILED_ADDRESS_PENALTY_SECONDS + 1
    monkeypatch.setattr("time.monotonic", lambda: later)
    assert await spreading.addresses() == ["a", "b", "c"]


async def test_the_system_resolves_names_by_default(make_client: MakeClient, gremlin_server: EmbeddedGremlin) -> None:
    client = make_client(url=gremlin_server.url.replace("127.0.0.1", "localhost"))
    assert await client.submit(g.inject(1), "test") == [1]
    assert (await client.health()).details["endpoint"] == f"localhost:{gremlin_server.port}"
