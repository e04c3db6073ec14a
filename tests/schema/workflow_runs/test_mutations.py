"""Runs led by GraphQL: payloads, permissions, repeated calls, and the blast radius of runs and incidents."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from datasources.config import DocumentLimits
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.request import RequestContext
from resolvers.context import Context
from resolvers.principals.principal import Principal, PrincipalKind
from resolvers.workflow_runs.scheduler import walk_failures
from schema.execution.execution import GraphQLRequest, execute_request
from tests.fixtures.databases import FREE_FORM, READER
from tests.fixtures.operations import INCIDENT, ITEM, uuid
from tests.fixtures.runs import Runs, runs_opened, step

LEADS = frozenset({"workflows:run", "workflows:approve", "relationships:read"})
SHOWN = """workflowRun { id number state version requestedBy priority inputs reason incident { number }
    configurationItem { name } stepRuns { attempt state outcome reason step { key } approvals { decision principal } } }
    userErrors { code field message }"""


def somebody(subject: str, *, without: str = "", teams: frozenset[str] = frozenset()) -> Principal:
    permissions = (LEADS | READER | FREE_FORM) - {without}
    return Principal(subject, subject.title(), PrincipalKind.USER, permissions, teams)


ADA, BOB = somebody("ada"), somebody("bob")


@pytest.fixture(scope="module")
async def runs(postgres: EmbeddedPostgres) -> AsyncIterator[Runs]:
    async with runs_opened(postgres, "workflow_run_mutations") as opened:
        yield opened


async def ask(runs: Runs, document: str, who: Principal = ADA, **variables: Any) -> Any:
    context = Context(who, who.scope, runs.operations.sources, RequestContext(request_id="req-1"))
    return (await execute_request(GraphQLRequest(document, variables), context, DocumentLimits())).body


async def send(runs: Runs, field: str, who: Principal = ADA, **input: Any) -> Any:
    kind = field[0].upper() + field[1:]
    return await ask(
        runs, f"mutation ($input: {kind}Input!) {{ {field}(input: $input) {{ {SHOWN} }} }}", who, input=input
    )


async def done(runs: Runs, field: str, who: Principal = ADA, **input: Any) -> Any:
    answered = await send(runs, field, who, **input)
    assert answered.get("errors", []) == []
    payload = answered["data"][field]
    assert payload["userErrors"] == []
    return payload["workflowRun"]


STEPS = (
    step("look", "MANUAL"),
    step("agree", "APPROVAL", "look"),
    step("mend", "REMEDIATION", "agree", action="mend", inputs={"by": "steps.look.outcome.by"}),
)


async def test_a_run_is_led_by_its_key(runs: Runs) -> None:
    runs.publish(*STEPS, inputs=[{"name": "size", "default": 1}], key="grow")
    shown = await done(
        runs, "startWorkflow", workflowKey="grow", incidentId=f"inc_{uuid(INCIDENT, 1)}",
        configurationItemId=f"ci_{uuid(ITEM, 2)}", inputs={"size": 3},
    )  # fmt: skip
    run_ = shown["id"]
    waiting = {"attempt": 1, "state": "WAITING", "outcome": {}, "reason": "", "step": {"key": "look"}, "approvals": []}
    assert shown == {
        "id": run_, "number": shown["number"], "state": "WAITING", "version": 2, "requestedBy": "USER:ada",
        "priority": 2, "inputs": {"size": 3}, "reason": "", "incident": {"number": "INC1"},
        "configurationItem": {"name": "ledger"}, "stepRuns": [waiting],
    }  # fmt: skip
    looked = await done(runs, "completeWorkflowStep", runId=run_, step="look", outcome={"by": 7}, expectedVersion=2)
    assert [(each["state"], each["outcome"]) for each in looked["stepRuns"]] == [
        ("SUCCEEDED", {"by": 7}), ("WAITING", {}),
    ]  # fmt: skip
    refused = (await send(runs, "approveWorkflowStep", runId=run_, step="agree"))["data"]["approveWorkflowStep"]
    assert refused["workflowRun"] is None
    assert [(each["code"], each["field"]) for each in refused["userErrors"]] == [("INVALID", "step")]
    agreed = await done(runs, "approveWorkflowStep", BOB, runId=run_, step="agree", comment="Go")
    assert (agreed["state"], agreed["version"]) == ("RUNNING", 4)
    assert agreed["stepRuns"][1]["approvals"] == [{"decision": "APPROVED", "principal": "USER:bob"}]
    off = await done(runs, "cancelWorkflowRun", runId=run_, reason="Not needed")
    assert (off["state"], off["reason"]) == ("CANCELLED", "Not needed")


async def test_a_repeated_call_starts_one_run(runs: Runs) -> None:
    workflow = f"wf_{runs.publish(*STEPS)}"
    first, again = [await done(runs, "startWorkflow", workflowId=workflow, idempotencyKey="once") for _ in range(2)]
    assert first == again
    other = (await send(runs, "startWorkflow", workflowId=workflow, inputs={}, idempotencyKey="once"))["data"]
    assert [each["code"] for each in other["startWorkflow"]["userErrors"]] == ["KEY_REUSED"]
    yes = {"runId": first["id"], "step": "look", "idempotencyKey": "done"}
    assert await done(runs, "completeWorkflowStep", **yes) == await done(runs, "completeWorkflowStep", **yes)


async def test_a_manual_step_fails_and_an_approval_is_rejected(runs: Runs) -> None:
    failed = await done(runs, "startWorkflow", workflowId=f"wf_{runs.publish(*STEPS)}")
    shown = await done(runs, "failWorkflowStep", runId=failed["id"], step="look", reason="Nobody there")
    assert (shown["state"], shown["reason"]) == ("FAILED", "step look failed: Nobody there")
    other = await done(runs, "startWorkflow", workflowId=f"wf_{runs.publish(STEPS[1] | {'after': []})}")
    shown = await done(runs, "rejectWorkflowStep", BOB, runId=other["id"], step="agree", comment="No")
    assert (shown["state"], shown["reason"]) == ("FAILED", "step agree failed: rejected by USER:bob")


@pytest.mark.parametrize(
    ("field", "permission", "input"),
    [
        ("startWorkflow", "workflows:run", {"workflowKey": "grow"}),
        ("approveWorkflowStep", "workflows:approve", {"step": "agree"}),
        ("rejectWorkflowStep", "workflows:approve", {"step": "agree"}),
        ("completeWorkflowStep", "workflows:run", {"step": "look"}),
        ("failWorkflowStep", "workflows:run", {"step": "look", "reason": "x"}),
        ("cancelWorkflowRun", "workflows:run", {"reason": "x"}),
    ],
)
async def test_each_mutation_needs_its_permission_and_a_run(
    runs: Runs, field: str, permission: str, input: dict[str, Any]
) -> None:
    before = runs.rows("SELECT count(*), sum(version) FROM workflow_runs")
    named: dict[str, Any] = {} if field == "startWorkflow" else {"runId": f"run_{uuid('9', 9)}"}
    answered = await send(runs, field, somebody("eve", without=permission), **named, **input)
    assert [each["extensions"]["permission"] for each in answered["errors"]] == [permission]
    if named:
        unknown = (await send(runs, field, **named, **input))["data"][field]["userErrors"]
        assert [(each["code"], each["field"]) for each in unknown] == [("NOT_FOUND", "runId")]
        wrong = (await send(runs, field, runId=f"wf_{uuid('9', 9)}", **input))["data"][field]["userErrors"]
        assert [(each["code"], each["field"]) for each in wrong] == [("INVALID", "runId")]
    assert runs.rows("SELECT count(*), sum(version) FROM workflow_runs") == before


RADIUS = """query ($run: ID!, $incident: ID!) {
  workflowRun(id: $run) { blastRadius { total truncated critical items { depth node { name } } } }
  incident(id: $incident) { blastRadius { totals { failing } nodes { name } } } }"""


async def test_what_a_failure_reaches_is_shown_with_the_run_and_its_incident(runs: Runs) -> None:
    shop, ledger = uuid(ITEM, 1), uuid(ITEM, 2)
    runs.operations.write(
        "INSERT INTO relationship_types VALUES ('depends_on', 'depends on', 'is used by', 'REVERSE', '');"
        f"UPDATE configuration_items SET criticality = 'CRITICAL' WHERE id = '{shop}';"
        "INSERT INTO relationships (id, from_id, to_id, type_key, source, impact_from_id, impact_to_id) VALUES"
        f" (gen_random_uuid(), '{shop}', '{ledger}', 'depends_on', '', '{ledger}', '{shop}')"
    )
    started = await done(
        runs, "startWorkflow", workflowId=f"wf_{runs.publish(*STEPS)}", incidentId=f"inc_{uuid(INCIDENT, 1)}"
    )
    asked = {"run": started["id"], "incident": f"inc_{uuid(INCIDENT, 1)}"}
    before = (await ask(runs, RADIUS, **asked))["data"]
    assert before["workflowRun"] == {"blastRadius": None}
    assert before["incident"] == {"blastRadius": {"totals": {"failing": 1}, "nodes": [{"name": "shop"}]}}
    await walk_failures(runs.operations.sources)
    assert (await ask(runs, RADIUS, **asked))["data"]["workflowRun"] == {
        "blastRadius": {
            "total": 1, "truncated": False, "critical": ["shop"], "items": [{"depth": 1, "node": {"name": "shop"}}],
        }
    }  # fmt: skip
    denied = await ask(runs, RADIUS, somebody("eve", without="relationships:read"), **asked)
    assert [each["extensions"]["permission"] for each in denied["errors"]] == ["relationships:read"] * 2


async def test_an_incident_without_items_has_no_blast_radius(runs: Runs) -> None:
    runs.operations.write(
        "INSERT INTO incidents (id, number, title) VALUES ('55555555-0000-7000-8000-000000000007', 'INC7', 'Odd')"
    )
    document = '{ incident(number: "INC7") { blastRadius { nodes { name } } } }'
    assert (await ask(runs, document))["data"] == {"incident": {"blastRadius": None}}
