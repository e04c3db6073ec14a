"""Poison among runs, failures and messages: it alone is set aside with its reason, and the others go on."""

import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from datasources.aurora.workflow_runs import writes as rows
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.errors import SourceInvalidValue, SourceTimeout
from datasources.graph.port import Walk
from datasources.graph.recursive.impact import ImpactTables
from datasources.queues.factory import open_queues
from datasources.queues.port import NewMessage
from datasources.queues.tables.queue import TablesQueue
from datasources.sources import Sources
from resolvers.impact.complete_impact import assess_complete_impact
from resolvers.impact.failures import Judgement
from resolvers.workflow_runs import engine, triggers
from resolvers.workflow_runs import use_cases as running
from resolvers.workflow_runs.scheduler import advance_due, send_messages, walk_failures
from tests.fixtures.operations import ITEM, uuid
from tests.fixtures.runs import Runs, runs_opened, step
from workers import workflows
from workers.workflows import outgoing_queues

PAUSE = step("pause", "WAIT", seconds=5)
MEND = step("mend", "REMEDIATION", action="mend", timeout=60)
DUE = timedelta(seconds=6)


@pytest.fixture(scope="module")
async def runs(postgres: EmbeddedPostgres) -> AsyncIterator[Runs]:
    async with runs_opened(postgres, "workflow_isolation") as opened:
        yield opened


@pytest.fixture
def sources(runs: Runs) -> Sources:
    """The landscape's sources, with nothing left over of an earlier test."""
    runs.operations.write(
        "DELETE FROM workflow_runs; DELETE FROM outgoing_messages; DELETE FROM queue_messages;"
        " DELETE FROM queue_deduplication; DELETE FROM outbox; DELETE FROM dead_letters"
    )
    return runs.operations.sources


async def three(runs: Runs, *steps: Any) -> list[str]:
    return [await runs.start(runs.publish(*steps)) for _ in range(3)]


def reason_of(runs: Runs, run: str) -> str:
    [[reason]] = runs.rows("SELECT reason FROM workflow_runs WHERE id = %s", run)
    return str(reason)


def dead_letters(runs: Runs) -> list[tuple[str, str, str]]:
    return runs.rows("SELECT queue, id::text, reason FROM dead_letters ORDER BY died_at")


