"""A store holds what was applied to it, whatever came before, as often as it is sent, in whatever batches."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datasources.graph.gremlin import projection as written
from datasources.graph.gremlin.client.client import GremlinClient
from datasources.graph.gremlin.projection import GremlinProjection
from datasources.graph.port import Impact
from datasources.graph.projection import Changes, EdgeChange, EdgeVersion, NodeChange, Projection
from datasources.request import RequestContext, use_request
from tests.fixtures.graph import MOMENT, day, edge, node
from tests.fixtures.profiles import examples
from tests.fixtures.projection import NUMBERS, Empty, edge_versions, holds
from tests.oracles.projection import OracleProjection


@st.composite
def changes(draw: st.DrawFn) -> Changes:
    """Some nodes come or go, then some versions."""
    nodes = draw(
        st.lists(
            st.builds(NodeChange, NUMBERS.map(node), st.booleans()), max_size=4, unique_by=lambda change: change.id
        )
    )
    edges = [EdgeChange(version, draw(st.booleans())) for version in draw(edge_versions())]
    return Changes(tuple(nodes), tuple(edges))


@given(batches=st.lists(changes(), min_size=1, max_size=4))
@settings(max_examples=examples(30), suppress_health_check=[HealthCheck.too_slow])
async def test_a_store_holds_what_was_applied(empty: Empty, batches: Sequence[Changes]) -> None:
    projection, oracle = await empty(), OracleProjection()
    with use_request(RequestContext()):
        for batch in batches:
            await projection.apply(batch)
            await oracle.apply(batch)
            assert await holds(projection) == await holds(oracle)
        # Whoever was cut off sends again.
        await projection.apply(batches[-1])
        await oracle.apply(batches[-1])
    assert await holds(projection) == await holds(oracle)


async def after(projection: Projection, *versions: EdgeVersion) -> list[EdgeVersion]:
    for version in versions:
        await projection.apply(Changes(edges=(EdgeChange(version),)))
    return (await holds(projection))[1]


async def test_an_edge_changes_in_place_moves_and_leaves_its_group(empty: Empty) -> None:
    projection = await empty()
    first = EdgeVersion(edge(1, 1, 2, "runs_on", Impact.FORWARD, group=4), MOMENT)
    for later in (
        replace(first, valid_from=day(3)),
        EdgeVersion(edge(1, 1, 2, "runs_on", Impact.NONE, group=5), day(4)),
        EdgeVersion(edge(1, 1, 2, "runs_on", Impact.NONE), day(5)),
        EdgeVersion(edge(1, 1, 2, "uses", Impact.NONE), day(6)),
        EdgeVersion(edge(1, 3, 2, "uses", Impact.NONE), day(7)),
        EdgeVersion(edge(1, 3, 4, "it's 100%", Impact.REVERSE, group=4), day(8)),
    ):
        assert await after(projection, first, later) == [later]
    assert sorted((await holds(projection))[0]) == [node(number) for number in (1, 2, 3, 4)]


async def test_moments_are_exact_to_the_microsecond(empty: Empty) -> None:
    version = EdgeVersion(edge(1, 1, 2), MOMENT.replace(microsecond=1), day(9).replace(microsecond=999_999))
    assert await after(await empty(), version) == [version]


@pytest.mark.parametrize(
    "count", [written.UPSERT_BATCH_SIZE - 1, written.UPSERT_BATCH_SIZE, written.UPSERT_BATCH_SIZE + 1]
)
async def test_batches_have_no_seams(empty: Empty, count: int) -> None:
    projection = await empty()
    versions = [EdgeVersion(edge(number, 1 + number % 7, 10 + number % 5), MOMENT) for number in range(count)]
    await projection.apply(Changes(edges=tuple(map(EdgeChange, versions))))
    assert (await holds(projection))[1] == versions
    changed = [replace(version, valid_from=day(1)) for version in versions[: 2 * written.UPDATE_BATCH_SIZE + 1]]
    await projection.apply(Changes(edges=tuple(map(EdgeChange, changed))))
    assert (await holds(projection))[1] == [*changed, *versions[len(changed) :]]
    await projection.apply(Changes(edges=tuple(EdgeChange(version, removed=True) for version in versions)))
    assert (await holds(projection))[1] == []


async def test_writers_side_by_side_lose_nothing(empty: Empty) -> None:
    """All of them at one node, which is where engines are weakest."""
    projection = await empty()
    versions = [EdgeVersion(edge(number, 1, 1 + number % 3, "abc"[number % 3]), MOMENT) for number in range(80)]
    versions = [replace(each, edge=replace(each.edge, impact=Impact.NONE)) for each in versions]
    batches = [Changes(edges=tuple(map(EdgeChange, versions[lane::8]))) for lane in range(8)]
    await asyncio.gather(*map(projection.apply, batches))
    assert (await holds(projection))[1] == versions


async def test_what_is_said_to_be_fresh_need_not_be(empty: Empty) -> None:
    projection = await empty()
    held, other = EdgeVersion(edge(1, 1, 2), MOMENT), EdgeVersion(edge(2, 3, 4), MOMENT)
    await projection.apply(Changes(edges=(EdgeChange(other), EdgeChange(held)), fresh=True))
    changed = replace(held, edge=replace(held.edge, impact=Impact.NONE))
    await projection.apply(Changes(edges=(EdgeChange(other), EdgeChange(changed)), fresh=True))
    assert await holds(projection) == ([node(number) for number in (1, 2, 3, 4)], [changed, other])


async def test_a_fresh_batch_asks_nothing_first(gremlin_client: GremlinClient) -> None:
    projection = GremlinProjection(gremlin_client)
    await projection.clear()
    await projection.apply(Changes(nodes=(NodeChange(node(1)), NodeChange(node(2)))))
    batch = Changes(edges=(EdgeChange(EdgeVersion(edge(1, 1, 2), MOMENT)),))
    for fresh, verbs in ((True, ["upsert edges"]), (False, ["held edges", "known ends"])):
        with use_request(RequestContext()) as call:
            await projection.apply(replace(batch, fresh=fresh))
        assert sorted(each.verb for each in call.traversals) == verbs


async def test_a_call_that_wrote_reads_from_the_writer(gremlin_client: GremlinClient) -> None:
    with use_request(RequestContext()) as call:
        await GremlinProjection(gremlin_client).apply(Changes(nodes=(NodeChange(node(1)),)))
        assert call.wrote_graph


async def test_versions_from_one_moment_are_told_apart_by_their_end(empty: Empty) -> None:
    projection = await empty()
    ended = EdgeVersion(edge(1, 1, 2), day(2), day(3))
    lasting = EdgeVersion(edge(1, 2, 1), day(2))
    assert await after(projection, lasting, ended) == [ended, lasting]
    assert await after(projection, ended, lasting) == [ended, lasting]
