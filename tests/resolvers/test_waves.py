"""Waves: batches depend on the shape of what is asked, never on how long stores take."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datasources.errors import SourceTimeout, SourceUnavailable
from datasources.records.queries import Scope
from datasources.request import RequestContext
from datasources.sources import Sources
from resolvers.context import Context
from resolvers.errors import SourceLost
from resolvers.loading.loader import Loader
from resolvers.principals.principal import Principal, PrincipalKind
from tests.fixtures.profiles import examples


class Children(Loader[int, list[int]]):
    """Node n has the children 2n and 2n + 1; each batch takes as long as the test says."""

    batches: list[list[Any]]
    delays: list[float]

    def __init__(self, context: Context, arguments: Any = None) -> None:
        super().__init__(context, arguments)
        self.batches, self.delays = context.sources  # type: ignore[misc]

    @property
    def reads(self) -> tuple[str, ...]:
        return ()

    async def fetch(self, keys: Sequence[int]) -> Mapping[int, list[int]]:
        self.batches.append([self.arguments, *sorted(keys)])
        await asyncio.sleep(self.delays[len(self.batches) % len(self.delays)])
        return {key: [2 * key, 2 * key + 1] for key in keys}

    def absent(self, key: int) -> list[int]:
        return []


class Broken(Children):
    async def fetch(self, keys: Sequence[int]) -> Mapping[int, list[int]]:
        raise SourceTimeout("main", "late") if self.arguments else SourceUnavailable("main", "gone")


def context_of(batches: list[list[Any]], delays: list[float]) -> Context:
    principal = Principal("test", "test", PrincipalKind.USER, frozenset())
    return Context(principal, Scope(sees_restricted=False), cast("Sources", (batches, delays)), RequestContext())


async def branch(context: Context, own: str, key: int, depth: int) -> None:
    """Load level by level with a loader of one's own, and at each level from one that all branches share."""
    children = await context.loader(Children, own).load(key)
    await context.loader(Children, "shared").load(key)
    if depth > 1:
        await asyncio.gather(*(branch(context, own, child, depth - 1) for child in children))


@settings(max_examples=examples(25))
@given(st.lists(st.sampled_from([0.0, 0.001, 0.004]), min_size=2, max_size=5))
def test_batches_do_not_depend_on_the_time_stores_take(delays: list[float]) -> None:
    async def run() -> list[list[Any]]:
        batches: list[list[Any]] = []
        context = context_of(batches, delays)
        await asyncio.gather(branch(context, "a", 1, 3), branch(context, "b", 8, 3))
        # Within a wave the faster batch starts its answer first; waves themselves never overlap.
        return [
            batch
            for start in range(0, len(batches), 3)
            for batch in [*sorted(batches[start : start + 2]), *batches[start + 2 : start + 3]]
        ]

    own_a, own_b = [[1], [2, 3], [4, 5, 6, 7]], [[8], [16, 17], [32, 33, 34, 35]]
    expected: list[list[Any]] = []
    for level_a, level_b in zip(own_a, own_b, strict=True):
        expected += [["a", *level_a], ["b", *level_b], ["shared", *level_a, *level_b]]
    assert asyncio.run(run()) == expected


async def test_a_key_asked_twice_is_loaded_once() -> None:
    batches: list[list[Any]] = []
    loader = context_of(batches, [0]).loader(Children, "a")
    assert list(await asyncio.gather(loader.load(3), loader.load(3))) == [[6, 7], [6, 7]]
    assert await loader.load(3) == [6, 7]
    assert batches == [["a", 3]]


@pytest.mark.parametrize(("late", "message"), [(False, "main is not available"), (True, "main did not answer in time")])
async def test_a_lost_store_is_a_typed_error_for_every_waiting_field(late: bool, message: str) -> None:
    loader = context_of([], [0]).loader(Broken, late)
    errors = await asyncio.gather(loader.load(1), loader.load(2), return_exceptions=True)
    assert [str(error) for error in errors] == [message, message]
    assert all(isinstance(error, SourceLost) and error.extensions["store"] == "main" for error in errors)


async def test_a_store_that_uses_up_half_the_time_left_is_not_waited_for() -> None:
    batches: list[list[Any]] = []
    context = context_of(batches, [0, 60, 0])
    context.request.deadline = asyncio.get_running_loop().time() + 0.2
    late = context.loader(Children, "late").load(1)
    assert await context.loader(Children, "a").load(1) == [2, 3]
    assert await context.loader(Children, "a").load(2) == [4, 5]
    assert not late.done()
    assert batches == [["late", 1], ["a", 1], ["a", 2]]
