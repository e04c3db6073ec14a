"""Endpoints and their limits: the writer and the reader, several instances, connections, sizes, what was seen."""

import asyncio
import json
from contextlib import suppress
from dataclasses import replace

import pytest
from aiohttp import WSServerHandshakeError
from gremlin_python.process.graph_traversal import __
from gremlin_python.process.traversal import Cardinality, T
from gremlin_python.structure.io.graphsonV3d0 import GraphSONWriter

from datasources.embedded.gremlin import EmbeddedGremlin
from datasources.embedded.neptune_like import ClusterSettings, NeptuneLike
from datasources.embedded.neptune_like.limits import MAX_REQUEST_BYTES
from tests.datasources.embedded.neptune_like.client import Client, ClosedError, g

WRITES = {
    "addV": lambda n: g.add_v("Thing").property(T.id, n),
    "addE": lambda n: g.V(n).as_("a").add_e("loop").to("a"),
    "property": lambda n: g.V(n).property(Cardinality.single, "n", 1),
    "drop": lambda n: g.V(n).drop(),
    "mergeV": lambda n: g.merge_v({T.id: n}),
    "mergeE": lambda n: g.merge_e({T.id: n}),
    "within": lambda n: g.inject(1).union(__.add_v("Thing").property(T.id, n)),
    "io read": lambda n: g.io("graph.xml").read(),
}


@pytest.mark.parametrize("step", WRITES)
async def test_the_reader_refuses_each_step_that_writes(double: NeptuneLike, name: str, step: str) -> None:
    async with Client(double.reader_url) as reader:
        answer = await reader.ask(WRITES[step](name))
        assert (answer.status, answer.code) == (500, "ReadOnlyViolationException")
        assert (await reader.ask(g.V(name).count())).data == [0]


async def test_the_reader_answers_reads(double: NeptuneLike, name: str) -> None:
    async with Client(double.url) as writer, Client(double.reader_url) as reader:
        await writer.ask(g.add_v("Thing").property(T.id, name).property("n", 3))
        assert (await reader.ask(g.V(name).values("n"))).data == [3]
    assert [(request.endpoint, request.outcome) for request in double.request_log.requests] == [
        ("writer", "200"),
        ("reader", "200"),
    ]


async def test_a_replica_of_its_own_lags_behind_for_ever(
    transactional_server: EmbeddedGremlin, gremlin_server: EmbeddedGremlin, name: str
) -> None:
    with NeptuneLike(transactional_server.url, reader_upstream=gremlin_server.url) as double:
        async with Client(double.url) as writer, Client(double.reader_url) as reader:
            await writer.ask(g.add_v("Thing").property(T.id, name))
            assert (await reader.ask(g.V(name).count())).data == [0]
            assert (await writer.ask(g.V(name).count())).data == [1]


async def test_two_instances_stand_on_two_hosts(transactional_server: EmbeddedGremlin) -> None:
    with (
        NeptuneLike(transactional_server.url) as one,
        NeptuneLike(transactional_server.url, host="127.0.0.2") as other,
    ):
        assert (one.url[:15], other.url[:15]) == ("ws://127.0.0.1:", "ws://127.0.0.2:")
        async with Client(one.url) as client, Client(other.reader_url) as another:
            assert (await client.ask(g.inject(1))).data == [1]
            assert (await another.ask(g.inject(2))).data == [2]
        assert (len(one.request_log.requests), len(other.request_log.requests)) == (1, 1)


async def test_a_restarted_instance_has_the_same_addresses(double: NeptuneLike) -> None:
    urls = double.url, double.reader_url
    async with Client(double.url) as client:
        await client.ask(g.inject(1))
        double.stop()
        with pytest.raises(ClosedError) as caught:
            await client.frame()
        assert caught.value.code == 1006
    double.start()
    assert (double.url, double.reader_url) == urls
    async with Client(double.url) as client:
        assert (await client.ask(g.inject(1))).data == [1]


