"""Rows that cannot be read: the projector sets them aside, and the others reach the graph."""

from collections.abc import Sequence
from datetime import UTC, datetime

import psycopg
import pytest

from datasources.aurora.driver.database import Database
from datasources.aurora.outbox import graph_buckets
from datasources.aurora.outbox.outbox import fetch_state
from datasources.graph.projection import EdgeVersion
from datasources.graph.recursive.source import RelationalSource
from resolvers.projection.batch import MAX_ATTEMPTS
from resolvers.projection.buckets import BUCKET_COUNT
from resolvers.projection.comparison import BucketComparer, ComparisonRound
from resolvers.projection.follow import OutboxProjector
from resolvers.projection.rebuild import RebuildOptions, rebuild
from tests.fixtures.following import DropEdge, PutEdge, PutItem, emptied, outbox, sources_of, write
from tests.fixtures.graph import edge_id, node
from tests.fixtures.projection import Empty, holds
from tests.oracles.projection import OracleProjection


async def test_an_entity_that_cannot_be_read_is_set_aside_and_the_others_are_told(
    projected_url: str, main: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    emptied(projected_url)
    write(projected_url, *(PutItem(number) for number in range(1, 5)))
    write(projected_url, PutEdge(1, 1, 2), PutEdge(2, 2, 3), PutEdge(3, 3, 4))
    real = RelationalSource.edges_by_ids

    async def by_ids(self: RelationalSource, ids: Sequence[str]) -> list[EdgeVersion]:
        if edge_id(2) in ids:
            raise ValueError("a value of a row")
        return await real(self, ids)

    monkeypatch.setattr(RelationalSource, "edges_by_ids", by_ids)
    projection = OracleProjection()
    follower = OutboxProjector(sources_of(main, projection))
    for _ in range(MAX_ATTEMPTS):
        await follower.run_round()
    nodes, edges = await holds(projection)
    assert (nodes, sorted(each.edge.id for each in edges)) == (
        [node(number) for number in range(1, 5)], [edge_id(1), edge_id(3)],
    )  # fmt: skip
    [refused] = [each for each in outbox(projected_url) if not each[0]]
    assert refused[1] == MAX_ATTEMPTS
    assert refused[2].startswith("ValueError at tests/resolvers/projection/test_poison.py:")
    assert not (await follower.run_round()).retried


async def test_a_version_of_before_that_cannot_be_read_holds_up_no_other(
    projected_url: str, main: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    emptied(projected_url)
    projection = OracleProjection()
    follower = OutboxProjector(sources_of(main, projection))
    write(projected_url, *(PutItem(number) for number in range(1, 5)))
    write(projected_url, PutEdge(1, 1, 2), PutEdge(2, 2, 3), PutEdge(3, 3, 4))
    await follower.run_until_done()
    write(projected_url, DropEdge(1), DropEdge(2), DropEdge(3))
    real = RelationalSource.edges_before

    async def before(self: RelationalSource, asked: Sequence[int]) -> list[EdgeVersion]:
        found = await real(self, asked)
        if any(each.edge.id == edge_id(2) for each in found):
            raise ValueError("a value of a row")
        return found

    monkeypatch.setattr(RelationalSource, "edges_before", before)
    assert (await follower.run_until_done()).rows == 3
    assert all(projected for projected, _, _ in outbox(projected_url))
    assert [each.edge.id for each in (await holds(projection))[1] if each.edge.id != edge_id(2)] == []


BEYOND = {2: ("infinity", datetime.max), 3: ("-infinity", datetime.min), 4: ("0044-03-15 BC", datetime.min)}


async def test_times_beyond_the_calendar_are_the_nearest_within_it(
    projected_url: str, main: Database, empty: Empty
) -> None:
    """Also to those who compare by buckets, rebuild, and take away what was."""
    emptied(projected_url)
    write(projected_url, *(PutItem(number) for number in range(1, 5)))
    write(projected_url, *(PutEdge(number, number, number % 4 + 1) for number in range(1, 5)))
    with psycopg.connect(projected_url) as connection:
        # Without the trigger that sets the time.
        connection.execute("SET session_replication_role = replica")
        for number, (text, _) in BEYOND.items():
            connection.execute("UPDATE relationships SET valid_from = %s WHERE id = %s", (text, edge_id(number)))
        connection.execute("UPDATE outbox SET written_at = 'infinity' WHERE position % 2 = 0")
        connection.execute("UPDATE outbox SET written_at = '-infinity' WHERE position % 3 = 0")
    assert 0 <= (await fetch_state(main)).lag < 600
    projection = await empty()
    sources = sources_of(main, projection)
    done = await OutboxProjector(sources).run_until_done()
    assert (done.rows, done.refused, 0 <= done.lag < 600) == (8, 0, True)
    held = {each.edge.id: each.valid_from for each in (await holds(projection))[1]}
    assert held.keys() == {edge_id(number) for number in range(1, 5)}
    for number, (_, nearest) in BEYOND.items():
        assert held[edge_id(number)] == nearest.replace(tzinfo=UTC)
    await graph_buckets.mark_all_due(main)
    assert await BucketComparer(sources, 300).run_until_done() == ComparisonRound(buckets=BUCKET_COUNT)
    report = await rebuild(main, projection, RebuildOptions(page=2))
    assert report.compared is not None
    assert (report.edges, report.compared.differences) == (4, 0)
    write(projected_url, *map(DropEdge, BEYOND))
    assert (await OutboxProjector(sources).run_until_done()).refused == 0
    assert [each.edge.id for each in (await holds(projection))[1]] == [edge_id(1)]
