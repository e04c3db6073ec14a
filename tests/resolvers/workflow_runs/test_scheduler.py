"""Runs and time on real PostgreSQL: timeouts, attempts, workers at once, crashes, messages to their queues."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import orjson
import pytest

from datasources.aurora.driver.database import Database
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.errors import SourceUnavailable
from datasources.graph.recursive.adapter import RecursiveGraph
from datasources.queues.factory import Queues, open_queues
from datasources.queues.port import NewMessage
from datasources.queues.tables.queue import TablesQueue
from datasources.sources import Sources
from resolvers.unit_of_work import Write
from resolvers.workflow_runs import use_cases as running
from resolvers.workflow_runs.scheduler import advance_due, delete_sent_messages, send_messages, walk_failures
from tests.fixtures.databases import sources_of
from tests.fixtures.operations import INCIDENT, ITEM, uuid
from tests.fixtures.runs import Runs, runs_opened, step
from tests.fixtures.writing import ADA
from workers.workflows import outgoing_queues


@pytest.fixture(scope="module")
async def runs(postgres: EmbeddedPostgres) -> AsyncIterator[Runs]:
    async with runs_opened(postgres, "workflow_rounds") as opened:
        yield opened


@pytest.fixture
def sources(runs: Runs) -> Sources:
    """The landscape's sources, with nothing left over of an earlier test."""
    runs.operations.write(
        "DELETE FROM workflow_runs; DELETE FROM outgoing_messages; DELETE FROM queue_messages;"
        " DELETE FROM queue_deduplication; DELETE FROM outbox"
    )
    return runs.operations.sources


async def work(sources: Sources, queues: Queues) -> int:
    """What a worker does about messages; how many were sent."""
    await walk_failures(sources)
    return await send_messages(sources, outgoing_queues(queues))


MEND = step("mend", "REMEDIATION", action="mend", timeout=60, retry={"attempts": 2, "backoff": 10})


async def test_an_attempt_times_out_and_the_next_begins_in_its_time(runs: Runs, sources: Sources) -> None:
    run = await runs.start(runs.publish(MEND))
    begin = runs.started(run)
    assert await advance_due(sources, begin + timedelta(seconds=59)) == 0
    assert await advance_due(sources, begin + timedelta(seconds=60)) == 1
    assert runs.steps(run) == [("mend", 1, "FAILED"), ("mend", 2, "PENDING")]
    assert runs.state(run) == "RUNNING"
    assert await advance_due(sources, begin + timedelta(seconds=69)) == 0
    assert await advance_due(sources, begin + timedelta(seconds=70)) == 1
    [first, second] = [body for _, body in runs.messages(run)]
    assert (first["attempt"], second["attempt"], second["attempts"]) == (1, 2, 2)
    assert second["id"] == runs.attempt(run, "mend") != first["id"]
    assert await advance_due(sources, begin + timedelta(seconds=130)) == 1
    assert runs.rows("SELECT state, reason, finished_at FROM workflow_runs WHERE id = %s", run) == [
        ("FAILED", "step mend failed: timed out after 60 s", begin + timedelta(seconds=130))
    ]
    assert await advance_due(sources, begin + timedelta(days=1)) == 0


async def test_what_time_writes_is_signed_by_the_run(runs: Runs, sources: Sources) -> None:
    run = await runs.start(runs.publish(step("pause", "WAIT", seconds=5)))
    runs.operations.write("DELETE FROM outbox; DELETE FROM audit_entries")
    await advance_due(sources, runs.started(run) + timedelta(seconds=5))
    assert runs.rows("SELECT entity, change, request_id FROM outbox WHERE entity_id = %s", run) == [
        ("WORKFLOW_RUN", "CHANGED", f"run:{run}")
    ]
    assert runs.rows("SELECT principal, action, request_id, after->>'state' FROM audit_entries") == [
        ("engine:workflows", "AdvanceWorkflowRun", f"run:{run}", "SUCCEEDED")
    ]


async def test_of_many_workers_one_advances_a_run(runs: Runs, sources: Sources) -> None:
    run = await runs.start(runs.publish(MEND))
    due = runs.started(run) + timedelta(seconds=60)
    others = [sources_of(runs.operations.url, runs.operations.requirements_url) for _ in range(4)]
    try:
        assert sum(await asyncio.gather(*(advance_due(each, due) for each in (*others, sources)))) == 1
    finally:
        await asyncio.gather(*(each.close() for each in others))
    assert runs.steps(run) == [("mend", 1, "FAILED"), ("mend", 2, "PENDING")]
    assert runs.rows("SELECT version FROM workflow_runs WHERE id = %s", run) == [(3,)]


