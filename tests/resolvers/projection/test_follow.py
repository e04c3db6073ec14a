"""Rounds of the projector: whatever was written is in the graph at the end, whoever dies or refuses meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from unittest.mock import patch

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datasources.aurora.driver.database import Database
from datasources.errors import SourceRefused, SourceUnavailable
from datasources.graph.gremlin.client.client import GremlinClient
from datasources.graph.gremlin.projection import GremlinProjection
from datasources.graph.projection import Changes, EdgeVersion, Projection
from resolvers.projection import batch
from resolvers.projection.batch import MAX_ATTEMPTS
from resolvers.projection.check import check
from resolvers.projection.follow import OutboxProjector
from tests.fixtures.following import (
    DropEdge,
    DropItem,
    Op,
    PutEdge,
    PutItem,
    apply,
    emptied,
    histories,
    outbox,
    sources_of,
    write,
)
from tests.fixtures.graph import edge_id, node
from tests.fixtures.profiles import examples
from tests.fixtures.projection import Empty, Failing, holds
from tests.oracles.projection import OracleProjection

MODERATE = settings(
    max_examples=examples(40),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@pytest.fixture(params=["oracle", "gremlin", "nameless", "neptune", "janusgraph"])
def store(request: pytest.FixtureRequest) -> Empty:
    """Every kind of projection; `nameless` is a real engine that takes no ids of edges."""
    if request.param == "nameless":
        client: GremlinClient = request.getfixturevalue("gremlin_client")

        async def empty() -> Projection:
            projection = GremlinProjection(client, edge_ids=False)
            await projection.clear()
            return projection

        return empty
    made: Empty = request.getfixturevalue(f"empty_{request.param}")
    return made


class Refusing:
    """A projection that refuses every batch that holds one of these ids; or every batch, if it is read-only."""

    def __init__(self, inner: Projection, ids: Collection[str], *, read_only: bool = False) -> None:
        self.inner = inner
        self.ids = set(ids)
        self.read_only = read_only
        self.calls = 0

    async def apply(self, changes: Changes) -> None:
        self.calls += 1
        met = {each.id for each in changes.nodes} | {each.version.edge.id for each in changes.edges}
        if self.read_only or met & self.ids:
            raise SourceRefused("graph", "the graph refused a label")
        await self.inner.apply(changes)

    def nodes(self) -> AsyncIterator[Sequence[str]]:
        return self.inner.nodes()

    async def outgoing_edges(self, ids: Sequence[str]) -> Mapping[str, Sequence[EdgeVersion]]:
        return await self.inner.outgoing_edges(ids)

    async def clear(self) -> None:
        await self.inner.clear()


@given(history=histories(), size=st.integers(1, 5))
@MODERATE
async def test_what_was_written_is_in_the_graph_at_the_end(
    projected_url: str, main: Database, store: Empty, history: Sequence[Sequence[Op] | None], size: int
) -> None:
    emptied(projected_url)
    projection = await store()
    follower = OutboxProjector(sources_of(main, projection), size, backlog=size)
    for each in history:
        if each is None:
            await follower.run_round()
        else:
            write(projected_url, *each)
    await follower.run_until_done()
    assert (await check(main, projection)).differences == 0
    assert all(projected for projected, _, _ in outbox(projected_url))


@given(history=histories(8), at=st.integers(1, 6), after=st.booleans(), told=st.sampled_from([1, 500]))
@MODERATE
async def test_a_round_that_broke_off_is_repeated(
    *,
    projected_url: str,
    main: Database,
    history: Sequence[Sequence[Op] | None],
    at: int,
    after: bool,
    told: int,
) -> None:
    """At any call, before or after the graph took it, in a process that goes on or in another; with parts of one entity
    several are under way then."""
    with patch.object(batch, "BATCH_SIZE", told):
        await broken_off(projected_url, main, history, at, after=after)


async def broken_off(
    projected_url: str, main: Database, history: Sequence[Sequence[Op] | None], at: int, *, after: bool
) -> None:
    """A history in which the graph is lost at a call of it."""
    emptied(projected_url)
    inner = OracleProjection()
    follower = OutboxProjector(sources_of(main, Failing(inner, at, after=after)), 2)
    for each in history:
        if each is not None:
            write(projected_url, *each)
            continue
        try:
            await follower.run_round()
        except SourceUnavailable:
            follower = OutboxProjector(sources_of(main, inner), 2)
    await OutboxProjector(sources_of(main, inner)).run_until_done()
    assert (await check(main, inner)).differences == 0


async def test_rows_of_one_round_are_sent_at_once_and_later_rows_find_nothing_to_do(
    projected_url: str, main: Database
) -> None:
    emptied(projected_url)
    write(projected_url, PutItem(1), PutItem(2), PutEdge(1, 1, 2))
    write(projected_url, PutItem(1))
    projection = OracleProjection()
    follower = OutboxProjector(sources_of(main, projection), 3)
    first, second, third = [await follower.run_round() for _ in range(3)]
    assert (first.rows, first.nodes, first.edges, first.full) == (3, 2, 1, True)
    assert (second.rows, second.nodes, second.edges, second.full) == (1, 1, 0, False)
    assert (third.rows, len(projection.applied)) == (0, 2)
    assert outbox(projected_url) == [(True, 0, "")] * 4


async def test_a_round_after_a_full_one_takes_what_waits_and_tells_parts_of_it_at_once(
    projected_url: str, main: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "BATCH_SIZE", 2)
    emptied(projected_url)
    write(projected_url, *(PutItem(number) for number in range(1, 6)))
    write(projected_url, *(PutItem(number) for number in range(1, 6)))
    write(projected_url, *(PutEdge(number, number, number + 1) for number in range(1, 5)))

    class Counting(OracleProjection):
        under_way, most = 0, 0

        async def apply(self, changes: Changes) -> None:
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            await asyncio.sleep(0.05)
            await super().apply(changes)
            self.under_way -= 1

    projection = Counting()
    follower = OutboxProjector(sources_of(main, projection), 2, backlog=100, at_once=3)
    done = [await follower.run_round() for _ in range(3)]
    assert [(each.rows, each.nodes, each.edges, each.full) for each in done] == [
        (2, 2, 0, True),
        (12, 5, 4, False),
        (0, 0, 0, False),
    ]
    # Two items; then five in three parts at once, and then four relationships in two.
    assert [len(each.nodes) + len(each.edges) for each in projection.applied] == [2, 2, 2, 1, 2, 2]
    assert projection.most == 3
    assert (await check(main, projection)).differences == 0


async def test_a_row_that_commits_late_is_claimed_late(projected_url: str, main: Database) -> None:
    """Its position lies below that of a row that is done already."""
    emptied(projected_url)
    projection = OracleProjection()
    follower = OutboxProjector(sources_of(main, projection))
    with psycopg.connect(projected_url) as slow:
        apply(slow, PutItem(1))
        write(projected_url, PutItem(2))
        assert (await follower.run_round()).rows == 1
        assert outbox(projected_url) == [(True, 0, "")]
        slow.commit()
    assert (await follower.run_round()).rows == 1
    assert projection.ids == {node(1), node(2)}


async def test_an_end_that_nothing_stands_at_any_more_is_no_node(
    projected_url: str, main: Database, store: Empty
) -> None:
    emptied(projected_url)
    projection = await store()
    follower = OutboxProjector(sources_of(main, projection))
    write(projected_url, PutItem(1), PutEdge(1, 1, 2), PutEdge(2, 3, 4))
    await follower.run_round()
    assert (await holds(projection))[0] == [node(number) for number in (1, 2, 3, 4)]
    write(projected_url, DropItem(1), DropEdge(2))
    await follower.run_round()
    assert (await holds(projection))[0] == [node(1), node(2)]
    write(projected_url, DropEdge(1))
    await follower.run_round()
    assert await holds(projection) == ([], [])


class Holding(OracleProjection):
    """Holds the first round in the middle until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = asyncio.Event()
        self.free = asyncio.Event()

    async def apply(self, changes: Changes) -> None:
        self.reached.set()
        await self.free.wait()
        await super().apply(changes)


