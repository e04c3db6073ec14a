"""The laws of the cache port, on every server it must hold on."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

import pytest

from datasources.cache.port import Cache
from datasources.request import RequestContext, current_request, use_request
from tests.datasources.cache.conftest import Clients

Load = Callable[[Sequence[str]], Awaitable[dict[str, bytes]]]


async def read_through(cache: Cache, keys: Sequence[str], tables: Sequence[str], load: Load) -> dict[str, bytes]:
    """What a loader does: get, lease, load and fill what was won, wait for the rest, load what never came."""
    found = await cache.get_many(keys, tables)
    values = dict(found.values)
    missing = [key for key in keys if key not in values]
    tokens = await cache.lease_many(missing, found.stamp)
    if tokens:
        loaded = await load(list(tokens))
        await cache.fill(loaded, tokens, found.stamp, 60)
        values |= loaded
    waiting = [key for key in missing if key not in tokens]
    values |= await cache.wait_many(waiting, tables)
    left = [key for key in keys if key not in values]
    return values | (await load(left) if left else {})


async def put(cache: Cache, values: dict[str, bytes], tables: Sequence[str], seconds: float = 60) -> None:
    found = await cache.get_many(list(values), tables)
    await cache.fill(values, await cache.lease_many(list(values), found.stamp), found.stamp, seconds)


@pytest.mark.parametrize("value", [b"", b"\x00\r\n\xff", b"x" * 1_000_000], ids=["empty", "binary", "megabyte"])
async def test_value_comes_back_as_given_in_another_process(clients: Clients, name: str, value: bytes) -> None:
    await put(clients.open(), {name: value}, [name])
    assert (await clients.open().get_many([name, name + "-other"], [name])).values == {name: value}


async def test_every_verb_is_one_round_trip(clients: Clients, name: str) -> None:
    cache = clients.open()
    keys = [f"{name}{i}" for i in range(200)]
    spent = []
    with use_request(RequestContext()) as call:
        found = await cache.get_many(keys, [name, name + "b"])
        spent.append(call.usage.cache)
        tokens = await cache.lease_many(keys, found.stamp)
        spent.append(call.usage.cache)
        await cache.fill(dict.fromkeys(keys, b"v"), tokens, found.stamp, 60)
        spent.append(call.usage.cache)
        assert len(await cache.wait_many(keys, [name, name + "b"])) == 200
        spent.append(call.usage.cache)
        await cache.invalidate([name, name + "b"])
        spent.append(call.usage.cache)
        await cache.health()
        spent.append(call.usage.cache)
    assert spent == [1, 2, 3, 4, 5, 6]


async def test_nothing_asked_costs_no_round_trip(clients: Clients, name: str) -> None:
    cache = clients.open()
    with use_request(RequestContext()) as call:
        found = await cache.get_many([], [name])
        assert found.values == {}
        assert await cache.lease_many([], found.stamp) == {}
        assert await cache.wait_many([], [name]) == {}
        await cache.fill({}, {}, found.stamp, 60)
        await cache.invalidate([])
    assert call.usage.cache == 0


async def test_invalidate_misses_what_depends_on_any_of_its_tables_and_nothing_else(
    clients: Clients, name: str
) -> None:
    cache, other = clients.open(), clients.open()
    a, b = name + "a", name + "b"
    await put(cache, {name + "1": b"a"}, [a])
    await put(cache, {name + "2": b"ab"}, [b, a])
    await put(cache, {name + "3": b"b"}, [b])
    await put(cache, {name + "4": b"none"}, [])
    await cache.invalidate([a])
    assert (await other.get_many([name + "1"], [a])).values == {}
    assert (await other.get_many([name + "2"], [a, b])).values == {}
    assert (await other.get_many([name + "3"], [b])).values == {name + "3": b"b"}
    assert (await other.get_many([name + "4"], [])).values == {name + "4": b"none"}


async def test_value_is_not_read_under_other_tables_than_it_was_filled_under(clients: Clients, name: str) -> None:
    cache = clients.open()
    await put(cache, {name: b"v"}, [name + "a"])
    assert (await cache.get_many([name], [name + "a", name + "b"])).values == {}
    assert (await cache.get_many([name], [])).values == {}


async def test_lease_is_won_once_until_it_is_filled_and_then_not_at_all(clients: Clients, name: str) -> None:
    first, second = clients.open(), clients.open()
    found = await first.get_many([name], [name])
    late = await second.get_many([name], [name])
    tokens = await first.lease_many([name], found.stamp)
    assert list(tokens) == [name]
    assert await second.lease_many([name], late.stamp) == {}
    await first.fill({name: b"v"}, tokens, found.stamp, 60)
    assert await second.lease_many([name], late.stamp) == {}
    assert await second.wait_many([name], [name]) == {name: b"v"}


async def test_waiting_ends_with_the_value_another_process_fills(clients: Clients, name: str) -> None:
    first, second = clients.open(), clients.open()
    found = await first.get_many([name], [name])
    tokens = await first.lease_many([name], found.stamp)
    with use_request(RequestContext()) as call:
        waiting = asyncio.ensure_future(second.wait_many([name], [name]))
        while call.usage.cache < 2:
            await asyncio.sleep(0.001)
    await first.fill({name: b"v"}, tokens, found.stamp, 60)
    async with asyncio.timeout(10):
        assert await waiting == {name: b"v"}


async def test_waiting_ends_at_once_when_the_loader_gives_up(clients: Clients, name: str) -> None:
    first, second = clients.open(), clients.open()
    found = await first.get_many([name], [name])
    tokens = await first.lease_many([name], found.stamp)
    waiting = asyncio.ensure_future(second.wait_many([name], [name]))
    await first.fill({}, tokens, found.stamp, 60)
    # The lease would last for 30 seconds.
    async with asyncio.timeout(10):
        assert await waiting == {}
    assert list(await second.lease_many([name], found.stamp)) == [name]


async def test_waiting_ends_at_once_when_the_tables_move(clients: Clients, name: str) -> None:
    first, second = clients.open(), clients.open()
    found = await first.get_many([name], [name])
    await first.lease_many([name], found.stamp)
    await second.invalidate([name])
    async with asyncio.timeout(10):
        assert await second.wait_many([name], [name]) == {}
    assert list(await second.lease_many([name], (await second.get_many([name], [name])).stamp)) == [name]


async def test_lease_of_a_dead_loader_ends_by_itself_and_its_late_fill_is_not_stored(
    clients: Clients, name: str
) -> None:
    first, second = clients.open(lease=0.05), clients.open()
    found = await first.get_many([name], [name])
    tokens = await first.lease_many([name], found.stamp)
    async with asyncio.timeout(10):
        assert await second.wait_many([name], [name]) == {}
    again = await second.get_many([name], [name])
    newer = await second.lease_many([name], again.stamp)
    await first.fill({name: b"late"}, tokens, found.stamp, 60)
    assert (await second.get_many([name], [name])).values == {}
    await second.fill({name: b"v"}, newer, again.stamp, 60)
    assert (await first.get_many([name], [name])).values == {name: b"v"}


@pytest.mark.parametrize("warm", [False, True], ids=["generation-missing", "generation-known"])
@pytest.mark.parametrize("moment", ["before-lease", "after-lease"])
async def test_what_was_read_before_a_write_is_not_stored_after_it(
    clients: Clients, name: str, moment: str, warm: bool
) -> None:
    cache, writer = clients.open(), clients.open()
    if warm:
        await put(cache, {name + "-warm": b""}, [name])
    found = await cache.get_many([name], [name])
    if moment == "before-lease":
        await writer.invalidate([name])
    tokens = await cache.lease_many([name], found.stamp)
    assert list(tokens) == [name]
    if moment == "after-lease":
        await writer.invalidate([name])
    await cache.fill({name: b"old"}, tokens, found.stamp, 60)
    assert (await writer.get_many([name], [name])).values == {}


async def test_late_fill_of_an_older_generation_leaves_the_newer_value_alone(clients: Clients, name: str) -> None:
    slow, quick = clients.open(), clients.open()
    found = await slow.get_many([name], [name])
    tokens = await slow.lease_many([name], found.stamp)
    await quick.invalidate([name])
    await put(quick, {name: b"new"}, [name])
    await slow.fill({name: b"old"}, tokens, found.stamp, 60)
    assert (await slow.get_many([name], [name])).values == {name: b"new"}


async def test_two_first_readers_of_a_table_agree_on_its_generation(clients: Clients, name: str) -> None:
    first, second = clients.open(), clients.open()
    one, two = await first.get_many([name + "1"], [name]), await second.get_many([name + "2"], [name])
    tokens1 = await first.lease_many([name + "1"], one.stamp)
    tokens2 = await second.lease_many([name + "2"], two.stamp)
    await first.fill({name + "1": b"1"}, tokens1, one.stamp, 60)
    await second.fill({name + "2": b"2"}, tokens2, two.stamp, 60)
    both = await first.get_many([name + "1", name + "2"], [name])
    assert both.values == {name + "1": b"1", name + "2": b"2"}


async def test_lost_generation_never_revives_a_value(clients: Clients, name: str) -> None:
    cache = clients.open()
    await put(cache, {name: b"v"}, [name])
    assert await clients.bare.delete(f"sf1:g:{name}") == 1
    found = await cache.get_many([name], [name])
    assert found.values == {}
    await cache.lease_many([name + "-other"], found.stamp)
    assert await clients.bare.exists(f"sf1:g:{name}", f"sf1:v:{name}") == 2
    assert (await cache.get_many([name], [name])).values == {}


async def test_each_invalidation_moves_the_generation(clients: Clients, name: str) -> None:
    cache = clients.open()
    for value in (b"1", b"2", b"3"):
        await put(cache, {name: value}, [name])
        assert (await cache.get_many([name], [name])).values == {name: value}
        await cache.invalidate([name])
        assert (await cache.get_many([name], [name])).values == {}


async def test_generation_lost_between_read_and_lease_counts_as_moved(clients: Clients, name: str) -> None:
    cache = clients.open()
    await cache.invalidate([name])
    found = await cache.get_many([name], [name])
    await clients.bare.delete(f"sf1:g:{name}")
    assert await cache.lease_many([name], found.stamp) == {name: ""}


async def test_value_of_another_format_is_a_miss(clients: Clients, name: str) -> None:
    cache = clients.open()
    await put(cache, {name: b"v"}, [name])
    stored = await clients.bare.get(f"sf1:v:{name}")
    assert stored[:1] == b"\x01"
    for other in (b"\x02" + stored[1:], b"", b"\x01", b"rubbish"):
        await clients.bare.set(f"sf1:v:{name}", other)
        assert (await cache.get_many([name], [name])).values == {}
    await clients.bare.set(f"sf1:v:{name}", stored)
    assert (await cache.get_many([name], [name])).values == {name: b"v"}


async def test_time_to_live_varies_by_a_tenth(clients: Clients, name: str) -> None:
    keys = [f"{name}{i}" for i in range(100)]
    await put(clients.open(), dict.fromkeys(keys, b"v"), [name], seconds=1_000)
    lives = [await clients.bare.pttl(f"sf1:v:{key}") for key in keys]
    # The seconds that the test itself takes are the slack below 900.
    assert 890_000 <= min(lives) < 970_000
    assert 1_030_000 < max(lives) <= 1_100_000


async def test_every_key_and_the_connection_carry_our_name(clients: Clients, name: str) -> None:
    cache = clients.open()
    found = await cache.get_many([name + "1", name + "2"], [name])
    tokens = await cache.lease_many([name + "1", name + "2"], found.stamp)
    await cache.fill({name + "1": b""}, {name + "1": tokens[name + "1"]}, found.stamp, 60)
    stored = {key async for key in clients.bare.scan_iter(match=f"*{name}*", count=1_000)}
    assert stored == {f"sf1:g:{name}".encode(), f"sf1:v:{name}1".encode(), f"sf1:l:{name}2".encode()}
    names = {client["name"] for client in await clients.bare.client_list()}
    assert names == {f"stackflow:{current_request().request_id}"}


async def test_each_key_is_loaded_once_across_processes(clients: Clients, name: str) -> None:
    caches = [clients.open(), clients.open()]
    keys = [f"{name}{i}" for i in range(10)]
    loads: Counter[str] = Counter()

    async def load(wanted: Sequence[str]) -> dict[str, bytes]:
        loads.update(wanted)
        await asyncio.sleep(0.02)
        return {key: key.encode() for key in wanted}

    # Overlapping pages, so that most readers win some keys and wait for others.
    pages = [keys[i % 6 : i % 6 + 5] for i in range(24)]
    answers = await asyncio.gather(*(read_through(caches[i % 2], page, [name], load) for i, page in enumerate(pages)))
    assert answers == [{key: key.encode() for key in page} for page in pages]
    assert loads == dict.fromkeys(keys, 1)


async def test_call_without_time_left_asks_nothing(clients: Clients, name: str) -> None:
    cache = clients.open()
    await put(cache, {name: b"v"}, [name])
    with use_request(RequestContext(deadline=asyncio.get_running_loop().time())) as call:
        found = await cache.get_many([name], [name])
        assert found.values == {}
        assert await cache.lease_many([name], found.stamp) == {name: ""}
        assert call.usage.cache == 0
        # What it tells of is committed, so it goes out all the same.
        await cache.invalidate([name])
        assert call.usage.cache == 1
    assert (await cache.get_many([name], [name])).values == {}