async def test_of_two_people_at_once_the_second_waits_and_is_told(runs: Runs, sources: Sources) -> None:
    run = await runs.start(runs.publish(step("look", "MANUAL"), MEND | {"after": ["look"]}))
    done = partial(running.complete, command=running.CompleteWorkflowStep(run_id=run, step="look"))
    written, committing = asyncio.Event(), asyncio.Event()

    async def slow(write: Write) -> Sequence[str]:
        ids = await done(write)
        written.set()
        await committing.wait()
        return ids

    first = asyncio.create_task(runs.written(slow))
    await written.wait()
    second = asyncio.create_task(runs.written(done))
    waits = "SELECT true FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    while not runs.rows(waits):
        await asyncio.sleep(0.02)
    # A worker passes over a run that somebody is at.
    assert await advance_due(sources, runs.started(run) + timedelta(days=1)) == 0
    committing.set()
    assert (await first).user_errors == ()
    assert [error.code for error in (await second).user_errors] == ["ILLEGAL_STATE"]
    assert len(runs.messages(run)) == 1


class Died(Exception):
    """The process ends here."""


async def test_a_crash_before_the_commit_leaves_nothing(runs: Runs, sources: Sources) -> None:
    run = await runs.start(runs.publish(step("look", "MANUAL"), MEND | {"after": ["look"]}))
    done = partial(running.complete, command=running.CompleteWorkflowStep(run_id=run, step="look"))

    async def dies(write: Write) -> Sequence[str]:
        await done(write)
        raise Died

    with pytest.raises(Died):
        await runs.written(dies)
    assert (runs.steps(run), runs.messages(run)) == ([("look", 1, "WAITING")], [])
    await runs.written(done)
    assert (runs.steps(run), len(runs.messages(run))) == ([("look", 1, "SUCCEEDED"), ("mend", 1, "RUNNING")], 1)


async def test_a_run_goes_on_in_another_process(runs: Runs, sources: Sources) -> None:
    run = await runs.start(runs.publish(step("pause", "WAIT", seconds=5), step("look", "MANUAL", "pause")))
    other = sources_of(runs.operations.url, runs.operations.requirements_url)
    try:
        assert await advance_due(other, runs.started(run) + timedelta(seconds=5)) == 1
    finally:
        await other.close()
    assert (runs.state(run), runs.steps(run)) == ("WAITING", [("pause", 1, "SUCCEEDED"), ("look", 1, "WAITING")])


async def test_a_run_whose_workflow_became_unreadable_fails_with_the_reason(runs: Runs, sources: Sources) -> None:
    workflow = runs.publish(MEND)
    run = await runs.start(workflow, incident_id=uuid(INCIDENT, 1))
    runs.operations.write(f"UPDATE workflow_steps SET configuration = '{{}}' WHERE workflow_id = '{workflow}'")
    assert await advance_due(sources, runs.started(run) + timedelta(seconds=60)) == 1
    [[state, reason]] = runs.rows("SELECT state, reason FROM workflow_runs WHERE id = %s", run)
    assert (state, reason.startswith("its workflow is invalid: steps.0.configuration")) == ("FAILED", True)
    assert runs.steps(run) == [("mend", 1, "CANCELLED")]
    assert await advance_due(sources, runs.started(run) + timedelta(days=1)) == 0


SHOP, LEDGER, REDIS = uuid(ITEM, 1), uuid(ITEM, 2), uuid(ITEM, 3)


@pytest.fixture
def dependent(runs: Runs) -> None:
    """The shop needs the ledger, which needs redis; the shop is critical."""
    runs.operations.write(
        "INSERT INTO relationship_types VALUES ('depends_on', 'depends on', 'is used by', 'REVERSE', '')"
        " ON CONFLICT DO NOTHING;"
        f" UPDATE configuration_items SET criticality = 'CRITICAL' WHERE id = '{SHOP}';"
        " DELETE FROM relationships; INSERT INTO relationships"
        " (id, from_id, to_id, type_key, source, attributes, impact_from_id, impact_to_id) VALUES"
        f" (gen_random_uuid(), '{SHOP}', '{LEDGER}', 'depends_on', '', '{{}}', '{LEDGER}', '{SHOP}'),"
        f" (gen_random_uuid(), '{LEDGER}', '{REDIS}', 'depends_on', '', '{{}}', '{REDIS}', '{LEDGER}')"
    )


def radius(runs: Runs, run: str) -> list[object]:
    return runs.rows(
        "SELECT walked_at IS NOT NULL, total, truncated, item_ids::text[], depths, critical"
        " FROM workflow_run_blast_radii WHERE run_id = %s",
        run,
    )


@pytest.mark.usefixtures("dependent")
async def test_what_a_failure_reaches_goes_with_the_message(runs: Runs, sources: Sources) -> None:
    run = await runs.start(runs.publish(MEND), configuration_item_id=REDIS)
    queues = open_queues(sources.main)
    # Nothing is sent before the walk.
    assert await send_messages(sources, outgoing_queues(queues)) == 0
    assert await walk_failures(sources) == 1
    assert radius(runs, run) == [(True, 2, False, [LEDGER, SHOP], [1, 2], ["shop"])]
    assert await walk_failures(sources) == 0
    assert await send_messages(sources, outgoing_queues(queues)) == 1
    [message] = await queues.remediation_standard.receive(10, 0)
    body = orjson.loads(message.body)
    assert (body["id"], body["blastRadius"]) == (runs.attempt(run, "mend"), {"total": 2, "critical": ["shop"]})
    assert (message.group, message.request_id) == (run, "req-1")
    assert runs.rows("SELECT version FROM workflow_runs WHERE id = %s", run) == [(2,)]
    assert runs.rows("SELECT request_id FROM outbox WHERE entity = 'WORKFLOW_RUN' ORDER BY position") == [
        ("req-1",), ("req-1",), (f"run:{run}",),
    ]  # fmt: skip


