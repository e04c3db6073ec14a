"""The comparer as it runs beside a server: it mends what was broken, and waits for a lost store."""

import asyncio
from collections.abc import AsyncIterator

import pytest

import workers.consistency
from datasources.aurora.driver.database import Database
from datasources.aurora.outbox import graph_buckets
from datasources.errors import SourceUnavailable
from datasources.graph.projection import Changes, NodeChange
from resolvers.projection.follow import OutboxProjector
from tests.fixtures.following import PutEdge, PutItem, emptied, sources_of, write
from tests.fixtures.graph import node
from tests.oracles.projection import OracleProjection
from workers.consistency import background_comparer


class LostOnce(OracleProjection):
    """Cannot be reached at its first changes."""

    is_lost = True

    async def apply(self, changes: Changes) -> None:
        if self.is_lost:
            self.is_lost = False
            raise SourceUnavailable("graph", "graph cannot be reached")
        await super().apply(changes)


@pytest.fixture
async def own(projected_url: str) -> AsyncIterator[Database]:
    database = Database("main", projected_url)
    yield database
    await database.close()


async def test_it_mends_beside_the_body_and_ends_with_it(
    projected_url: str, own: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers.consistency, "POLL_SECONDS", 0.01)
    emptied(projected_url)
    projection = OracleProjection()
    sources = sources_of(own, projection)
    write(projected_url, PutItem(1), PutItem(2), PutEdge(1, 1, 2))
    await OutboxProjector(sources).run_until_done()
    whole = projection.holds()
    projection.versions.clear()
    await projection.apply(Changes(nodes=(NodeChange(node(9)),)))
    await graph_buckets.mark_all_due(own)
    async with background_comparer(sources, 300), asyncio.timeout(60):
        while projection.holds() != whole:
            await asyncio.sleep(0.01)
    assert [task for task in asyncio.all_tasks() if task.get_name() == "consistency"] == []


async def test_a_lost_graph_is_waited_for(
    projected_url: str, own: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(workers.consistency, "BACKOFF_SECONDS", 0.01)
    emptied(projected_url)
    write(projected_url, PutItem(1))
    projected, lost = OracleProjection(), LostOnce()
    await OutboxProjector(sources_of(own, projected)).run_until_done()
    await graph_buckets.mark_all_due(own)
    async with background_comparer(sources_of(own, lost), 1), asyncio.timeout(60):
        while lost.holds() != projected.holds():
            await asyncio.sleep(0.01)
    assert caplog.messages.count("worker waits for a store") == 1
