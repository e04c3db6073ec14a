"""Comparing by buckets: what was broken in a graph is found, counted exactly and mended; what is late is not broken."""

from dataclasses import replace
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings

from datasources.aurora.driver.database import Database
from datasources.aurora.outbox import graph_buckets
from datasources.graph.port import Impact
from datasources.graph.projection import Changes, EdgeChange, EdgeVersion, NodeChange, Projection
from datasources.graph.recursive.source import RelationalSource
from resolvers.projection.buckets import BUCKET_COUNT, Digest, bucket_of, digest_of
from resolvers.projection.comparison import BucketComparer, ComparisonRound
from resolvers.projection.follow import OutboxProjector
from tests.fixtures.following import DropEdge, PutEdge, PutItem, emptied, outbox, sources_of, write
from tests.fixtures.graph import MOMENT, day, edge, node
from tests.fixtures.profiles import examples
from tests.fixtures.projection import Empty, Meeting, edge_versions, fill, holds, should_hold
from tests.oracles.projection import OracleProjection

ITEMS = [1, 2, 3, 4]
EDGES = [
    EdgeVersion(edge(1, 1, 2), MOMENT),
    EdgeVersion(edge(2, 2, 3, group=1), MOMENT),
    EdgeVersion(edge(3, 3, 1), MOMENT),
    EdgeVersion(edge(4, 3, 3, impact=Impact.NONE), MOMENT),
]
WHOLE = ComparisonRound(buckets=BUCKET_COUNT)


def due(url: str) -> None:
    """Nothing waits to be told, and every bucket is due and was never compared. Blocks."""
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE outbox SET projected = true")
        connection.execute("UPDATE graph_buckets SET claimed_at = '2000-01-01', checked_at = NULL, divergent = 0")


@pytest.fixture
async def alike(projected_url: str, main: Database, empty: Empty) -> Projection:
    """A graph of every kind that holds what the tables hold."""
    fill(projected_url, ITEMS, EDGES)
    due(projected_url)
    projection = await empty()
    await projection.apply(
        Changes(tuple(NodeChange(node(number)) for number in ITEMS), tuple(EdgeChange(each) for each in EDGES))
    )
    return projection


async def looked(main: Database, projection: Projection) -> ComparisonRound:
    """A whole comparison."""
    await graph_buckets.mark_all_due(main)
    return await BucketComparer(sources_of(main, projection), 300).run_until_done()


def drop(version: EdgeVersion) -> Changes:
    return Changes(edges=(EdgeChange(version, removed=True),))


def put(version: EdgeVersion) -> Changes:
    return Changes(edges=(EdgeChange(version),))


BROKEN: dict[str, tuple[list[Changes], int, int]] = {
    # How it is broken; buckets that differ; differences.
    "missing node": ([drop(EDGES[0]), drop(EDGES[2]), Changes(nodes=(NodeChange(node(1), removed=True),))], 2, 3),
    "extra node": ([Changes(nodes=(NodeChange(node(9)),))], 1, 1),
    "extra node of another form": ([Changes(nodes=(NodeChange("no uuid"),))], 1, 1),
    "missing edge": ([drop(EDGES[1])], 1, 1),
    "extra edge": ([put(EdgeVersion(edge(7, 4, 1), MOMENT))], 1, 1),
    "extra edge at an extra node": ([put(EdgeVersion(edge(7, 9, 1), MOMENT))], 1, 2),
    "valid from": ([put(replace(EDGES[1], valid_from=day(1)))], 1, 1),
    "impact": ([put(replace(EDGES[1], edge=edge(2, 2, 3, impact=Impact.FORWARD, group=1)))], 1, 1),
    "group": ([put(replace(EDGES[1], edge=edge(2, 2, 3, group=2)))], 1, 1),
    "no group": ([drop(EDGES[1]), put(replace(EDGES[1], edge=edge(2, 2, 3)))], 1, 1),
    "type": ([drop(EDGES[1]), put(replace(EDGES[1], edge=edge(2, 2, 3, type="other", group=1)))], 1, 1),
    "other end": ([drop(EDGES[1]), put(replace(EDGES[1], edge=edge(2, 2, 4, group=1)))], 1, 1),
}


@pytest.mark.parametrize("how", BROKEN)
async def test_what_is_broken_is_found_and_mended(main: Database, alike: Projection, how: str) -> None:
    assert await looked(main, alike) == WHOLE
    breaks, differing, found = BROKEN[how]
    for changes in breaks:
        await alike.apply(changes)
    assert await looked(main, alike) == ComparisonRound(BUCKET_COUNT, differing, found, 0)
    assert await holds(alike) == should_hold(ITEMS, EDGES)
    assert await looked(main, alike) == WHOLE
    last = await graph_buckets.fetch_last_check(main)
    assert last is not None
    assert last.divergent == 0


