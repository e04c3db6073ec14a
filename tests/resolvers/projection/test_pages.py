"""Work on several pages at once: no more than asked for, heard of in order, and ended together."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from resolvers.projection.pages import process_in_order


async def numbers(most: int) -> AsyncIterator[int]:
    for number in range(most):
        yield number


@pytest.mark.parametrize("at_once", [1, 2, 4])
async def test_so_many_are_under_way_and_heard_of_in_order(at_once: int) -> None:
    under_way = 0
    most = 0
    heard: list[tuple[int, int]] = []

    async def work(number: int) -> int:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        # The later the page, the sooner it is done.
        for _ in range(40 - 3 * number):
            await asyncio.sleep(0)
        under_way -= 1
        return number * number

    await process_in_order(numbers(10), work, lambda page, result: heard.append((page, result)), at_once)
    assert most == at_once
    assert heard == [(number, number * number) for number in range(10)]


async def test_the_first_failure_ends_the_others() -> None:
    ended: list[int] = []
    heard: list[int] = []
    wait = asyncio.Event()

    async def work(number: int) -> None:
        if number == 1:
            raise ZeroDivisionError
        if number > 1:
            try:
                await wait.wait()
            except asyncio.CancelledError:
                ended.append(number)
                raise

    with pytest.raises(ZeroDivisionError):
        # Without the end of the others this waits for them.
        async with asyncio.timeout(20):
            await process_in_order(numbers(10), work, lambda page, _: heard.append(page), 4)
    assert (heard, ended) == ([0], [2, 3])
