"""What the Gremlin adapter sends: how many traversals a walk takes, and what happens when the graph moves under it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from gremlin_python.process.traversal import Traversal

from datasources.config import ReachStrategy
from datasources.errors import SourceTimeout, SourceUnavailable
from datasources.graph.gremlin.adapter import GremlinGraph
from datasources.graph.gremlin.client.client import GremlinClient
from datasources.graph.gremlin.paths import MAX_TRIES
from datasources.graph.gremlin.projection import GremlinProjection
from datasources.graph.port import Direction, Position, Walk
from datasources.graph.projection import Changes, EdgeChange
from datasources.health import Health
from datasources.request import RequestContext, use_request
from tests.fixtures.graph import edge_id, links, node

OUT = Walk(Direction.OUT, max_depth=6)
DIAMOND = links((1, 2), (1, 3), (2, 4), (3, 4), (4, 5), (5, 6), (5, 7), (5, 8), (8, 1))


class Moving:
    """A client behind which something happens before each traversal of one verb."""

    def __init__(self, inner: GremlinClient, verb: str, happens: Callable[[int], Awaitable[None]]) -> None:
        self._inner = inner
        self._verb = verb
        self._happens = happens
        self.times = 0

    async def submit(self, traversal: Traversal, verb: str, *, writes: bool = False) -> list[Any]:
        if verb == self._verb:
            self.times += 1
            await self._happens(self.times)
        return await self._inner.submit(traversal, verb, writes=writes)

    async def health(self) -> Health:
        return await self._inner.health()

    async def close(self) -> None: ...


@pytest.fixture
async def filled(gremlin_client: GremlinClient) -> GremlinProjection:
    projection = GremlinProjection(gremlin_client)
    with use_request(RequestContext()):
        await projection.clear()
        await projection.apply(Changes(edges=tuple(map(EdgeChange, DIAMOND))))
    return projection


async def verbs_of(work: Callable[[], Awaitable[object]]) -> list[str]:
    with use_request(RequestContext()) as call:
        await work()
    assert call.usage.graph == 1
    assert call.usage.traversals == len(call.traversals)
    return [each.verb for each in call.traversals]


async def test_a_walk_without_caps_is_one_traversal(gremlin_client: GremlinClient, filled: GremlinProjection) -> None:
    graph = GremlinGraph(gremlin_client)
    start = frozenset([node(1)])
    assert await verbs_of(lambda: graph.reach([start], OUT)) == ["reach"]
    assert await verbs_of(lambda: graph.neighbours([node(1), node(5)], OUT)) == ["neighbours"]
    assert await verbs_of(lambda: graph.degrees([node(1), node(5)])) == ["degrees"]
    assert await verbs_of(lambda: graph.subgraph([node(1), node(2)], OUT, 10)) == ["subgraph"]
    # Three turns, then the facts of both halves.
    assert await verbs_of(lambda: graph.paths(node(1), node(5), OUT, 10)) == ["hop"] * 3 + ["neighbours"] * 2


async def test_a_cap_costs_two_more_and_only_from_its_hop_on(
    gremlin_client: GremlinClient, filled: GremlinProjection
) -> None:
    graph = GremlinGraph(gremlin_client)
    # Only item 5, three hops out, has more than two edges.
    walk = Walk(Direction.OUT, max_depth=5, fan_out=2)
    verbs = await verbs_of(lambda: graph.reach([frozenset([node(1)])], walk))
    assert sorted(verbs) == ["degree", "hop", "hop", "neighbours", "neighbours in order", "reach"]
    assert verbs[0] == "reach"
    assert sorted(await verbs_of(lambda: graph.neighbours([node(5), node(1)], walk))) == [
        "degree", "neighbours", "neighbours in order",
    ]  # fmt: skip


async def test_a_page_that_begins_at_a_place_walks_twice(
    gremlin_client: GremlinClient, filled: GremlinProjection
) -> None:
    graph = GremlinGraph(gremlin_client)
    place = Position(1, node(2))
    assert await verbs_of(lambda: graph.reach([frozenset([node(1)])], OUT, place)) == ["reach", "reach"]


async def test_many_walks_share_a_traversal_a_hop(gremlin_client: GremlinClient, filled: GremlinProjection) -> None:
    starts = [frozenset([node(number)]) for number in (1, 2, 3, 1)]
    walk = Walk(Direction.OUT, max_depth=3)
    assert await verbs_of(lambda: GremlinGraph(gremlin_client).reach(starts, walk)) == ["hop"] * 3
    led = GremlinGraph(gremlin_client, ReachStrategy.FRONTIER)
    assert await verbs_of(lambda: led.reach(starts[:1], walk)) == ["hop"] * 3


async def test_an_edge_that_goes_while_paths_are_searched_is_searched_around(
    gremlin_client: GremlinClient, filled: GremlinProjection
) -> None:
    async def drop(times: int) -> None:
        if times == 1:
            # 1 -> 2, which is on a path that was found already.
            await filled.apply(Changes(edges=(EdgeChange(DIAMOND[0], removed=True),)))

    with use_request(RequestContext()):
        found = await GremlinGraph(Moving(gremlin_client, "neighbours", drop)).paths(node(1), node(5), OUT, 10)
    assert [path.nodes for path in found.paths] == [(node(1), node(3), node(4), node(5))]
    assert [[edge.id for edge in hop] for hop in found.paths[0].hops] == [[edge_id(2)], [edge_id(4)], [edge_id(5)]]


async def test_a_graph_that_never_holds_still_is_no_answer(
    gremlin_client: GremlinClient, filled: GremlinProjection
) -> None:
    first = EdgeChange(DIAMOND[0])

    async def flicker(times: int) -> None:
        await filled.apply(Changes(edges=(EdgeChange(DIAMOND[0], removed=True),)))

    async def back(_: int) -> None:
        await filled.apply(Changes(edges=(first,)))

    moving = Moving(gremlin_client, "neighbours", flicker)
    restoring = Moving(gremlin_client, "hop", back)
    graph = GremlinGraph(Both(moving, restoring))
    with use_request(RequestContext()), pytest.raises(SourceUnavailable, match="changed while its paths were searched"):
        await graph.paths(node(1), node(5), OUT, 10)
    assert moving.times == 2 * MAX_TRIES


class Both:
    """Each verb through the one that something happens to."""

    def __init__(self, neighbours: Moving, hops: Moving) -> None:
        self._of = {"neighbours": neighbours, "hop": hops}

    async def submit(self, traversal: Traversal, verb: str, *, writes: bool = False) -> list[Any]:
        return await self._of[verb].submit(traversal, verb, writes=writes)

    async def health(self) -> Health:
        raise NotImplementedError

    async def close(self) -> None: ...


async def test_no_time_left_is_a_timeout_and_no_walk(gremlin_client: GremlinClient) -> None:
    graph = GremlinGraph(gremlin_client)
    walks: list[Callable[[], Awaitable[object]]] = [
        lambda: graph.reach([frozenset([node(1)])], OUT),
        lambda: graph.neighbours([node(1)], OUT),
        lambda: graph.paths(node(1), node(2), OUT, 1),
        lambda: graph.subgraph([node(1)], OUT, 1),
        lambda: graph.degrees([node(1)]),
    ]
    for walk in walks:
        with (
            use_request(RequestContext(deadline=asyncio.get_running_loop().time())) as call,
            pytest.raises(SourceTimeout) as caught,
        ):
            await walk()
        assert (caught.value.source, call.usage.graph, call.usage.traversals) == ("graph", 0, 0)