@pytest.mark.usefixtures("dependent")
async def test_a_lost_graph_is_replaced_by_the_tables(runs: Runs, sources: Sources) -> None:
    run = await runs.start(runs.publish(MEND), incident_id=uuid(INCIDENT, 1))
    gone = Database("graph", "postgresql://nobody@127.0.0.1:1/none", connect_timeout=1, pool_timeout=0.2)
    try:
        assert await walk_failures(replace(sources, graph=RecursiveGraph(gone))) == 1
    finally:
        await gone.close()
    assert radius(runs, run) == [(True, 1, False, [SHOP], [1], ["shop"])]


async def test_a_run_for_nothing_waits_for_no_walk(runs: Runs, sources: Sources) -> None:
    run = await runs.start(runs.publish(MEND))
    queues = open_queues(sources.main)
    assert await work(sources, queues) == 1
    [message] = await queues.remediation_standard.receive(10, 0)
    assert "blastRadius" not in orjson.loads(message.body)
    assert radius(runs, run) == []


async def test_urgent_steps_and_notifications_have_queues_of_their_own(runs: Runs, sources: Sources) -> None:
    told = runs.publish(step("tell", "NOTIFICATION", channel="#ops", message="'redis is down'"), MEND)
    run = await runs.start(told, ADA, incident_id=uuid(INCIDENT, 2))
    assert [queue for queue, _ in runs.messages(run)] == ["notifications", "remediation-p1"]
    queues = open_queues(sources.main)
    await work(sources, queues)
    [notification] = await queues.notifications.receive(10, 0)
    told_body = orjson.loads(notification.body)
    assert (told_body["channel"], told_body["message"], told_body["incident"]) == ("#ops", "redis is down", "INC2")
    assert [len(await each.receive(10, 0)) for each in (queues.remediation_p1, queues.remediation_standard)] == [1, 0]


class Lost(TablesQueue):
    """A queue that is away."""

    async def send(self, messages: Sequence[NewMessage]) -> int:
        raise SourceUnavailable("queue", "it is away")


async def test_a_lost_queue_holds_back_its_own_messages_only(runs: Runs, sources: Sources) -> None:
    for each in (MEND, MEND, step("tell", "NOTIFICATION", channel="#ops")):
        await runs.start(runs.publish(each))
    queues = replace(open_queues(sources.main), remediation_standard=Lost(sources.main, "remediation-standard"))
    with pytest.raises(SourceUnavailable):
        await send_messages(sources, outgoing_queues(queues), most=1)
    assert runs.rows("SELECT queue, sent_at IS NOT NULL FROM outgoing_messages ORDER BY position") == [
        ("remediation-standard", False), ("remediation-standard", False), ("notifications", True),
    ]  # fmt: skip


class Forgetful(TablesQueue):
    """A queue that takes messages, and whose answer is lost once."""

    lost = False

    async def send(self, messages: Sequence[NewMessage]) -> int:
        count = await super().send(messages)
        if not self.lost:
            self.lost = True
            raise SourceUnavailable("queue", "the answer is lost")
        return count


async def test_a_message_whose_sending_is_in_doubt_is_sent_again_under_its_id(runs: Runs, sources: Sources) -> None:
    workflow = runs.publish(step("tell", "NOTIFICATION", channel="#ops"), MEND)
    await runs.start(workflow)
    queues: Queues = replace(
        open_queues(sources.main), remediation_standard=Forgetful(sources.main, "remediation-standard")
    )
    with pytest.raises(SourceUnavailable):
        await work(sources, queues)
    # The other queue has its own all the same.
    assert runs.rows("SELECT queue, sent_at IS NOT NULL FROM outgoing_messages ORDER BY position") == [
        ("notifications", True), ("remediation-standard", False),
    ]  # fmt: skip
    assert await work(sources, queues) == 1
    assert len(await queues.remediation_standard.receive(10, 0)) == 1
    assert await work(sources, queues) == 0


async def test_a_step_that_is_called_off_before_it_was_sent_is_never_sent(runs: Runs, sources: Sources) -> None:
    run = await runs.start(runs.publish(MEND))
    await runs.written(partial(running.cancel, command=running.CancelWorkflowRun(run_id=run, reason="enough")))
    assert await work(sources, open_queues(sources.main)) == 0
    assert runs.rows("SELECT sent_at IS NOT NULL FROM outgoing_messages") == [(True,)]
    assert runs.rows("SELECT count(*) FROM queue_messages") == [(0,)]


async def test_sent_messages_are_kept_for_a_week(runs: Runs, sources: Sources) -> None:
    await runs.start(runs.publish(MEND))
    await work(sources, open_queues(sources.main))
    now = datetime.now(UTC)
    assert await delete_sent_messages(sources, now + timedelta(days=6)) == 0
    assert await delete_sent_messages(sources, now + timedelta(days=8)) == 1