async def test_a_run_that_raises_fails_with_its_reason_and_the_others_go_on(
    runs: Runs, sources: Sources, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    [first, poison, last] = await three(runs, PAUSE, MEND | {"after": ["pause"]})
    real = engine.advance_run

    async def advanced(write: Any, running: Any) -> Any:
        if running.before.id == poison:
            raise ZeroDivisionError("a value of a row")
        return await real(write, running)

    monkeypatch.setattr(engine, "advance_run", advanced)
    assert await advance_due(sources, runs.started(last) + DUE) == 3
    assert [runs.state(each) for each in (first, poison, last)] == ["RUNNING", "FAILED", "RUNNING"]
    assert reason_of(runs, poison).startswith("it cannot continue: ZeroDivisionError at tests/resolvers/workflow_runs/")
    assert runs.steps(poison) == [("pause", 1, "CANCELLED")]
    assert runs.rows("SELECT count(*) FROM audit_entries WHERE entity_id = %s AND after->>'state' = 'FAILED'", poison)
    assert [each.message for each in caplog.records if each.levelno == logging.ERROR] == ["a run fails"]
    assert await advance_due(sources, runs.started(last) + DUE) == 0


async def test_a_run_that_cannot_even_be_read_fails_too(
    runs: Runs, sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    [first, poison, last] = await three(runs, PAUSE, MEND | {"after": ["pause"]})
    real = rows.lock_if_free

    async def locked_if_free(transaction: Any, id: str) -> Any:
        if id == poison:
            raise ValueError("a value of a row")
        return await real(transaction, id)

    monkeypatch.setattr(rows, "lock_if_free", locked_if_free)
    assert await advance_due(sources, runs.started(last) + DUE) == 3
    assert [runs.state(each) for each in (first, poison, last)] == ["RUNNING", "FAILED", "RUNNING"]
    assert reason_of(runs, poison).startswith("it cannot continue: ValueError at ")
    assert runs.steps(poison) == [("pause", 1, "CANCELLED")]
    assert runs.rows("SELECT request_id FROM outbox WHERE entity_id = %s ORDER BY position", poison)[-1] == (
        f"run:{poison}",
    )
    assert await advance_due(sources, runs.started(last) + DUE) == 0


TYPE_ERROR = "it cannot continue: TypeError at resolvers/workflow_runs/state_machine.py:"


@pytest.mark.parametrize(
    ("poison", "reason"),
    [
        # Nobody can tell whether it is due, so it ends.
        ("UPDATE workflow_step_runs SET due_at = '-infinity' WHERE run_id = {}", TYPE_ERROR),
        ("UPDATE workflow_step_runs SET due_at = '0044-03-15 BC' WHERE run_id = {}", TYPE_ERROR),
        # What is not looked at holds nothing up.
        ("UPDATE workflow_step_runs SET started_at = 'infinity' WHERE run_id = {}", ""),
        ("UPDATE workflow_step_runs SET outcome = ('[' || repeat('1', 400) || ']')::jsonb WHERE run_id = {}", ""),
        ("UPDATE workflow_runs SET started_at = '-infinity' WHERE id = {}", ""),
        ("UPDATE workflow_runs SET inputs = (repeat('[', 300) || repeat(']', 300))::jsonb WHERE id = {}", ""),
    ],
)
async def test_a_run_with_values_that_nobody_can_read_ends_and_the_others_go_on(
    runs: Runs, sources: Sources, poison: str, reason: str
) -> None:
    [first, poisoned, last] = await three(runs, PAUSE)
    runs.operations.write(poison.format(f"'{poisoned}'"))
    now = runs.started(last) + DUE
    assert await advance_due(sources, now) == 3
    ended = "FAILED" if reason else "SUCCEEDED"
    assert [runs.state(each) for each in (first, poisoned, last)] == ["SUCCEEDED", ended, "SUCCEEDED"]
    assert reason_of(runs, poisoned).startswith(reason)
    assert bool(reason_of(runs, poisoned)) is bool(reason)
    assert await advance_due(sources, now) == 0


async def test_a_run_that_is_never_due_waits_and_the_others_go_on(runs: Runs, sources: Sources) -> None:
    [first, never, last] = await three(runs, PAUSE)
    runs.operations.write(f"UPDATE workflow_step_runs SET due_at = 'infinity' WHERE run_id = '{never}'")
    assert await advance_due(sources, runs.started(last) + DUE) == 2
    assert [runs.state(each) for each in (first, never, last)] == ["SUCCEEDED", "RUNNING", "SUCCEEDED"]
    # Somebody who calls it off ends it.
    cancel = running.CancelWorkflowRun(run_id=never, reason="nobody waits for it")
    assert (await runs.written(partial(running.cancel, command=cancel), command=cancel)).user_errors == ()
    assert runs.state(never) == "CANCELLED"


async def test_a_run_that_is_late_lets_those_behind_it_go_first(
    runs: Runs, sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    [late, second, last] = await three(runs, PAUSE)
    real = engine.load_run

    async def opened(write: Any, run: Any, now: Any) -> Any:
        if run.id == late:
            raise SourceTimeout("main", "main did not answer in time")
        return await real(write, run, now)

    monkeypatch.setattr(engine, "load_run", opened)
    with pytest.raises(SourceTimeout):
        await advance_due(sources, runs.started(last) + DUE)
    assert [runs.state(each) for each in (late, second, last)] == ["RUNNING", "SUCCEEDED", "SUCCEEDED"]


async def test_a_failure_that_cannot_be_walked_holds_up_no_message(
    runs: Runs, sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow = runs.publish(MEND)
    ids = [await runs.start(flow, configuration_item_id=uuid(ITEM, number)) for number in (1, 2, 3)]

    async def poisoned(tables: ImpactTables, failed: Sequence[str], walk: Walk) -> Judgement[bytes] | None:
        if uuid(ITEM, 2) in failed:
            raise ZeroDivisionError("a value of a row")
        return await assess_complete_impact(tables, failed, walk)

    monkeypatch.setattr("resolvers.workflow_runs.scheduler.assess_complete_impact", poisoned)
    assert await walk_failures(sources) == 3
    told = dict(runs.rows("SELECT run_id::text, truncated FROM workflow_run_blast_radii"))
    # Of the one nobody knows how far it reaches, which is what it says.
    assert told == {ids[0]: False, ids[1]: True, ids[2]: False}
    assert await send_messages(sources, outgoing_queues(open_queues(sources.main))) == 3


async def test_a_message_that_cannot_be_sent_is_a_dead_letter_of_its_queue(
    runs: Runs, sources: Sources, caplog: pytest.LogCaptureFixture
) -> None:
    [first, poison, last] = await three(runs, MEND)
    broken = runs.attempt(poison, "mend")
    runs.operations.write(f"UPDATE outgoing_messages SET body = '{{' WHERE id = '{broken}'")
    queues = open_queues(sources.main)
    assert await send_messages(sources, outgoing_queues(queues)) == 2
    received = await queues.remediation_standard.receive(10, 0)
    assert [each.group for each in received] == [first, last]
    [(queue, id, reason)] = dead_letters(runs)
    assert (queue, id) == ("remediation-standard", broken)
    assert reason.startswith("it cannot be sent: DecodeError at ")
    assert [each.message for each in caplog.records if each.levelno == logging.ERROR] == ["a message cannot be sent"]
    assert await send_messages(sources, outgoing_queues(queues)) == 0


class Choosy(TablesQueue):
    """A queue that refuses what one message says."""

    refuses = ""

    async def send(self, messages: Sequence[NewMessage]) -> int:
        if any(each.deduplication_id == self.refuses for each in messages):
            raise SourceInvalidValue("queue", "the queue refused a value")
        return await super().send(messages)


async def test_a_value_that_a_queue_refuses_holds_up_no_other(runs: Runs, sources: Sources) -> None:
    [first, poison, last] = await three(runs, MEND)
    choosy = Choosy(sources.main, "remediation-standard")
    choosy.refuses = runs.attempt(poison, "mend")
    queues = replace(open_queues(sources.main), remediation_standard=choosy)
    assert await send_messages(sources, outgoing_queues(queues)) == 2
    assert [each.group for each in await choosy.receive(10, 0)] == [first, last]
    assert dead_letters(runs) == [
        ("remediation-standard", choosy.refuses, "it cannot be sent: the queue refused a value")
    ]


async def test_a_part_of_a_round_that_raises_holds_up_no_other(
    runs: Runs, sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await runs.start(runs.publish(PAUSE, step("tell", "NOTIFICATION", "pause", channel="#ops")))

    async def broken(_: Sources) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(triggers, "run_round", broken)
    queues = open_queues(sources.main)
    with pytest.raises(ZeroDivisionError):
        await workflows.run_round(sources, queues, runs.started(run) + DUE)
    assert runs.state(run) == "SUCCEEDED"
    assert len(await queues.notifications.receive(10, 0)) == 1
