"""Redis is told whose command it runs, at no round trip more, and no answer is ever taken for another's."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from datasources.cache.redis.adapter import RedisCache
from datasources.cache.redis.connection import create_client
from datasources.embedded.valkey import EmbeddedValkey
from datasources.request import RequestContext, use_request
from tests.datasources.cache.conftest import Clients
from tests.fixtures.gate import Gate


async def names(bare: Any) -> set[str]:
    return {each["name"] for each in await bare.client_list()}


async def asked(redis: Any, request_id: str, *command: str) -> Any:
    with use_request(RequestContext(request_id)):
        return await redis.execute_command(*command)


class Chopper:
    """In front of a server: passes on so many more bytes of its answers, and then holds them back until told.

    While it does not hear, it reads no question either.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self.left: int | None = None
        self.holds, self.goes_on = asyncio.Event(), asyncio.Event()
        self.hears = asyncio.Event()
        self.hears.set()
        self.tasks: list[asyncio.Task[None]] = []

    @asynccontextmanager
    async def before(self, valkey: EmbeddedValkey) -> AsyncIterator[Any]:
        """A client that asks through it."""
        server = await asyncio.start_server(self.accept, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        redis: Any = create_client(valkey.url.replace(f":{valkey.port}/", f":{port}/"), None, 5.0)
        yield redis
        await redis.aclose()
        server.close()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, questions = await asyncio.open_connection("127.0.0.1", self._port)
        self.tasks += [
            asyncio.create_task(self._pump(reader, questions, answering=False)),
            asyncio.create_task(self._pump(answers, writer, answering=True)),
        ]

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, answering: bool) -> None:
        with suppress(ConnectionError):
            while data := await source.read(65_536):
                await self.hears.wait()
                if answering and self.left is not None and len(data) > self.left:
                    target.write(data[: self.left])
                    data = data[self.left :]
                    self.holds.set()
                    await self.goes_on.wait()
                target.write(data)
                await target.drain()
        target.close()


async def test_a_command_is_known_by_its_request(clients: Clients, name: str) -> None:
    cache = clients.open()
    with use_request(RequestContext(f"{name}-1")):
        await cache.get_many([name], [name])
    assert await names(clients.bare) >= {f"stackflow:{name}-1"}
    with use_request(RequestContext(f"{name}-2")):
        await cache.get_many([name], [name])
    # The one connection there is goes by its new name.
    assert {each for each in await names(clients.bare) if name in each} == {f"stackflow:{name}-2"}


async def test_a_slow_command_is_known_by_its_request(own_valkey: EmbeddedValkey) -> None:
    redis: Any = create_client(own_valkey.url, None, 5.0)
    await redis.config_set("slowlog-log-slower-than", 0)
    await asked(redis, "slow-1", "EVAL", "return redis.call('GET', KEYS[1])", "1", "k")
    raw = await redis.execute_command("SLOWLOG", "GET", "10", NEVER_DECODE=True)
    await redis.aclose()
    told = {str(each).partition("stackflow:")[2].partition("'")[0] for each in raw if "EVAL" in str(each)}
    assert told == {"slow-1"}


@pytest.mark.parametrize(
    ("request_id", "told"),
    [("a b\r\nc\té", "stackflow:abc"), ("x" * 100, f"stackflow:{'x' * 64}"), ("", "stackflow:")],
)
async def test_a_name_is_one_that_redis_takes(clients: Clients, request_id: str, told: str) -> None:
    redis: Any = create_client(clients.url, clients.ca_file, 5.0)
    assert await asked(redis, request_id, "PING") is True
    assert told in await names(clients.bare)
    await redis.aclose()


async def test_a_request_is_named_once_and_in_the_packet_of_its_command(own_valkey: EmbeddedValkey) -> None:
    redis: Any = create_client(own_valkey.url, None, 5.0)
    await asked(redis, "r1", "PING")
    await redis.config_resetstat()
    for request_id in ("r2", "r2", "r2", "r3"):
        await asked(redis, request_id, "GET", "k")
    stats = await redis.info("commandstats")
    await redis.aclose()
    # CONFIG RESETSTAT and INFO are of other requests, and are named too; the former is counted before it resets.
    assert (stats["cmdstat_get"]["calls"], stats["cmdstat_client|setname"]["calls"]) == (4, 3)


