"""The worker of runs: a loop that is stopped and outlives a lost store, and a Lambda function on a schedule."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from datasources.aurora.driver.database import Database
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.queues.factory import open_queues
from datasources.sources import Sources
from tests.fixtures.operations import ITEM, uuid
from tests.fixtures.runs import Runs, runs_opened, step
from workers import workflows


@pytest.fixture(scope="module")
async def runs(postgres: EmbeddedPostgres) -> AsyncIterator[Runs]:
    async with runs_opened(postgres, "workflow_worker") as opened:
        yield opened


STEPS = (step("pause", "WAIT", seconds=0), step("tell", "NOTIFICATION", "pause", channel="#ops"))


async def test_the_loop_leads_runs_until_it_is_told_to_stop(runs: Runs) -> None:
    sources = runs.operations.sources
    queues, stop = open_queues(sources.main), asyncio.Event()
    working = asyncio.create_task(workflows.loop(sources, queues, stop))
    run = await runs.start(runs.publish(*STEPS), configuration_item_id=uuid(ITEM, 1))
    while not (received := await queues.notifications.receive(10, 0)):
        await asyncio.sleep(0.05)
    assert [each.group for each in received] == [run]
    await queues.notifications.settle(received, [])
    stop.set()
    await working
    assert runs.state(run) == "SUCCEEDED"


async def test_the_loop_waits_for_a_lost_store(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workflows, "MIN_BACKOFF_SECONDS", 0.01)
    gone = Database("main", "postgresql://nobody@127.0.0.1:1/none", connect_timeout=1, pool_timeout=0.05)
    lost = Sources(gone, gone, runs.operations.sources.graph, runs.operations.sources.cache)
    stop = asyncio.Event()
    working = asyncio.create_task(workflows.loop(lost, open_queues(gone), stop))
    await asyncio.sleep(0.3)
    assert not working.done()
    stop.set()
    await working
    await gone.close()


@dataclass
class Invocation:
    """What Lambda tells a function of its call."""

    milliseconds: int

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


async def test_a_scheduled_call_does_what_is_due_and_ends(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    operations = runs.operations
    monkeypatch.setenv("DATABASE_URL", operations.url)
    monkeypatch.setenv("REQUIREMENTS_URL", operations.requirements_url)
    monkeypatch.setenv("REDIS_URL", "off")
    run = await runs.start(runs.publish(step("pause", "WAIT", seconds=3_600), STEPS[1]))
    operations.write(f"UPDATE workflow_step_runs SET due_at = now() WHERE run_id = '{run}'")
    told = await asyncio.to_thread(workflows.handler, {}, Invocation(60_000))
    assert told["done"] >= 2
    assert runs.state(run) == "SUCCEEDED"
    [message] = await open_queues(operations.sources.main).notifications.receive(10, 0)
    assert message.group == run


async def test_a_round_takes_the_time_that_it_is_given(runs: Runs) -> None:
    sources = runs.operations.sources
    run = await runs.start(runs.publish(step("pause", "WAIT", seconds=60)))
    await workflows.run_round(sources, open_queues(sources.main), runs.started(run) + timedelta(seconds=59))
    assert runs.state(run) == "RUNNING"
    await workflows.run_round(sources, open_queues(sources.main), runs.started(run) + timedelta(seconds=60))
    assert runs.state(run) == "SUCCEEDED"
