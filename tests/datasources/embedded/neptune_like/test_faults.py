"""Each fault, as a client meets it, and what it leaves in the engine."""

import asyncio
import struct
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from gremlin_python.driver.request import RequestMessage
from gremlin_python.process.traversal import T

from datasources.embedded.neptune_like import Faults, NeptuneLike
from datasources.embedded.neptune_like.errors import MESSAGES
from datasources.embedded.neptune_like.faults import FaultSampler
from tests.datasources.embedded.neptune_like.client import ABNORMAL, Client, ended, g

CODES = (
    "ConcurrentModificationException",
    "ThrottlingException",
    "TooManyRequestsException",
    "TimeLimitExceededException",
    "InternalFailureException",
    "MemoryLimitExceededException",
    "ReadOnlyViolationException",
)


def add(name: str) -> Any:
    """A write that shows whether it was executed."""
    return g.add_v("Thing").property(T.id, name)


async def count(double: NeptuneLike, name: str) -> list[int]:
    """How many vertices have that id, asked over a socket of its own."""
    async with Client(double.url) as client:
        return (await client.ask(g.V(name).count())).data


@pytest.mark.parametrize("code", CODES)
async def test_a_write_answered_with_a_code_is_not_executed(double: NeptuneLike, name: str, code: str) -> None:
    double.faults = Faults(next_codes=(code,))
    async with Client(double.url) as client:
        answer = await client.ask(add(name))
        assert (answer.status, answer.code, answer.details) == (500, code, MESSAGES[code])
        assert (await client.ask(g.V(name).count())).data == [0]
        assert (await client.ask(add(name))).code is None
    assert [request.outcome for request in double.request_log.requests] == [code, "200", "200"]


async def test_codes_come_in_order_and_are_used_up(double: NeptuneLike, name: str) -> None:
    double.faults = Faults(next_codes=CODES[:2])
    async with Client(double.url) as client:
        assert double.faults.next_codes == CODES[:2]
        answers = [await client.ask(g.V(name)) for _ in range(3)]
    assert [answer.code for answer in answers] == [*CODES[:2], None]
    assert double.faults == Faults()


async def test_a_certain_code_befalls_each_request_until_it_is_taken_away(double: NeptuneLike, name: str) -> None:
    async with Client(double.url) as client:
        double.faults = Faults(codes={"ThrottlingException": 1.0})
        assert [(await client.ask(g.V(name))).code for _ in range(3)] == ["ThrottlingException"] * 3
        double.faults = replace(double.faults, codes={})
        assert (await client.ask(g.V(name))).code is None


async def test_a_read_is_never_in_conflict_by_chance(double: NeptuneLike, name: str) -> None:
    double.faults = Faults(codes={"ConcurrentModificationException": 1.0})
    async with Client(double.url) as client:
        assert (await client.ask(g.V(name))).code is None
        assert (await client.ask(add(name))).code == "ConcurrentModificationException"


async def test_faults_may_befall_writes_alone_or_reads_alone(double: NeptuneLike, name: str) -> None:
    async with Client(double.url) as client:
        double.faults = Faults(next_codes=("ThrottlingException",), subject="writes")
        assert (await client.ask(g.V(name))).code is None
        assert (await client.ask(add(name))).code == "ThrottlingException"
        double.faults = Faults(next_codes=("ThrottlingException",), subject="reads")
        assert (await client.ask(add(name))).code is None
        assert (await client.ask(g.V(name))).code == "ThrottlingException"


def test_draws_are_those_of_the_seed() -> None:
    faults = Faults(codes={"ThrottlingException": 0.3, "InternalFailureException": 0.2}, lose_reply_chance=0.1, seed=7)
    first, again, other = FaultSampler(faults), FaultSampler(faults), FaultSampler(replace(faults, seed=8))
    drawn = [first.next_fault(writes=True) for _ in range(500)]
    assert drawn == [again.next_fault(writes=True) for _ in range(500)]
    assert drawn != [other.next_fault(writes=True) for _ in range(500)]
    # What seed 7 draws; the chances have it near 150, 70 and 28 of 500.
    assert Counter(drawn) == {
        ("code", "ThrottlingException"): 181,
        ("code", "InternalFailureException"): 59,
        ("lose_reply", ""): 27,
        None: 233,
    }


async def test_a_lost_request_is_not_executed(double: NeptuneLike, name: str) -> None:
    double.faults = Faults(lose_requests=1)
    async with Client(double.url) as client:
        await client.send(add(name))
        assert await ended(client) == ABNORMAL
    assert await count(double, name) == [0]
    assert double.request_log.requests[0].outcome == "lost request"


