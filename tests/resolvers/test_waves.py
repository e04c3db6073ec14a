"""Waves: batches depend on the shape of what is asked, never on how long stores take."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datasources.call import Call
from datasources.errors import SourceTimeout, SourceUnavailable
from datasources.records.queries import Scope
from datasources.sources import Sources
from resolvers.access import Principal, PrincipalKind
from resolvers.context import Context
from resolvers.errors import SourceLost
from resolvers.loaders.loader import Loader


class Children(Loader[int, list[int]]):
    """Node n has the children 2n and 2n + 1; each batch takes as long as the test says."""

    batches: list[list[int]]
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


def context_of(batches: list[list[int]], delays: list[float]) -> Context:
    principal = Principal("test", "test", PrincipalKind.USER, frozenset())
    return Context(principal, Scope(sees_restricted=False), cast("Sources", (batches, delays)), Call())


async def tree(context: Context, loader: str, key: int, depth: int) -> int:
    """Size of the tree below a key, loading level by level, with a gather at each."""
    children = await context.loader(Children, loader).load(key)
    if depth == 1:
        return len(children)
    sizes = await asyncio.gather(*(tree(context, loader, child, depth - 1) for child in children))
    return len(children) + sum(sizes)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from([0.0, 0.001, 0.004]), min_size=1, max_size=5))
def test_batches_do_not_depend_on_the_time_stores_take(delays: list[float]) -> None:
    async def run() -> list[list[int]]:
        batches: list[list[int]] = []
        context = context_of(batches, delays)
        sizes = await asyncio.gather(tree(context, "a", 1, 4), tree(context, "b", 1, 4))
        assert list(sizes) == [30, 30]
        return sorted(batches)

    level = [[1], [2, 3], [4, 5, 6, 7], [8, 9, 10, 11, 12, 13, 14, 15]]
    assert asyncio.run(run()) == sorted([name, *keys] for name in ("a", "b") for keys in level)


async def test_a_key_asked_twice_is_loaded_once() -> None:
    batches: list[list[int]] = []
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
