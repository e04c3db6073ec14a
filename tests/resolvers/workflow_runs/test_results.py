"""Results of remediations come as events: exactly once, and what nobody waits for is a dead letter with its reason."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from datasources.embedded.postgres import EmbeddedPostgres
from datasources.queues.port import Disposition
from resolvers.events.consumer import process_messages
from resolvers.workflow_runs import use_cases as running
from resolvers.workflow_runs.scheduler import advance_due
from tests.fixtures.events import event, messages
from tests.fixtures.operations import INCIDENT, uuid
from tests.fixtures.runs import Runs, runs_opened, step

MEND = step("mend", "REMEDIATION", action="mend", timeout=60, retry={"attempts": 2, "backoff": 10})


@pytest.fixture(scope="module")
async def runs(postgres: EmbeddedPostgres) -> AsyncIterator[Runs]:
    async with runs_opened(postgres, "workflow_results") as opened:
        yield opened


async def told(runs: Runs, *events: Any) -> list[str]:
    """Give events their effect; the reasons of the dead ones."""
    handled = await process_messages(runs.operations.sources, messages(events))
    assert all(each.fate is Disposition.DEAD_LETTER for each in handled.failed)
    return [each.reason for each in handled.failed]


def finished(id: str, attempt: str, state: str = "SUCCEEDED", **data: Any) -> dict[str, Any]:
    """What a machine tells of an attempt."""
    whole = event(id, "workflow.step.finished", source="/robot")
    return whole | {"data": {"id": attempt, "state": state} | data}


async def test_a_result_lets_the_run_go_on_once(runs: Runs) -> None:
    after = step("check", "REMEDIATION", "mend", action="check", inputs={"of": "steps.mend.outcome.node"})
    run = await runs.start(runs.publish(MEND, after), incident_id=uuid(INCIDENT, 1))
    attempt = runs.attempt(run, "mend")
    first = finished("ok-1", attempt, outcome={"node": "redis-03"})
    assert await told(runs, first) == []
    assert runs.steps(run) == [("mend", 1, "SUCCEEDED"), ("check", 1, "RUNNING")]
    assert runs.messages(run)[1][1]["inputs"] == {"of": "redis-03"}
    version = runs.rows("SELECT version FROM workflow_runs WHERE id = %s", run)
    # The same event again, and the same result under another id, are done already.
    assert await told(runs, first, finished("ok-2", attempt, outcome={"node": "redis-03"})) == []
    assert runs.rows("SELECT version FROM workflow_runs WHERE id = %s", run) == version
    [reason] = await told(runs, finished("ok-3", attempt, "FAILED", reason="no"))
    [[number]] = runs.rows("SELECT number FROM workflow_runs WHERE id = %s", run)
    assert reason == (f"attempt 1 at step mend of {number} is already SUCCEEDED; a later result changes nothing")
    assert await told(runs, finished("ok-4", runs.attempt(run, "check"))) == []
    assert runs.state(run) == "SUCCEEDED"
    assert runs.notes(1)[-1] == ("Workflow finished", f"Wf1 ({number})")
    assert (
        runs.rows("SELECT principal, action FROM audit_entries WHERE entity_id = %s AND principal LIKE 'event%%'", run)
        == [("event:/robot", "workflow.step.finished")] * 2
    )


async def test_a_failure_is_tried_again_and_keeps_what_came_of_it(runs: Runs) -> None:
    run = await runs.start(runs.publish(MEND))
    first = runs.attempt(run, "mend")
    assert await told(runs, finished("f-1", first, "FAILED", reason="disk is full", outcome={"free": 0})) == []
    assert runs.rows("SELECT state, reason, outcome FROM workflow_step_runs WHERE id = %s", first) == [
        ("FAILED", "disk is full", {"free": 0})
    ]
    # The next attempt has not begun, so nobody was asked for it.
    [reason] = await told(runs, finished("f-2", runs.attempt(run, "mend")))
    assert "attempt 2 at step mend" in reason
    assert "is already PENDING" in reason
    await advance_due(runs.operations.sources, runs.started(run) + timedelta(seconds=30))
    assert await told(runs, finished("f-3", runs.attempt(run, "mend"), "FAILED")) == []
    assert runs.rows("SELECT state, reason FROM workflow_runs WHERE id = %s", run) == [
        ("FAILED", "step mend failed: its executor gave no reason")
    ]


async def test_a_result_that_comes_too_late_is_a_dead_letter(runs: Runs) -> None:
    late = await runs.start(runs.publish(MEND))
    attempt = runs.attempt(late, "mend")
    await advance_due(runs.operations.sources, runs.started(late) + timedelta(seconds=60))
    [reason] = await told(runs, finished("l-1", attempt))
    assert "is already FAILED: timed out after 60 s; a later result changes nothing" in reason
    off = await runs.start(runs.publish(MEND))
    await runs.written(partial(running.cancel, command=running.CancelWorkflowRun(run_id=off, reason="enough")))
    [reason] = await told(runs, finished("l-2", runs.attempt(off, "mend")))
    assert "is already CANCELLED: enough; " in reason
    assert (runs.state(late), runs.state(off)) == ("RUNNING", "CANCELLED")


async def test_the_words_about_a_restricted_incident_are_in_no_letter(runs: Runs) -> None:
    run = await runs.start(runs.publish(MEND), incident_id=uuid(INCIDENT, 2))
    await runs.written(partial(running.cancel, command=running.CancelWorkflowRun(run_id=run, reason="muttered")))
    [reason] = await told(runs, finished("r-1", runs.attempt(run, "mend")))
    assert "is already CANCELLED; " in reason


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"id": "x"}, "the data are not those of io.stackflow.workflow.step.finished"),
        ({"state": "DONE"}, "Invalid enum value 'DONE'"),
        ({"outcome": []}, "Expected `object`, got `array`"),
        ({"outcome": {"text": "x" * 70_000}}, "the outcome has more than 65,536 bytes; refer to large data"),
        ({"outcome": {"text": "\0"}}, "outcome has a NUL character; remove it"),
        ({"reason": "x" * 5_000}, "Expected `str` of length <= 4000"),
        ({"id": "01890000-0000-7000-8000-000000000000"}, "no attempt has the id"),
        ({"colour": "red"}, "unknown field `colour`"),
    ],
)
async def test_bad_results_have_their_reason_and_no_effect(runs: Runs, data: dict[str, Any], said: str) -> None:
    run = await runs.start(runs.publish(MEND))
    whole = finished("bad", runs.attempt(run, "mend"))
    [reason] = await told(runs, whole | {"data": whole["data"] | data})
    assert said in reason
    assert runs.steps(run) == [("mend", 1, "RUNNING")]
    # It was not claimed, so the same event put right has its effect.
    assert runs.rows("SELECT count(*) FROM received_events WHERE id = 'bad'") == [(0,)]


async def test_a_step_of_people_is_reported_by_nobody_else(runs: Runs) -> None:
    run = await runs.start(runs.publish(step("agree", "APPROVAL")))
    [reason] = await told(runs, finished("p-1", runs.attempt(run, "agree")))
    assert reason.endswith("is approval; only remediations are reported by events")


async def test_of_results_that_come_at_once_one_counts(runs: Runs) -> None:
    run = await runs.start(runs.publish(MEND, step("look", "MANUAL", "mend")))
    attempt = runs.attempt(run, "mend")
    told_ = await asyncio.gather(*(told(runs, finished(f"c-{n}", attempt, outcome={"by": n})) for n in range(5)))
    assert sorted(len(each) for each in told_) == [0, 1, 1, 1, 1]
    assert runs.steps(run) == [("mend", 1, "SUCCEEDED"), ("look", 1, "WAITING")]