async def test_a_lost_reply_belongs_to_an_executed_request(double: NeptuneLike, name: str) -> None:
    double.faults = Faults(lose_replies=1)
    async with Client(double.url) as client:
        await client.send(add(name))
        assert await ended(client) == ABNORMAL
    assert await count(double, name) == [1]
    assert double.request_log.requests[0].outcome == "lost reply"


@pytest.mark.parametrize("faults", [Faults(lose_request_chance=1.0), Faults(lose_reply_chance=1.0)])
async def test_connections_are_lost_by_chance(double: NeptuneLike, name: str, faults: Faults) -> None:
    double.faults = faults
    for _ in range(2):
        async with Client(double.url) as client:
            await client.send(g.V(name))
            assert await ended(client) == ABNORMAL
    outcome = "lost request" if faults.lose_request_chance else "lost reply"
    assert double.request_log.outcomes == {outcome: 2}


async def test_a_frame_is_cut_in_two(double: NeptuneLike, name: str) -> None:
    double.faults = Faults(cut_frames=1)
    host, port = double.url.removeprefix("ws://").removesuffix("/gremlin").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(
            b"GET /gremlin HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
        body = Client(double.url).serializer.serialize_message("00000000-0000-4000-8000-000000000001", _request())
        # A masked binary frame (RFC 6455, 5.2), its mask zero.
        writer.write(b"\x82\xfe" + len(body).to_bytes(2, "big") + bytes(4) + body)
        reply = await reader.read(-1)
    finally:
        writer.close()
        await writer.wait_closed()
    size = int.from_bytes(reply[2:10], "big")
    assert size > 20_000_000
    assert reply[:2] == b"\x82\x7f"
    assert reply[10:50] == b'{"requestId":"00000000-0000-4000-8000-00'
    assert len(reply) - 10 == size // 2
    assert double.request_log.requests[0].outcome == "cut frame"


def _request() -> Any:
    # One result, far larger than the buffers of a socket: half of it must still come.
    large = g.inject(*range(400)).constant("x" * 50_000).fold()
    return RequestMessage("traversal", "bytecode", {"gremlin": large.bytecode, "aliases": {"g": "g"}})


async def test_a_client_finds_a_cut_frame_abnormal(double: NeptuneLike, name: str) -> None:
    double.faults = Faults(cut_frames=1)
    async with Client(double.url) as client:
        await client.send(add(name))
        assert await ended(client) == ABNORMAL
    assert await count(double, name) == [1]


async def test_a_garbled_reply_can_not_be_read(double: NeptuneLike, name: str) -> None:
    double.faults = Faults(garbled_replies=1)
    async with Client(double.url) as client:
        await client.send(add(name))
        frame = await client.frame()
        with pytest.raises((ValueError, struct.error)):
            client.serializer.deserialize_message(frame)
        # The socket is as good as before: nothing says that the reply was bad.
        assert (await client.ask(g.V(name).count())).data == [1]


async def test_silence_answers_nothing_and_executes_nothing(double: NeptuneLike, name: str) -> None:
    double.faults = Faults(silences=1)
    async with Client(double.url) as client:
        silent = await client.send(add(name))
        heard = await client.send(g.V(name).count())
        # The second is answered where the first would have been.
        assert (await client.frame()).startswith(f'{{"requestId":"{heard}"'.encode())
    assert [(request.request_id, request.outcome) for request in double.request_log.requests] == [
        (silent, "silence"),
        (heard, "200"),
    ]
    assert await count(double, name) == [0]


@pytest.mark.parametrize("faults", [Faults(lag_before=0.3), Faults(lag_after=0.3)])
async def test_an_answer_comes_no_sooner_than_the_lag(double: NeptuneLike, faults: Faults) -> None:
    clock = asyncio.get_running_loop().time
    async with Client(double.url) as client:
        double.faults = faults
        began = clock()
        assert (await client.ask(g.inject(1))).data == [1]
        assert clock() - began >= 0.3


async def test_what_lags_before_is_not_yet_executed(double: NeptuneLike, name: str) -> None:
    double.faults = Faults(lag_before=60.0)
    async with Client(double.url) as client:
        await client.send(add(name))
        while not double.request_log.requests:
            await asyncio.sleep(0.01)
        double.faults = Faults()
        assert await count(double, name) == [0]
    assert double.request_log.requests[0].outcome is None
