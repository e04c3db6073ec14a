"""Runs led by people on real PostgreSQL: started, approved, done by hand, called off; exact rows."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest

from datasources.embedded.postgres import EmbeddedPostgres
from resolvers.unit_of_work import Write
from resolvers.workflow_runs import use_cases as running
from resolvers.workflow_runs.start import StartRequest, start
from tests.fixtures.operations import INCIDENT, ITEM, uuid
from tests.fixtures.runs import Runs, runs_opened, step
from tests.fixtures.writing import ADA, BOB, EVE


@pytest.fixture(scope="module")
async def runs(postgres: EmbeddedPostgres) -> AsyncIterator[Runs]:
    async with runs_opened(postgres, "workflow_running") as opened:
        yield opened


FAILOVER = (
    step("check", "MANUAL", instructions="Look"),
    step("agree", "APPROVAL", "check"),
    step("promote", "REMEDIATION", "agree", action="redis.promote", timeout=60, retry={"attempts": 2}),
    step("tell", "NOTIFICATION", "promote", channel="#ops"),
)


async def test_a_run_goes_from_step_to_step(runs: Runs) -> None:
    workflow = runs.publish(*FAILOVER, key="failover")
    run = await runs.start(workflow, incident_id=uuid(INCIDENT, 1), configuration_item_id=uuid(ITEM, 3))
    assert runs.rows(
        "SELECT state, requested_by, request_id, priority, version FROM workflow_runs WHERE id = %s", run
    ) == [("WAITING", "USER:ada", "req-1", 2, 2)]
    assert runs.steps(run) == [("check", 1, "WAITING")]
    done = running.CompleteWorkflowStep(run_id=run, step="check", outcome={"answering": 2})
    assert (await runs.written(partial(running.complete, command=done))).user_errors == ()
    assert runs.steps(run) == [("check", 1, "SUCCEEDED"), ("agree", 1, "WAITING")]
    yes = running.ApproveWorkflowStep(run_id=run, step="agree", comment="Go")
    assert (await runs.written(partial(running.approve, command=yes), BOB)).user_errors == ()
    assert runs.steps(run) == [("check", 1, "SUCCEEDED"), ("agree", 1, "SUCCEEDED"), ("promote", 1, "RUNNING")]
    assert runs.state(run) == "RUNNING"
    [(queue, body)] = runs.messages(run)
    assert queue == "remediation-standard"
    [[number]] = runs.rows("SELECT number FROM workflow_runs WHERE id = %s", run)
    [[due]] = runs.rows("SELECT to_json(due_at)#>>'{}' FROM workflow_step_runs WHERE id = %s", body["id"])
    assert body.pop("deadline")[:19] == due[:19]
    assert body == {
        "id": runs.attempt(run, "promote"), "run": number, "workflow": "failover", "revision": 1, "step": "promote",
        "priority": 2, "incident": "INC1", "configurationItem": {"id": f"ci_{uuid(ITEM, 3)}", "name": "redis"},
        "requestId": "req-1", "action": "redis.promote", "inputs": {}, "attempt": 1, "attempts": 2,
        "replyWith": "io.stackflow.workflow.step.finished",
    }  # fmt: skip
    assert runs.notes(1) == [
        ("Workflow started", f"Failover ({number})"),
        ("Workflow step done", f"check of Failover ({number})"),
        ("Workflow step approved", f"agree of Failover ({number}) by USER:bob"),
    ]


async def test_a_trigger_key_has_one_run(runs: Runs) -> None:
    workflow = runs.publish(step("look", "MANUAL"))

    async def work(write: Write) -> list[str]:
        id = await start(write, StartRequest(workflow, trigger_key="opened-INC1", requested_by="TRIGGER:x"))
        return [] if id is None else [id]

    first = await runs.written(work)
    assert len(first.ids) == 1
    assert (await runs.written(work)).ids == ()
    assert runs.rows("SELECT requested_by FROM workflow_runs WHERE trigger_key = 'opened-INC1'") == [("TRIGGER:x",)]


REFUSALS: list[tuple[dict[str, Any], list[tuple[str, str | None]]]] = [
    ({"workflow_id": uuid("9", 9)}, [("NOT_FOUND", "workflow_id")]),
    ({"workflow_key": "none"}, [("NOT_FOUND", "workflow_key")]),
    ({}, [("INVALID", "workflow_key")]),
    ({"inputs": {"siez": 1}}, [("INVALID", "inputs"), ("INVALID", "inputs")]),
    ({"inputs": []}, [("INVALID", "inputs")]),
    ({"inputs": {"size": "x" * 70_000}}, [("INVALID", "inputs")]),
    ({"inputs": {"size": "\0"}}, [("INVALID", "inputs")]),
    ({"incident_id": uuid(INCIDENT, 9)}, [("NOT_FOUND", "incident_id")]),
    ({"incident_id": uuid(INCIDENT, 2)}, [("NOT_FOUND", "incident_id")]),
    ({"configuration_item_id": uuid(ITEM, 9)}, [("NOT_FOUND", "configuration_item_id")]),
]


@pytest.mark.parametrize(("given", "codes"), REFUSALS)
async def test_what_cannot_be_started_leaves_nothing(
    runs: Runs, given: dict[str, Any], codes: list[tuple[str, str | None]]
) -> None:
    workflow = runs.publish(step("grow", "MANUAL"), inputs=[{"name": "size"}, {"name": "unit", "default": "GB"}])
    wanted = (
        {"workflow_id": workflow, "inputs": {"size": 1}}
        if given.keys() & {"inputs", "incident_id", "configuration_item_id"}
        else {}
    )
    before = runs.rows("SELECT count(*) FROM workflow_runs")
    written = await runs.written(partial(running.start, command=running.StartWorkflow(**(wanted | given))), EVE)
    assert [(each.code.value, each.field) for each in written.user_errors] == codes
    assert runs.rows("SELECT count(*) FROM workflow_runs") == before


async def test_defaults_are_filled_in(runs: Runs) -> None:
    workflow = runs.publish(step("grow", "MANUAL"), inputs=[{"name": "size"}, {"name": "unit", "default": "GB"}])
    run = await runs.start(workflow, inputs={"size": 3})
    assert runs.rows("SELECT inputs FROM workflow_runs WHERE id = %s", run) == [({"size": 3, "unit": "GB"},)]


async def test_only_a_published_and_readable_workflow_is_started(runs: Runs) -> None:
    draft = runs.publish(step("look", "MANUAL"), state="DRAFT")
    written = await runs.written(partial(running.start, command=running.StartWorkflow(workflow_id=draft)), ADA)
    assert [(each.code.value, each.field) for each in written.user_errors] == [("ILLEGAL_STATE", "workflow_id")]
    odd = runs.publish(step("look", "MANUAL", colour="red"))
    written = await runs.written(partial(running.start, command=running.StartWorkflow(workflow_id=odd)), ADA)
    assert [(each.code.value, each.field) for each in written.user_errors] == [("INVALID", "workflow_id")]
    assert "steps.0.configuration" in written.user_errors[0].message
