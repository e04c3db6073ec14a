"""What a traversal gives, counts and logs when nothing goes wrong, and where it is sent."""

import asyncio
import threading
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from gremlin_python.process.graph_traversal import __
from gremlin_python.process.traversal import T

from datasources.config import GraphSettings
from datasources.embedded.neptune_like import NeptuneLike
from datasources.errors import SourceRefused, SourceTimeout, SourceUnavailable
from datasources.graph.gremlin.client.request import TRAVERSAL_ID_NAMESPACE
from datasources.graph.gremlin.source import g
from datasources.request import RequestContext, use_request
from tests.datasources.graph.gremlin.client.conftest import MakeClient, within

# Doubles its paths again and again: it never ends, and the engine heeds its time limit at each step.
ENDLESS = g.inject(0).repeat(__.union(__.constant(1), __.constant(2))).times(40).path().count()

Lines = Callable[[], list[dict[str, Any]]]


async def test_rows_come_in_order_over_many_frames(make_client: MakeClient) -> None:
    rows = await make_client().submit(g.inject(*range(1_000)), "test")
    assert rows == list(range(1_000))


async def test_rows_and_traversals_are_counted_in_the_call(make_client: MakeClient) -> None:
    client = make_client()
    with use_request(RequestContext()) as call:
        await client.submit(g.inject(1, 2, 3), "test")
        await client.submit(g.inject(4), "test")
        assert await client.submit(g.V("client-absent"), "test") == []
    assert (call.usage.rows, call.usage.traversals, call.wrote_graph) == (4, 3, False)
    # A walk is counted by who walks.
    assert (call.usage.graph, call.usage.sql) == (0, 0)


async def test_ids_of_traversals_follow_from_the_request(make_client: MakeClient, double: NeptuneLike) -> None:
    client = make_client(url=double.url)
    with use_request(RequestContext(request_id="a request")) as call:
        await client.submit(g.inject(1), "test")
        await asyncio.gather(*(client.submit(g.inject(each), "test") for each in range(3)))
    expected = [str(uuid.uuid5(TRAVERSAL_ID_NAMESPACE, f"a request/{number}")) for number in (1, 2, 3, 4)]
    assert sorted(each.request_id for each in double.request_log.requests) == sorted(expected)
    assert call.usage.traversals == 4
    assert uuid.UUID(expected[0]).version == 5


async def test_one_line_for_each_traversal(make_client: MakeClient, lines: Lines) -> None:
    client = make_client()
    with use_request(RequestContext(request_id="a request")):
        await client.submit(g.inject(1, 2), "reach")
    (line,) = lines()
    assert (line["message"], line["levelname"]) == ("traversal", "DEBUG")
    shown = {name: line[name] for name in ("request_id", "traversal_id", "verb", "rows", "retries")}
    assert shown == {
        "request_id": "a request",
        "traversal_id": str(uuid.uuid5(TRAVERSAL_ID_NAMESPACE, "a request/1")),
        "verb": "reach",
        "rows": 2,
        "retries": 0,
    }
    assert line["bytes"] > 100
    assert line["ms"] > 0
    assert line["code"] == ""


async def test_an_error_of_the_engine_is_a_refusal_with_its_code(make_client: MakeClient, lines: Lines) -> None:
    client = make_client(pool_max=1)
    with pytest.raises(SourceRefused, match="no such step here") as raised:
        await client.submit(g.inject(1).fail("no such step here"), "test")
    assert raised.value.source == "graph"
    assert await client.submit(g.inject(2), "test") == [2]
    failed, passed = lines()
    assert (failed["levelname"], failed["code"], failed["rows"]) == ("INFO", "FailException", 0)
    assert passed["levelname"] == "DEBUG"


async def test_the_deadline_of_the_call_bounds_a_traversal(make_client: MakeClient, lines: Lines) -> None:
    client = make_client()
    loop = asyncio.get_running_loop()
    begin = loop.time()
    with within(0.5) as call, pytest.raises(SourceTimeout):
        await client.submit(ENDLESS, "test")
    assert loop.time() - begin >= 0.49
    assert call.usage.traversals == 1
    (line,) = lines()
    assert line["levelname"] == "INFO"
    # Whose clock is first is a matter of a millisecond: the engine has the same limit.
    assert line["code"] in {"Deadline", "TimeLimitExceededException"}
    assert await client.submit(g.inject(1), "test") == [1]