async def test_more_connections_than_the_instance_takes_are_answered_429(double: NeptuneLike) -> None:
    double.rules = ClusterSettings(max_connections=2)
    async with Client(double.url):
        async with Client(double.url):
            with pytest.raises(WSServerHandshakeError) as caught:
                await Client(double.url).__aenter__()
            assert caught.value.status == 429
            # Each instance counts its own.
            async with Client(double.reader_url) as reader:
                assert (await reader.ask(g.inject(1))).data == [1]
        # A place that was left is free again, a moment after the client saw the end.
        for _ in range(100):
            with suppress(WSServerHandshakeError):
                async with Client(double.url) as client:
                    assert (await client.ask(g.inject(1))).data == [1]
                    break
            await asyncio.sleep(0.02)
        assert double.request_log.handshakes[-1].status == 101


async def test_a_request_above_the_limit_is_refused(double: NeptuneLike, name: str) -> None:
    assert ClusterSettings().max_request == MAX_REQUEST_BYTES == 150 * 1024 * 1024
    double.rules = replace(double.rules, max_request=2000)
    async with Client(double.url) as client:
        answer = await client.ask(g.add_v("Thing").property(T.id, name).property("text", "x" * 2000))
        assert answer.code == "BadRequestException"
        assert answer.details == "Request size exceeds max allowed value of 2000 bytes."
        assert (await client.ask(g.V(name).count())).data == [0]


async def test_what_is_no_request_closes_the_socket(double: NeptuneLike) -> None:
    for frame in (b"", b"\x21application/vnd.gremlin-v3.0+json{}", b"\x20application/vnd.graphbinary-v1.0\x81"):
        async with Client(double.url) as client:
            await client.socket.send_bytes(frame)
            with pytest.raises(ClosedError) as caught:
                await client.frame()
            assert caught.value.code == 1003


async def test_requests_are_noted_with_their_steps(double: NeptuneLike) -> None:
    async with Client(double.url, {"User-Agent": "test"}) as client:
        identity = await client.send(g.with_("evaluationTimeout", 9000).V("x").where(__.out("a").count()).id_())
        await client.answer()
        await client.ask(g.V(5))
    first, second = double.request_log.requests
    assert (first.request_id, first.op, first.endpoint, first.outcome) == (identity, "bytecode", "writer", "204")
    assert first.step_names == ("V", "where", "out", "count", "id")
    assert [one.name for one in first.instructions if one.source] == ["withStrategies"]
    assert first.instructions[1].arguments == ("x",)
    assert first.connection == second.connection == 1
    assert first.size > 150
    assert double.request_log.outcomes == {"204": 1, "UnsupportedOperationException": 1}
    assert double.request_log.handshakes[0].headers["User-Agent"] == "test"
    double.request_log.keep = 1
    async with Client(double.url) as client:
        await client.ask(g.inject(1))
    assert (len(double.request_log.requests), len(double.request_log.handshakes)) == (1, 1)
    assert double.request_log.requests[0].step_names == ("inject",)
    double.request_log.clear()
    assert (double.request_log.requests, double.request_log.handshakes) == ([], [])


async def test_java_writes_arguments_as_a_typed_map(double: NeptuneLike) -> None:
    # As TinkerPop's Java driver writes GraphSON 3: the arguments are a g:Map, the id a plain string.
    arguments = [
        "gremlin",
        GraphSONWriter().to_dict(g.inject(1).bytecode),
        "aliases",
        {"@type": "g:Map", "@value": ["g", "g"]},
    ]
    async with Client(double.url) as client:
        request = {
            "requestId": "00000000-0000-4000-8000-000000000001",
            "op": "bytecode",
            "processor": "traversal",
            "args": {"@type": "g:Map", "@value": arguments},
        }
        await client.socket.send_bytes(b"\x21application/vnd.gremlin-v3.0+json" + json.dumps(request).encode())
        assert (await client.answer()).data == [1]
    assert double.request_log.requests[0].step_names == ("inject",)
