"""No cache: everything is a miss, every lease is won, nothing is asked."""

from datasources.cache.off import NoCache
from datasources.cache.port import Cache
from datasources.request import RequestContext, use_request
from tests.datasources.cache.test_laws import put


async def test_everything_is_a_miss_and_every_lease_is_won() -> None:
    cache: Cache = NoCache()
    with use_request(RequestContext()) as call:
        await put(cache, {"k": b"v"}, ["t"])
        found = await cache.get_many(["k"], ["t"])
        assert (found.values, found.stamp) == ({}, b"")
        assert await cache.lease_many(["k", "l"], b"") == {"k": "", "l": ""}
        assert await cache.wait_many(["k"], ["t"]) == {}
        await cache.invalidate(["t"])
        assert (await cache.health()).version == "off"
        await cache.close()
    assert call.usage.cache == 0
