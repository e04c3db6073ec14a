"""Fair queueing: one flow can't hold everything, who holds the fewest is next, and no turn is lost."""

import asyncio
import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasources.aurora.driver.fair_queue import MAX_WAITING_PER_FLOW, RESERVE_DIVISOR, FairQueue, QueueFull


async def turn(queue: FairQueue, flow: str, order: list[str], seconds: float = 9.0) -> None:
    await queue.acquire(flow, seconds)
    order.append(flow)


async def waiting(queue: FairQueue, flow: str, order: list[str]) -> asyncio.Task[None]:
    """A task that waits for its turn."""
    task = asyncio.create_task(turn(queue, flow, order))
    await asyncio.sleep(0)
    return task


async def test_a_flow_alone_leaves_a_fifth_for_others() -> None:
    queue = FairQueue(10)
    for _ in range(8):
        await queue.acquire("hog", 0)
    with pytest.raises(TimeoutError):
        await queue.acquire("hog", 0.001)
    assert (queue.free, queue.waiting) == (2, 0)
    # Others have the rest at once, one each.
    await queue.acquire("one", 0)
    with pytest.raises(TimeoutError):
        await queue.acquire("one", 0.001)
    await queue.acquire("two", 0)
    assert queue.free == 0


@pytest.mark.parametrize("capacity", range(1, RESERVE_DIVISOR))
async def test_a_small_pool_holds_nothing_back(capacity: int) -> None:
    queue = FairQueue(capacity)
    for _ in range(capacity):
        await queue.acquire("alone", 0)
    assert queue.free == 0


async def test_a_free_turn_does_not_suspend() -> None:
    with pytest.raises(StopIteration):
        FairQueue(1).acquire("any", 9.0).send(None)


async def test_who_holds_the_fewest_is_next_and_among_equals_the_first() -> None:
    queue, order = FairQueue(4), list[str]()
    for flow in ("a", "a", "a", "b"):
        await queue.acquire(flow, 0)
    tasks = [await waiting(queue, flow, order) for flow in ("a", "a", "b", "c", "d", "c")]
    for flow in ("a", "a", "a", "b"):
        queue.release(flow)
    await asyncio.sleep(0.01)
    # c and d hold none, then a has none left, then b.
    assert order == ["c", "d", "a", "b"]
    assert queue.waiting == 2
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert queue.waiting == 0


async def test_flows_that_always_wait_have_turns_by_turns() -> None:
    queue, order = FairQueue(1), list[str]()
    await queue.acquire("a", 0)
    tasks = [await waiting(queue, flow, order) for flow in "aaabbc"]
    holder = "a"
    for number in range(len(tasks)):
        queue.release(holder)
        await asyncio.sleep(0.01)
        holder = order[number]
    assert order == ["a", "b", "c", "a", "b", "a"]
    await asyncio.gather(*tasks)


async def test_a_flow_that_waits_too_often_is_refused_and_others_are_not() -> None:
    queue, order = FairQueue(1), list[str]()
    await queue.acquire("a", 0)
    tasks = [await waiting(queue, "a", order) for _ in range(MAX_WAITING_PER_FLOW)]
    with pytest.raises(QueueFull):
        await queue.acquire("a", 9.0)
    tasks.append(await waiting(queue, "b", order))
    queue.release("a")
    await asyncio.sleep(0.01)
    assert len(order) == 1
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@given(
    capacity=st.integers(1, 12),
    seed=st.integers(0, 10_000),
    flows=st.lists(st.sampled_from("abcd"), min_size=1, max_size=40),
)
def test_no_turn_is_lost_and_no_bound_is_passed(capacity: int, seed: int, flows: list[str]) -> None:
    """Takers end, run out of time and are cancelled, also in the moment in which they get their turn."""

    async def run() -> None:
        die, queue, held = random.Random(seed), FairQueue(capacity), Counter[str]()
        most = capacity - capacity // RESERVE_DIVISOR

        async def work(flow: str) -> None:
            await queue.acquire(flow, die.choice([0.0, 0.001, 9.0]))
            held[flow] += 1
            try:
                assert held.total() + queue.free <= capacity
                assert held[flow] <= max(1, most)
                for _ in range(die.randrange(4)):
                    await asyncio.sleep(0)
            finally:
                held[flow] -= 1
                queue.release(flow)

        tasks = [asyncio.create_task(work(flow)) for flow in flows]
        for task in tasks:
            for _ in range(die.randrange(3)):
                await asyncio.sleep(0)
            if die.random() < 0.3:
                task.cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(each is None or isinstance(each, TimeoutError | asyncio.CancelledError) for each in done)
        assert (queue.free, queue.waiting) == (capacity, 0)

    asyncio.run(run())
