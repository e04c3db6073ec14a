"""Reading through the cache: what is stored comes back, and bytes of another shape are a miss, not an error."""

from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import cast

import msgspec
import pytest_asyncio

from datasources.cache.redis.adapter import RedisCache
from datasources.embedded.valkey import EmbeddedValkey
from datasources.records.queries import GroupCount, Scope
from datasources.request import RequestContext
from datasources.sources import Sources
from resolvers.context import Context
from resolvers.loading.loader import Loader
from resolvers.principals.principal import Principal, PrincipalKind
from tests.fixtures.witness import Log


class Counted:
    """The sources of one test: a real cache, and how often the store was asked."""

    def __init__(self, cache: RedisCache) -> None:
        self.cache = cache
        self.cache_seconds = 60.0
        self.asked: list[list[str]] = []


class GroupByName(Loader[str, GroupCount | None]):
    value = GroupCount | None
    reads = ("things",)

    async def fetch(self, keys: Sequence[str]) -> Mapping[str, GroupCount | None]:
        cast("Counted", self.context.sources).asked.append(sorted(keys))
        return {key: GroupCount(key, len(key)) for key in keys}

    def absent(self, key: str) -> GroupCount | None:
        return None


@pytest_asyncio.fixture(loop_scope="session")
async def counted(tmp_path: Path) -> AsyncIterator[Counted]:
    server = EmbeddedValkey(tmp_path / "valkey")
    server.start()
    cache = RedisCache(server.url, write_log=Log())
    yield Counted(cache)
    await cache.close()
    server.stop()


def loader(counted: Counted) -> GroupByName:
    principal = Principal("test", "Test", PrincipalKind.USER, frozenset())
    context = Context(principal, Scope(sees_restricted=False), cast("Sources", counted), RequestContext())
    return context.loader(GroupByName)


async def test_another_request_finds_what_the_first_loaded(counted: Counted) -> None:
    assert await loader(counted).load_many(["a", "bb"]) == [GroupCount("a", 1), GroupCount("bb", 2)]
    assert await loader(counted).load_many(["bb", "ccc"]) == [GroupCount("bb", 2), GroupCount("ccc", 3)]
    assert counted.asked == [["a", "bb"], ["ccc"]]


async def test_bytes_of_another_shape_are_loaded_anew(counted: Counted) -> None:
    name = loader(counted)._name("a")
    found = await counted.cache.get_many([name], ["things"])
    won = await counted.cache.lease_many([name], found.stamp)
    await counted.cache.fill({name: msgspec.msgpack.encode({"other": 1})}, won, found.stamp, 60.0)
    assert (await counted.cache.get_many([name], ["things"])).values != {}
    assert await loader(counted).load("a") == GroupCount("a", 1)
    assert counted.asked == [["a"]]