async def test_of_two_projectors_one_is_at_work(projected_url: str, main: Database) -> None:
    emptied(projected_url)
    write(projected_url, PutItem(1))
    projection = Holding()
    one, other = OutboxProjector(sources_of(main, projection)), OutboxProjector(sources_of(main, projection))
    working = asyncio.create_task(one.run_round())
    await projection.reached.wait()
    # Bounded, for a lock that is none lets it wait for the one that waits for it.
    async with asyncio.timeout(60):
        assert not (await other.run_round()).held
    waiting = asyncio.create_task(other.run_until_done())
    projection.free.set()
    assert ((await working).rows, (await waiting).rows) == (1, 0)
    assert len(projection.applied) == 1


async def test_a_projector_that_lost_its_transaction_repeats_what_it_had_sent(
    projected_url: str, main: Database
) -> None:
    """It read the tables, was cut off, and sends what it read after its successor is done: older than the tables."""
    emptied(projected_url)
    write(projected_url, PutItem(1), PutItem(2), PutEdge(1, 1, 2))
    held, projection = Holding(), OracleProjection()
    sleeper = OutboxProjector(sources_of(main, held))
    sleeping = asyncio.create_task(sleeper.run_round())
    await held.reached.wait()
    with psycopg.connect(projected_url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND state = 'idle in transaction' AND pid <> pg_backend_pid()"
        )
    write(projected_url, DropEdge(1))
    held.ids, held.versions = projection.ids, projection.versions
    successor = OutboxProjector(sources_of(main, projection))
    assert (await successor.run_until_done()).rows == 4
    held.ids, held.versions = projection.ids, projection.versions
    held.free.set()
    with pytest.raises(SourceUnavailable):
        await sleeping
    assert [version.edge.id for version in held.versions.values()] == [edge_id(1)]
    done = await sleeper.run_round()
    assert (done.rows, held.versions) == (0, {})
    assert (await check(main, held)).differences == 0
    # Only once: it owes nothing any more.
    sent = len(held.applied)
    await sleeper.run_round()
    assert len(held.applied) == sent


