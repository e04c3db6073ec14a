"""Who may decide about a step, and what a run that is called off or has failed undoes; exact rows and refusals."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest

from datasources.embedded.postgres import EmbeddedPostgres
from resolvers.principals.principal import Principal, PrincipalKind
from resolvers.unit_of_work import UserError, WriteResult
from resolvers.workflow_runs import use_cases as running
from tests.fixtures.operations import INCIDENT, uuid
from tests.fixtures.runs import Runs, runs_opened, step
from tests.fixtures.writing import ADA, BOB, EVE, somebody

DEVELOPER = somebody("development", kind=PrincipalKind.DEVELOPMENT)


@pytest.fixture(scope="module")
async def runs(postgres: EmbeddedPostgres) -> AsyncIterator[Runs]:
    async with runs_opened(postgres, "workflow_deciding") as opened:
        yield opened


async def yes(runs: Runs, run: str, who: Principal, key: str = "agree") -> WriteResult:
    return await runs.written(partial(running.approve, command=running.ApproveWorkflowStep(run_id=run, step=key)), who)


async def no(runs: Runs, run: str, who: Principal) -> WriteResult:
    command = running.RejectWorkflowStep(run_id=run, step="agree", comment="Not on a Friday")
    return await runs.written(partial(running.reject, command=command), who)


async def agreeing(runs: Runs, *rest: Any, who: Principal = ADA, **configuration: Any) -> str:
    return await runs.start(runs.publish(step("agree", "APPROVAL", **configuration), *rest), who)


def one(written: WriteResult) -> UserError:
    [error] = written.user_errors
    return error


async def test_who_asked_for_a_run_does_not_decide_about_it(runs: Runs) -> None:
    run = await agreeing(runs)
    for refused in (await yes(runs, run, ADA), await no(runs, run, ADA)):
        assert one(refused).message == "you requested or caused this run; another person must decide about it"
    assert runs.rows("SELECT count(*) FROM workflow_approvals") == [(0,)]
    assert runs.state(run) == "WAITING"
    assert (await yes(runs, run, BOB)).user_errors == ()
    assert runs.state(run) == "SUCCEEDED"
    attempt = runs.attempt(run, "agree")
    assert runs.rows(
        "SELECT u.key, a.decision, a.principal FROM workflow_approvals a LEFT JOIN users u ON u.id = a.user_id"
        " WHERE step_run_id = %s",
        attempt,
    ) == [("bob", "APPROVED", "USER:bob")]
    assert runs.rows("SELECT outcome FROM workflow_step_runs WHERE id = %s", attempt) == [
        ({"approvedBy": ["USER:bob"]},)
    ]


async def test_four_eyes_hold_for_the_developer_too_and_may_be_waived(runs: Runs) -> None:
    run = await agreeing(runs, who=DEVELOPER)
    assert one(await yes(runs, run, DEVELOPER)).code == "INVALID"
    waived = await agreeing(runs, who=DEVELOPER, four_eyes=False)
    assert (await yes(runs, waived, DEVELOPER)).user_errors == ()
    assert (runs.state(run), runs.state(waived)) == ("WAITING", "SUCCEEDED")


async def test_so_many_say_yes_each_once(runs: Runs) -> None:
    run = await agreeing(runs, approvals=2)
    assert (await yes(runs, run, BOB)).user_errors == ()
    assert runs.rows("SELECT version FROM workflow_runs WHERE id = %s", run) == [(3,)]
    assert one(await yes(runs, run, BOB)).message.startswith("you have already decided about it")
    assert runs.state(run) == "WAITING"
    assert (await yes(runs, run, EVE)).user_errors == ()
    assert runs.state(run) == "SUCCEEDED"


async def test_a_person_is_one_by_whichever_key_or_token(runs: Runs) -> None:
    key = Principal("api-key:1", "adas", PrincipalKind.SERVICE, ADA.permissions, owner="ada")
    foreign = Principal("api-key:2", "job", PrincipalKind.SERVICE, ADA.permissions)
    client = somebody("ada", kind=PrincipalKind.SERVICE)
    program = "a program cannot decide under the four-eyes rule; a person must decide with a personal token"
    mine = "you requested or caused this run; another person must decide about it"
    for asks in (ADA, key, client, somebody("Ada")):
        run = await agreeing(runs, who=asks)
        for decides, message in {
            ADA: mine,
            somebody("ADA"): mine,
            key: program,
            client: program,
            foreign: program,
        }.items():
            for refused in (await yes(runs, run, decides), await no(runs, run, decides)):
                assert one(refused).message == message
        assert runs.state(run) == "WAITING"
        assert runs.rows(
            "SELECT count(*) FROM workflow_approvals WHERE step_run_id = %s", runs.attempt(run, "agree")
        ) == [(0,)]
        assert (await yes(runs, run, BOB)).user_errors == ()
    # Where four eyes are not asked for, one person still counts once.
    run = await agreeing(runs, four_eyes=False, approvals=2)
    assert (await yes(runs, run, ADA)).user_errors == ()
    for again in (somebody("ADA"), key, client):
        assert one(await yes(runs, run, again)).message.startswith("you have already decided about it")
    assert runs.state(run) == "WAITING"
    assert (await yes(runs, run, foreign)).user_errors == ()
    assert runs.state(run) == "SUCCEEDED"


async def test_a_run_that_was_imported_is_of_who_started_it(runs: Runs) -> None:
    run = await agreeing(runs, who=BOB)
    runs.operations.write(
        f"""UPDATE workflow_runs SET requested_by = '', initiators = '{{}}',
        started_by_id = (SELECT id FROM users WHERE key = 'ada') WHERE id = '{run}'"""
    )
    assert one(await yes(runs, run, ADA)).message.startswith("you requested or caused this run")
    assert (await yes(runs, run, BOB)).user_errors == ()


@pytest.mark.parametrize(
    ("configuration", "may"),
    [
        ({"team": "platform"}, {"bob", "development"}),
        ({"users": ["eve"]}, {"eve", "development"}),
        ({"team": "platform", "users": ["eve"]}, {"bob", "eve", "development"}),
        ({}, {"bob", "eve", "development"}),
        # Where four eyes are not asked for, a program may decide, too.
        ({"four_eyes": False}, {"bob", "eve", "development", "service"}),
    ],
)
async def test_a_step_says_whom_it_asks(runs: Runs, configuration: dict[str, Any], may: set[str]) -> None:
    # A program is none of the users, whatever it is called.
    service = somebody("eve", kind=PrincipalKind.SERVICE)
    for name, who in {"bob": BOB, "eve": EVE, "development": DEVELOPER, "service": service}.items():
        run = await agreeing(runs, **configuration)
        written = await yes(runs, run, who)
        assert runs.state(run) == ("SUCCEEDED" if name in may else "WAITING")
        if name not in may:
            assert one(written).message.startswith(("only ", "a program cannot decide"))


async def test_one_no_fails_the_run_and_nobody_is_asked_again(runs: Runs) -> None:
    run = await agreeing(runs, approvals=2, retry={"attempts": 3})
    await yes(runs, run, BOB)
    assert (await no(runs, run, EVE)).user_errors == ()
    assert runs.steps(run) == [("agree", 1, "FAILED")]
    assert runs.rows("SELECT state, reason FROM workflow_runs WHERE id = %s", run) == [
        ("FAILED", "step agree failed: rejected by USER:eve")
    ]


UNDONE = (
    step("drain", "MANUAL"),
    step("warm", "MANUAL"),
    step("switch", "MANUAL", "drain", "warm"),
    step("refill", "REMEDIATION", action="refill", compensates="drain"),
    step("cool", "MANUAL", compensates="warm"),
    step("back", "MANUAL", compensates="switch"),
)


async def done(runs: Runs, run: str, key: str) -> None:
    command = running.CompleteWorkflowStep(run_id=run, step=key)
    assert (await runs.written(partial(running.complete, command=command))).user_errors == ()


async def test_a_run_that_is_called_off_undoes_what_it_did(runs: Runs) -> None:
    run = await runs.start(runs.publish(*UNDONE), incident_id=uuid(INCIDENT, 1))
    await done(runs, run, "drain")
    await done(runs, run, "warm")
    cancel = running.CancelWorkflowRun(run_id=run, reason="Not needed any more")
    assert (await runs.written(partial(running.cancel, command=cancel))).user_errors == ()
    assert runs.state(run) == "COMPENSATING"
    assert runs.steps(run)[2:] == [("switch", 1, "CANCELLED"), ("cool", 1, "WAITING")]
    refused = one(await runs.written(partial(running.cancel, command=cancel)))
    assert (refused.code, "wait until compensation ends" in refused.message) == ("ILLEGAL_STATE", True)
    await done(runs, run, "cool")
    assert runs.steps(run)[3:] == [("refill", 1, "RUNNING"), ("cool", 1, "SUCCEEDED")]
    assert [body["step"] for _, body in runs.messages(run)] == ["refill"]


async def test_a_step_failed_by_hand_is_tried_again_or_fails_the_run(runs: Runs) -> None:
    run = await runs.start(
        runs.publish(step("look", "MANUAL", retry={"attempts": 2, "backoff": 0.0})), incident_id=uuid(INCIDENT, 1)
    )
    fail = running.FailWorkflowStep(run_id=run, step="look", reason="Nobody there")
    await runs.written(partial(running.fail, command=fail))
    assert runs.steps(run) == [("look", 1, "FAILED"), ("look", 2, "WAITING")]
    await runs.written(partial(running.fail, command=fail))
    assert runs.rows("SELECT state, reason FROM workflow_runs WHERE id = %s", run) == [
        ("FAILED", "step look failed: Nobody there")
    ]
    assert [kind for kind, _ in runs.notes(1)][-4:] == [
        "Workflow started", "Workflow step failed", "Workflow step failed", "Workflow failed",
    ]  # fmt: skip


async def test_what_is_not_legal_names_what_is(runs: Runs) -> None:
    run = await runs.start(
        runs.publish(step("look", "MANUAL"), step("agree", "APPROVAL", "look"), step("decide", "APPROVAL"))
    )
    legal = "waiting: look (completeWorkflowStep, failWorkflowStep), decide (approveWorkflowStep, rejectWorkflowStep)"
    not_yet, other_kind = await yes(runs, run, BOB), await yes(runs, run, BOB, "look")
    assert [(one(each).code, one(each).message.endswith(legal)) for each in (not_yet, other_kind)] == [
        ("ILLEGAL_STATE", True), ("ILLEGAL_STATE", True),
    ]  # fmt: skip
    unknown = one(await yes(runs, run, BOB, "nothing"))
    assert (unknown.code, unknown.field) == ("NOT_FOUND", "step")
    await runs.written(partial(running.cancel, command=running.CancelWorkflowRun(run_id=run, reason="x")))
    over = one(await yes(runs, run, BOB, "decide"))
    assert over.message.endswith("is CANCELLED; its steps can no longer be changed")


async def test_a_run_has_a_version_that_may_be_expected(runs: Runs) -> None:
    run = await runs.start(runs.publish(step("look", "MANUAL")))
    command = running.CompleteWorkflowStep(run_id=run, step="look", expected_version=1)
    written = await runs.written(partial(running.complete, command=command))
    assert (one(written).code, one(written).field, written.ids) == ("CONFLICT", "expected_version", (run,))
    command = running.CompleteWorkflowStep(run_id=run, step="look", expected_version=2)
    assert (await runs.written(partial(running.complete, command=command))).user_errors == ()


@pytest.mark.parametrize("outcome", [[], "x", {"text": "\0"}, {"text": "x" * 70_000}])
async def test_an_outcome_is_an_object_that_can_be_kept(runs: Runs, outcome: Any) -> None:
    run = await runs.start(runs.publish(step("look", "MANUAL")))
    command = running.CompleteWorkflowStep(run_id=run, step="look", outcome=outcome)
    assert one(await runs.written(partial(running.complete, command=command))).field == "outcome"
    assert runs.state(run) == "WAITING"


async def test_only_the_team_of_a_manual_step_does_it(runs: Runs) -> None:
    run = await runs.start(runs.publish(step("look", "MANUAL", team="platform")))
    command = running.CompleteWorkflowStep(run_id=run, step="look")
    assert one(await runs.written(partial(running.complete, command=command), EVE)).message.startswith(
        "only the team platform"
    )
    assert (await runs.written(partial(running.complete, command=command), BOB)).user_errors == ()


async def test_a_run_for_a_restricted_incident_is_answered_as_an_unknown_one(runs: Runs) -> None:
    run = await runs.start(
        runs.publish(step("agree", "APPROVAL"), inputs=[{"name": "why"}]),
        incident_id=uuid(INCIDENT, 2),
        inputs={"why": "whispered"},
    )
    hidden, unknown = await yes(runs, run, EVE), await yes(runs, uuid("9", 9), EVE)
    assert hidden == unknown
    assert one(hidden).code == "NOT_FOUND"
    assert runs.state(run) == "WAITING"
    cancel = running.CancelWorkflowRun(run_id=run, reason="muttered")
    assert (await runs.written(partial(running.cancel, command=cancel), ADA)).user_errors == ()
    told = str(runs.rows("SELECT before, after FROM audit_entries WHERE entity_id = %s", run))
    assert "whispered" not in told
    assert "muttered" not in told
    assert "CANCELLED" in told


async def test_expressions_decide_what_is_done_and_what_is_sent(runs: Runs) -> None:
    run = await runs.start(
        runs.publish(
            step("look", "MANUAL"),
            step("page", "NOTIFICATION", "look", channel="#ops", when="incident.priority == 1"),
            step(
                "grow", "REMEDIATION", "page", action="grow",
                inputs={"by": "steps.look.outcome.by * 2", "unit": "inputs.unit", "of": "items[0].name"},
            ),
            inputs=[{"name": "unit", "default": "GB"}],
        ),
        incident_id=uuid(INCIDENT, 1),
    )  # fmt: skip
    await runs.written(
        partial(running.complete, command=running.CompleteWorkflowStep(run_id=run, step="look", outcome={"by": 21}))
    )
    assert runs.steps(run) == [("look", 1, "SUCCEEDED"), ("page", 1, "SKIPPED"), ("grow", 1, "RUNNING")]
    [(_, body)] = runs.messages(run)
    assert body["inputs"] == {"by": 42, "unit": "GB", "of": "ledger"}


async def test_an_expression_without_a_value_fails_its_step(runs: Runs) -> None:
    run = await runs.start(
        runs.publish(
            step("look", "MANUAL"),
            step("grow", "REMEDIATION", "look", action="grow", inputs={"by": "steps.look.outcome.by"}),
        )
    )
    await runs.written(partial(running.complete, command=running.CompleteWorkflowStep(run_id=run, step="look")))
    [[state, reason]] = runs.rows("SELECT state, reason FROM workflow_runs WHERE id = %s", run)
    assert (state, reason) == ("FAILED", "step grow failed: the expression of inputs.by has no value: there is no by")
    assert runs.messages(run) == []
