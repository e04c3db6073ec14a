"""A walk has no time of its own: deadlines and lost stores end it as errors that say which."""

import asyncio
from collections.abc import Awaitable, Callable

import psycopg
import pytest

from datasources.aurora.driver.database import Database
from datasources.embedded.process import free_port
from datasources.errors import SourceRefused, SourceTimeout, SourceUnavailable
from datasources.graph.port import Direction, Graph, Walk
from datasources.graph.recursive.adapter import RecursiveGraph
from datasources.request import RequestContext, use_request
from tests.fixtures.graph import node

Verb = Callable[[Graph], Awaitable[None]]
WALK = Walk(Direction.OUT)


async def _reach(graph: Graph) -> None:
    await graph.reach([frozenset([node(1)])], WALK)


async def _neighbours(graph: Graph) -> None:
    await graph.neighbours([node(1)], WALK)


async def _paths(graph: Graph) -> None:
    await graph.paths(node(1), node(2), WALK, 1)


async def _subgraph(graph: Graph) -> None:
    await graph.subgraph([node(1)], WALK, 1)


async def _degrees(graph: Graph) -> None:
    await graph.degrees([node(1)])


verbs = pytest.mark.parametrize("verb", [_reach, _neighbours, _paths, _subgraph, _degrees])


@verbs
async def test_no_time_left_is_a_timeout(database: Database, verb: Verb) -> None:
    with (
        use_request(RequestContext(deadline=asyncio.get_running_loop().time())) as call,
        pytest.raises(SourceTimeout) as caught,
    ):
        await verb(RecursiveGraph(database))
    assert caught.value.source == "main"
    assert (call.usage.graph, call.usage.sql) == (0, 0)


async def test_a_walk_that_waits_past_the_deadline_is_a_timeout(graph_url: str, database: Database) -> None:
    with psycopg.connect(graph_url) as holder:
        holder.execute("LOCK relationships IN ACCESS EXCLUSIVE MODE")
        with (
            use_request(RequestContext(deadline=asyncio.get_running_loop().time() + 0.2)),
            pytest.raises(SourceTimeout),
        ):
            await _reach(RecursiveGraph(database))
        holder.rollback()
    await _reach(RecursiveGraph(database))


async def test_a_pool_that_is_busy_until_the_deadline_is_a_timeout(graph_url: str) -> None:
    busy = Database("main", graph_url, pool_max=1)
    try:
        async with busy.connection():
            with (
                use_request(RequestContext(deadline=asyncio.get_running_loop().time() + 0.1)),
                pytest.raises(SourceTimeout),
            ):
                await _reach(RecursiveGraph(busy))
    finally:
        await busy.close()


@verbs
async def test_a_lost_database_is_unavailable(verb: Verb) -> None:
    lost = Database("main", f"postgresql://nobody@127.0.0.1:{free_port()}/none", pool_timeout=0.2)
    try:
        with pytest.raises(SourceUnavailable) as caught:
            await verb(RecursiveGraph(lost))
        assert (type(caught.value), caught.value.source) == (SourceUnavailable, "main")
        health = await RecursiveGraph(lost).health()
        assert (health.name, health.reachable) == ("graph", False)
    finally:
        await lost.close()


async def test_health_names_engine_and_version(database: Database) -> None:
    health = await RecursiveGraph(database).health()
    assert (health.name, health.reachable, health.details) == ("graph", True, {"engine": "recursive SQL"})
    assert int(health.version.split(".")[0]) >= 16


async def test_an_id_that_is_no_uuid_is_refused(database: Database) -> None:
    with pytest.raises(SourceRefused):
        await RecursiveGraph(database).reach([frozenset(["'; DROP TABLE relationships; --"])], WALK)