async def test_a_lost_graph_keeps_rows_and_nobody_elses(projected_url: str, main: Database) -> None:
    emptied(projected_url)
    write(projected_url, PutItem(1), PutEdge(1, 1, 2))
    with psycopg.connect(projected_url) as connection:
        connection.execute("INSERT INTO teams (id, key, name) VALUES (gen_random_uuid(), gen_random_uuid(), 'Team')")
    inner = OracleProjection()
    with pytest.raises(SourceUnavailable):
        await OutboxProjector(sources_of(main, Failing(inner, 1))).run_round()
    assert outbox(projected_url) == [(False, 0, ""), (False, 0, ""), (True, 0, "")]
    done = await OutboxProjector(sources_of(main, inner)).run_round()
    assert (done.rows, done.nodes, done.edges) == (2, 1, 1)
    assert inner.ids == {node(1), node(2)}


async def test_what_was_told_before_the_graph_was_lost_is_done(
    projected_url: str, main: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "BATCH_SIZE", 2)
    emptied(projected_url)
    write(projected_url, *(PutItem(number) for number in range(1, 6)))
    with pytest.raises(SourceUnavailable):
        await OutboxProjector(sources_of(main, Failing(OracleProjection(), 3))).run_round()
    assert outbox(projected_url) == [*[(True, 0, "")] * 4, (False, 0, "")]


async def test_a_follower_whose_time_is_over_makes_one_round_all_the_same(projected_url: str, main: Database) -> None:
    emptied(projected_url)
    write(projected_url, *(PutItem(number) for number in range(1, 6)))
    done = await OutboxProjector(sources_of(main, OracleProjection()), 2).run_until_done(0.0)
    assert done.rows == 2


async def test_without_a_graph_rows_are_marked_all_the_same(projected_url: str, main: Database) -> None:
    emptied(projected_url)
    write(projected_url, PutItem(1), PutEdge(1, 1, 2))
    done = await OutboxProjector(sources_of(main, None)).run_round()
    assert (done.rows, done.nodes, done.edges) == (2, 0, 0)
    assert outbox(projected_url) == [(True, 0, "")] * 2


async def test_what_the_graph_refuses_is_set_aside_and_the_rest_goes_on(
    projected_url: str, main: Database, empty_gremlin: Empty
) -> None:
    emptied(projected_url)
    write(projected_url, *(PutItem(number) for number in range(1, 8)), PutEdge(1, 1, 2), PutEdge(2, 2, 3))
    projection = Refusing(await empty_gremlin(), [edge_id(1)])
    follower = OutboxProjector(sources_of(main, projection))
    done = await follower.run_round()
    assert (done.rows, done.refused, done.retried) == (8, 0, True)
    assert outbox(projected_url) == [*[(True, 0, "")] * 7, (False, 1, ""), (True, 0, "")]
    projection.calls = 0
    write(projected_url, PutItem(1))
    # Alone, so that the others are not cut in halves again and again.
    assert (await follower.run_round()).rows == 1
    assert projection.calls == 2
    await follower.run_until_done()
    refused = (False, MAX_ATTEMPTS, "the graph refused a label")
    assert outbox(projected_url) == [*[(True, 0, "")] * 7, refused, (True, 0, ""), (True, 0, "")]
    assert (await check(main, projection)).missing_edges.count == 1
    # A later change of it that the graph takes makes up for the one that was set aside.
    projection.ids.clear()
    write(projected_url, PutEdge(1, 1, 2, "other"))
    await follower.run_until_done()
    assert [projected for projected, _, _ in outbox(projected_url)] == [True] * 11
    assert (await check(main, projection)).differences == 0


async def test_a_graph_that_refuses_everything_blames_no_row(projected_url: str, main: Database) -> None:
    emptied(projected_url)
    write(projected_url, PutItem(1), PutItem(2))
    follower = OutboxProjector(sources_of(main, Refusing(OracleProjection(), [], read_only=True)), 1, backlog=1)
    for _ in range(MAX_ATTEMPTS + 1):
        with pytest.raises(SourceRefused):
            await follower.run_round()
    assert outbox(projected_url) == [(False, 0, ""), (False, 0, "")]
