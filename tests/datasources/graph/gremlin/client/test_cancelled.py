"""Callers that give up: nobody gets an answer to another's question, and no slot is lost."""

import asyncio
import gc
import random
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datasources.embedded.neptune_like import Faults, NeptuneLike
from datasources.graph.gremlin.source import g
from tests.datasources.graph.gremlin.client.conftest import MakeClient
from tests.datasources.graph.gremlin.client.faulty import out_of_step
from tests.fixtures.profiles import examples

Lines = Callable[[], list[dict[str, Any]]]


async def test_a_cancelled_call_takes_its_socket_along(
    make_client: MakeClient, double: NeptuneLike, lines: Lines
) -> None:
    client = make_client(url=double.url, pool_max=1)
    double.faults = Faults(lag_after=0.3)
    task = asyncio.create_task(client.submit(g.inject("first"), "test"))
    await asyncio.sleep(0.15)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    double.faults = Faults()
    assert await client.submit(g.inject("second"), "test") == ["second"]
    assert [each.connection for each in double.request_log.requests] == [1, 2]
    assert [each.get("code") for each in lines()] == ["Cancelled", ""]


async def test_three_hundred_calls_of_which_many_are_cancelled(make_client: MakeClient) -> None:
    client = make_client(pool_max=4)
    chance = random.Random(11)

    async def ask(number: int) -> list[Any]:
        rows: list[Any] = await client.submit(g.inject(number, *range(number % 90)), "test")
        return rows

    tasks = [asyncio.create_task(ask(number)) for number in range(300)]
    while not all(task.done() for task in tasks):
        await asyncio.sleep(chance.uniform(0, 0.01))
        if chance.random() < 0.5:
            chance.choice(tasks).cancel()
    answered = 0
    for number, task in enumerate(tasks):
        if not task.cancelled():
            assert task.result() == [number, *range(number % 90)]
            answered += 1
    assert 0 < answered < 300
    # No slot was lost on the way: all of them answer at once.
    assert await asyncio.gather(*(ask(number) for number in range(4))) == [[n, *range(n)] for n in range(4)]


async def test_a_call_that_is_cancelled_before_it_begins(make_client: MakeClient, double: NeptuneLike) -> None:
    client = make_client(url=double.url)
    # The client's thread is busy, so that it hears of the call and of its end at once.
    client._loop_thread.call_soon(lambda: time.sleep(0.2))
    task = asyncio.create_task(client.submit(g.inject(1), "test"))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await client.submit(g.inject(2), "test") == [2]
    gc.collect()
    assert len(double.request_log.requests) == 1


@pytest.mark.parametrize("first", [True, False], ids=["before the answer", "after the answer"])
async def test_a_stray_answer_is_nobodys(make_client: MakeClient, first: bool) -> None:
    async with out_of_step("8a0f5c52-7b0c-4a0e-9d0a-0d7a0c9f3f10", first=first) as url:
        client = make_client(url=url, pool_max=1)
        # Before the answer, the traversal is sent again on a second socket; after it, only the next one is.
        assert await client.submit(g.inject(1), "test") == [2 if first else 1]
        await asyncio.sleep(0.1)
        assert await client.submit(g.inject(2), "test") == [2]


@settings(max_examples=examples(25), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plan=st.lists(st.tuples(st.integers(0, 130), st.floats(0, 0.02)), min_size=1, max_size=12))
def test_each_answer_is_to_its_own_question(plan: list[tuple[int, float]], shared: Any) -> None:
    """Each step asks for so many rows and is given up after so many seconds, if it has no answer by then."""

    async def ask(number: int, rows: int, patience: float) -> list[Any] | None:
        try:
            async with asyncio.timeout(patience):
                answer: list[Any] = await shared.client.submit(g.inject(number, *range(1_000, 1_000 + rows)), "test")
                return answer
        except TimeoutError:
            return None

    async def all_of_them() -> None:
        answers = await asyncio.gather(*(ask(number, *step) for number, step in enumerate(plan)))
        for number, ((rows, _), answer) in enumerate(zip(plan, answers, strict=True)):
            # All rows differ: a Gremlin server brings equal ones together.
            assert answer in (None, [number, *range(1_000, 1_000 + rows)])

    asyncio.run(all_of_them())


@pytest.fixture
async def shared(make_client: MakeClient) -> Any:
    """One client for all examples, so that sockets given up in one would be met in the next."""

    class Shared:
        client = make_client(pool_max=2)

    return Shared