async def test_the_setting_bounds_a_traversal_without_a_deadline(make_client: MakeClient) -> None:
    with pytest.raises(SourceTimeout):
        await make_client(timeout=0.3).submit(ENDLESS, "test")


async def test_a_deadline_that_has_passed_sends_nothing(make_client: MakeClient, lines: Lines) -> None:
    client = make_client()
    with within(0) as call, pytest.raises(SourceTimeout):
        await client.submit(g.inject(1), "test")
    assert call.usage.traversals == 0
    assert [each["code"] for each in lines()] == ["Deadline"]


async def test_the_engine_is_told_how_long_is_left(make_client: MakeClient, double: NeptuneLike) -> None:
    # The engine's own limit ends it: its double answers as Neptune does, and nothing is sent again.
    double.faults = type(double.faults)(lag_after=5.0)
    client = make_client(url=double.url)
    with within(1.0) as call, pytest.raises(SourceTimeout):
        await client.submit(g.inject(1), "test")
    assert call.usage.traversals == 1


async def test_reads_go_to_the_reader_until_the_call_writes(make_client: MakeClient, double: NeptuneLike) -> None:
    client = make_client(url=double.url, reader_url=double.reader_url)
    with use_request(RequestContext()) as call:
        await client.submit(g.inject(1), "test")
        await client.submit(g.add_v("client").property(T.id, "client-routing").id_(), "test", writes=True)
        assert call.wrote_graph
        await client.submit(g.V("client-routing").count(), "test")
    with use_request(RequestContext()):
        await client.submit(g.V("client-routing").drop(), "test", writes=True)
    with use_request(RequestContext()):
        await client.submit(g.inject(1), "test")
    assert [each.endpoint for each in double.request_log.requests] == ["reader", "writer", "writer", "writer", "reader"]


async def test_a_write_that_failed_does_not_move_reads(make_client: MakeClient, double: NeptuneLike) -> None:
    client = make_client(url=double.url, reader_url=double.reader_url)
    with use_request(RequestContext()) as call:
        with pytest.raises(SourceRefused):
            await client.submit(g.inject(1).fail("no"), "test", writes=True)
        assert not call.wrote_graph


async def test_health_is_one_round_trip(make_client: MakeClient, lines: Lines) -> None:
    client = make_client()
    health = await client.health()
    assert (health.name, health.reachable, health.version, health.problem) == ("graph", True, "", "")
    assert health.latency_ms > 0
    assert set(health.details) == {"engine", "endpoint"}
    assert [each["verb"] for each in lines()] == ["health"]


async def test_health_of_nobody(make_client: MakeClient) -> None:
    health = await make_client(url="ws://127.0.0.1:1/gremlin").health()
    assert (health.reachable, health.details["endpoint"]) == (False, "127.0.0.1:1")
    assert "127.0.0.1:1 cannot be reached: Connection refused" in health.problem


def client_threads() -> int:
    return sum(thread.name == "graph" for thread in threading.enumerate())


async def test_the_thread_begins_with_the_first_traversal_and_ends_with_close(make_client: MakeClient) -> None:
    before = client_threads()
    client = make_client()
    assert client_threads() == before
    await client.submit(g.inject(1), "test")
    assert client_threads() == before + 1
    await client.close()
    assert client_threads() == before
    await client.close()
    with pytest.raises(SourceUnavailable, match="closed"):
        await client.submit(g.inject(1), "test")


async def test_closing_ends_what_is_under_way(make_client: MakeClient) -> None:
    client = make_client()
    await client.submit(g.inject(1), "test")
    waiting = asyncio.create_task(client.submit(ENDLESS, "test"))
    await asyncio.sleep(0.2)
    await client.close()
    with pytest.raises(SourceUnavailable, match="closed"):
        await waiting


def test_any_loop_may_submit(make_client_in_any_loop: MakeClient) -> None:
    client = make_client_in_any_loop()
    for number in range(3):
        assert asyncio.run(client.submit(g.inject(number), "test")) == [number]
    asyncio.run(client.close())


@pytest.fixture
def make_client_in_any_loop(gremlin_server: Any) -> MakeClient:
    from datasources.graph.gremlin.client import GremlinClient

    return lambda: GremlinClient(GraphSettings(url=gremlin_server.url))


def test_a_client_needs_an_address() -> None:
    from datasources.graph.gremlin.client import GremlinClient

    with pytest.raises(ValueError, match="GRAPH_URL"):
        GremlinClient(GraphSettings())
