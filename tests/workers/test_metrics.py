"""What workers measure, by value, on real stores: each line as CloudWatch reads it."""

import logging
import time
from typing import Any

import psycopg
import pytest

from datasources.aurora.driver.database import Database
from datasources.embedded.gremlin import EmbeddedGremlin
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.errors import SourceRefused
from datasources.graph.projection import Changes
from datasources.queues.factory import open_queues
from datasources.sources import Sources
from resolvers.projection.batch import MAX_ATTEMPTS
from resolvers.projection.follow import OutboxProjector
from tests.fixtures.emf import measured, values
from tests.fixtures.events import related, retired, upserted
from tests.fixtures.following import PutEdge, PutItem, emptied, sources_of, write
from tests.fixtures.graph import node
from tests.fixtures.runs import runs_opened, step
from tests.oracles.projection import OracleProjection
from tests.workers.test_events import send
from workers import events, projection, workflows

AGED = 90.0


class Remaining:
    """The context of a Lambda call."""

    def get_remaining_time_in_millis(self) -> int:
        return 300_000


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Lines are heard, as where metrics are on."""
    for name in ("stackflow.metrics", "stackflow.events"):
        caplog.set_level(logging.INFO, name)
    return caplog


def execute(url: str, text: str, *bound: object) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(text.encode(), bound)


async def test_a_batch_counts_its_events_by_what_became_of_them(
    sources: Sources, told: pytest.LogCaptureFixture
) -> None:
    queue = open_queues(sources.main).events
    await send(queue, upserted("1", "a"), related("2", "a>b"), upserted("3", "c"), upserted("4", "d"))
    assert await events.process_batch(sources, queue) == 4
    [line] = measured(told.records)
    assert values(line, "EventsDone", "EventsDead", "EventsAgain", "EventsHeld") == (3, 1, 0, 0)
    assert line["Environment"] == "test"


async def test_events_that_wait_for_a_store_are_held_and_not_dead(
    sources: Sources, told: pytest.LogCaptureFixture
) -> None:
    queue = open_queues(sources.main).events
    away = Database("main", "postgresql://nobody@127.0.0.1:1/none", pool_timeout=0.05)
    lost = Sources(away, away, sources.graph, sources.cache)
    await send(queue, upserted("1", "a"), retired("2", "a", 1), upserted("3", "b", source="/other"))
    await events.process_batch(lost, queue)
    await away.close()
    [line] = measured(told.records)
    assert values(line, "EventsDone", "EventsDead", "EventsAgain", "EventsHeld") == (0, 0, 0, 3)


async def test_what_failed_comes_again_and_what_stands_behind_it_is_held(
    sources: Sources, url: str, told: pytest.LogCaptureFixture
) -> None:
    queue = open_queues(sources.main).events
    await send(queue, upserted("1", "a"), upserted("2", "b"))
    execute(url, "ALTER TABLE event_times RENAME TO away")
    try:
        await events.process_batch(sources, queue)
    finally:
        execute(url, "ALTER TABLE away RENAME TO event_times")
    [line] = measured(told.records)
    assert values(line, "EventsDone", "EventsDead", "EventsAgain", "EventsHeld") == (0, 0, 1, 1)


async def test_the_backlog_is_what_waits_in_tables_and_how_long(
    sources: Sources, url: str, told: pytest.LogCaptureFixture
) -> None:
    queue = open_queues(sources.main).events
    await send(queue, upserted("1", "a"), related("2", "a>b"))
    await events.process_batch(sources, queue)
    await send(queue, upserted("3", "c"), upserted("4", "d"))
    execute(url, "UPDATE queue_messages SET sent_at = now() - interval '90 seconds' WHERE body LIKE '%%\"4\"%%'")
    told.clear()
    begin = time.monotonic()
    await projection._measure_backlog(sources)
    [line] = measured(told.records)
    assert values(line, "OpenEvents", "DeadEvents") == (2, 1)
    [oldest] = values(line, "OldestEventSeconds")
    assert AGED <= oldest < AGED + 10 + (time.monotonic() - begin)


def test_the_projector_measures_its_rows_and_how_far_it_was_behind(
    projected_url: str, gremlin_server: EmbeddedGremlin, told: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    emptied(projected_url)
    write(projected_url, PutItem(1), PutItem(2), PutEdge(1, 1, 2))
    execute(projected_url, "UPDATE outbox SET written_at = now() - interval '90 seconds' WHERE entity_id = %s", node(2))
    for name, value in {
        "DATABASE_URL": projected_url, "REQUIREMENTS_URL": projected_url, "REDIS_URL": "off",
        "GRAPH_URL": gremlin_server.url, "CONSISTENCY_SECONDS": "0",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    begin = time.monotonic()
    assert projection.handler({}, Remaining())["rows"] == 3
    first, backlog = measured(told.records)
    assert values(first, "ProjectedRows", "ProjectionRefused") == (3, 0)
    [lag] = values(first, "ProjectionLagSeconds")
    assert AGED <= lag < AGED + 10 + (time.monotonic() - begin)
    assert values(backlog, "OpenEvents", "OldestEventSeconds", "DeadEvents") == (0, 0, 0)
    # One that finds nothing says so: an alarm must hear that the graph is not behind.
    told.clear()
    projection.handler({}, Remaining())
    assert values(measured(told.records)[0], "ProjectionLagSeconds", "ProjectedRows", "ProjectionRefused") == (0, 0, 0)


class Refusing(OracleProjection):
    """A graph that takes everything but one item."""

    async def apply(self, changes: Changes) -> None:
        if any(each.id == node(2) for each in changes.nodes):
            raise SourceRefused("graph", "the graph refused a label")
        await super().apply(changes)


async def test_what_the_graph_refuses_for_good_is_counted_once(
    projected_url: str, main: Database, told: pytest.LogCaptureFixture
) -> None:
    emptied(projected_url)
    write(projected_url, PutItem(1), PutItem(2), PutItem(3))
    follower = OutboxProjector(sources_of(main, Refusing()))
    for _ in range(MAX_ATTEMPTS + 1):
        projection._log_round(await follower.run_round())
    lines = measured(told.records)
    told_each = [values(line, "ProjectedRows", "ProjectionRefused") for line in lines]
    assert [sum(each) for each in zip(*told_each, strict=True)] == [2, 1]


async def test_a_round_of_the_workflows_counts_what_it_did(
    postgres: EmbeddedPostgres, told: pytest.LogCaptureFixture
) -> None:
    async with runs_opened(postgres, "workflow_metrics") as runs:
        sources = runs.operations.sources
        queues = open_queues(sources.main)
        while await workflows.run_round(sources, queues):
            pass
        told.clear()
        assert await workflows.run_round(sources, queues) == 0
        assert measured(told.records) == []
        await runs.start(runs.publish(step("tell", "NOTIFICATION", channel="#ops")))
        rounds: list[Any] = []
        while done := await workflows.run_round(sources, queues):
            rounds.append(done)
        assert rounds == [4]
        assert [values(line, "WorkflowSteps") for line in measured(told.records)] == [(done,) for done in rounds]
        # What it did is there: the message was sent.
        assert len(await queues.notifications.receive(10, 0)) == 1