async def test_what_can_not_be_mended_is_counted_as_left(main: Database, alike: Projection) -> None:
    class Deaf(Meeting):
        async def apply(self, changes: Changes) -> None:
            pass

    await alike.apply(drop(EDGES[1]))
    assert await looked(main, Deaf(alike, {})) == ComparisonRound(BUCKET_COUNT, 1, 1, 1)
    last = await graph_buckets.fetch_last_check(main)
    assert last is not None
    assert last.divergent == 1


async def test_what_the_graph_was_not_told_of_yet_is_no_difference(
    projected_url: str, main: Database, empty_gremlin: Empty
) -> None:
    emptied(projected_url)
    projection = await empty_gremlin()
    sources = sources_of(main, projection)
    write(projected_url, PutItem(1), PutItem(2), PutItem(3), PutEdge(1, 1, 2), PutEdge(2, 2, 3))
    await OutboxProjector(sources).run_until_done()
    write(projected_url, PutItem(5), PutEdge(2, 2, 1), DropEdge(1), PutEdge(3, 5, 5, impact=Impact.NONE))
    waits = outbox(projected_url)
    # Four items, one of them new, and three edges: all of it late and nothing else.
    assert await looked(main, projection) == ComparisonRound(BUCKET_COUNT, 3, 0, 0)
    assert outbox(projected_url) == waits
    await OutboxProjector(sources).run_until_done()
    assert await looked(main, projection) == WHOLE


@pytest.mark.parametrize("call", range(1, 6))
async def test_a_write_in_the_middle_is_no_difference(
    projected_url: str, main: Database, empty_gremlin: Empty, call: int
) -> None:
    emptied(projected_url)
    inner = await empty_gremlin()
    follower = OutboxProjector(sources_of(main, inner))
    write(projected_url, PutItem(1), PutItem(2), PutEdge(1, 1, 2), PutEdge(2, 2, 1))
    await follower.run_until_done()

    async def happen() -> None:
        write(projected_url, PutItem(3), PutEdge(1, 1, 3), DropEdge(2), PutEdge(3, 3, 2))
        await follower.run_until_done()

    # A quarter's edges are read at a time, and what differs again: places between two readings are met.
    found = await looked(main, Meeting(inner, {call: happen}))
    assert (found.buckets, found.found, found.left) == (BUCKET_COUNT, 0, 0)


@settings(max_examples=examples(25))
@given(versions=edge_versions())
def test_digests_of_tables_and_graph_are_alike(projected_url: str, versions: list[EdgeVersion]) -> None:
    import asyncio

    fill(projected_url, ITEMS, versions)
    ids, edges = should_hold(ITEMS, versions)

    async def digests() -> list[Any]:
        database = Database("main", projected_url)
        found = await RelationalSource(database).digests(range(BUCKET_COUNT))
        await database.close()
        return found

    found = asyncio.run(digests())
    expected = {bucket: Digest() for bucket in range(BUCKET_COUNT)}
    for id in reversed(ids):
        expected[bucket_of(id)].add_nodes([id])
    for each in reversed(edges):
        expected[bucket_of(each.edge.from_id)].add_edges([each])
    assert {each.bucket: digest_of(each) for each in found} == {key: str(each) for key, each in expected.items()}


async def test_a_bucket_is_compared_once_in_its_time_whoever_asks(projected_url: str, main: Database) -> None:
    fill(projected_url, ITEMS, EDGES)
    due(projected_url)
    projection = OracleProjection()
    assert await graph_buckets.fetch_last_check(main) is None
    one, two = (BucketComparer(sources_of(main, projection), 300, at_once=100) for _ in range(2))
    assert [(await each.run_round()).buckets for each in (one, two, one, two)] == [100, 100, 56, 0]
    assert await graph_buckets.fetch_last_check(main) is not None


async def test_while_the_graph_is_far_behind_nothing_is_compared(
    projected_url: str, main: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(projected_url, ITEMS, EDGES)
    due(projected_url)
    monkeypatch.setattr("resolvers.projection.comparison.MAX_PENDING_ROWS", 0)
    write(projected_url, PutItem(8))
    assert await looked(main, OracleProjection()) == ComparisonRound()


async def test_without_a_graph_nothing_is_compared(main: Database) -> None:
    assert await BucketComparer(sources_of(main, None), 300).run_until_done() == ComparisonRound()