async def test_a_server_that_names_nobody_still_answers(own_valkey: EmbeddedValkey) -> None:
    redis: Any = create_client(own_valkey.url, None, 5.0)
    # Signed in first: the driver names each new connection itself, and must be let.
    assert await asked(redis, "r1", "SET", "k", "v") is True
    await redis.execute_command("ACL", "SETUSER", "default", "-client|setname")
    assert [await asked(redis, each, "GET", "k") for each in ("r2", "r3", "r3")] == [b"v"] * 3
    await redis.aclose()


async def cut(redis: Any, number: int, steps: int) -> int | None:
    """Ask for the value of one key and cancel after so many steps of the loop; None if it was cancelled."""
    task = asyncio.create_task(asked(redis, f"cut-{steps}-{number}", "GET", f"n:{number}"))
    for _ in range(steps):
        await asyncio.sleep(0)
    task.cancel()
    try:
        return int(await task)
    except asyncio.CancelledError:
        return None


async def test_a_command_that_is_cancelled_at_any_step_leaves_no_answer_behind(plain_valkey: EmbeddedValkey) -> None:
    redis: Any = create_client(plain_valkey.url, None, 5.0)
    await redis.mset({f"n:{number}": number for number in range(200)})
    ended = 0
    for steps in range(60):
        answer = await cut(redis, steps, steps)
        assert answer in {None, steps}
        ended += answer is not None
        # Whoever comes next has his own answers, whatever his name.
        for number in (100 + steps, 101):
            assert await asked(redis, f"next-{steps}-{number}", "GET", f"n:{number}") == str(number).encode()
    await redis.aclose()
    # Cancelled both before and after their end, so that what lies between was met.
    assert 0 < ended < 60


@pytest.mark.parametrize("passed", range(len(b"+OK\r\n$1\r\n1\r\n")))
async def test_the_rest_of_an_answer_that_was_given_up_is_nobodys(plain_valkey: EmbeddedValkey, passed: int) -> None:
    chopper = Chopper(plain_valkey.port)
    async with chopper.before(plain_valkey) as redis:
        await asked(redis, "r0", "MSET", "late", "1", "own", "2")
        chopper.left = passed
        task = asyncio.create_task(asked(redis, f"late-{passed}", "GET", "late"))
        await chopper.holds.wait()
        # What was passed on is read.
        for _ in range(20):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        chopper.left = None
        chopper.goes_on.set()
        assert [await asked(redis, f"next-{passed}-{number}", "GET", "own") for number in range(2)] == [b"2", b"2"]


async def test_a_command_that_is_given_up_half_sent_owes_the_next_session_nothing(
    plain_valkey: EmbeddedValkey,
) -> None:
    chopper = Chopper(plain_valkey.port)
    async with chopper.before(plain_valkey) as redis:
        await asked(redis, "r0", "SET", "own", "2")
        chopper.hears.clear()
        task = asyncio.create_task(asked(redis, "large-1", "SET", "late", "x" * 30_000_000))
        # More than sockets hold, so that it is still being sent.
        for _ in range(50):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        chopper.hears.set()
        assert await asked(redis, "next-1", "GET", "own") == b"2"


async def test_a_connection_that_was_lost_is_opened_before_its_packet_is_made(plain_valkey: EmbeddedValkey) -> None:
    redis: Any = create_client(plain_valkey.url, None, 5.0)
    await asked(redis, "r0", "SET", "own", "2")
    connection = await redis.connection_pool.get_connection()
    await connection.disconnect()
    with use_request(RequestContext("r1")):
        await connection.send_command("GET", "own")
        assert await connection.read_response() == b"2"
    await redis.connection_pool.release(connection)
    await redis.aclose()


async def test_what_times_out_leaves_no_answer_behind(plain_valkey: EmbeddedValkey) -> None:
    gate = Gate(plain_valkey.url)
    await gate.open()
    cache = RedisCache(gate.url, timeout=0.2, breaker_after=1_000)
    bare: Any = create_client(plain_valkey.url, None, 5.0)
    await bare.mset({"late": "1", "own": "2"})
    for turn in range(3):
        gate.silence()
        with use_request(RequestContext(f"silent-{turn}")):
            assert await cache._ask("GET", "late") is None
        await gate.open()
        with use_request(RequestContext(f"heard-{turn}")):
            assert await cache._ask("GET", "own") == b"2"
    await cache.close()
    await bare.aclose()
    await gate.shut()
