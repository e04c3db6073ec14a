"""Triggers believe no name of a request, see what their publishers may see, and name those who stand behind a run."""

from collections.abc import AsyncIterator
from functools import partial

import pytest

from datasources.config import DocumentLimits
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.records.queries import Scope
from datasources.request import RequestContext
from resolvers.context import Context
from resolvers.principals.principal import Principal, PrincipalKind
from resolvers.unit_of_work import BoundUseCase, WriteResult, run_write
from resolvers.workflow_runs import triggers
from resolvers.workflow_runs import use_cases as running
from resolvers.workflow_runs.trigger_matching import ActiveTrigger, TriggerContext, match_triggers
from resolvers.workflow_runs.triggers import run_round
from resolvers.workflows.definition import Trigger, TriggerEvent
from resolvers.workflows.expressions.expression import SharedBudget
from schema.execution.execution import GraphQLRequest, execute_request
from tests.fixtures.operations import opened
from tests.fixtures.workflows import AUTHOR, Authoring
from tests.fixtures.writing import item, somebody, team
from tests.resolvers.workflow_runs.test_triggers import OPENED, changed, fired, incident

OUTSIDE = somebody("lea", "platform", also="workflows:write")
ALL_SEEING = Principal("olga", "Olga", PrincipalKind.USER, frozenset({"*"}))
TELL = {"key": "tell", "name": "Tell", "kind": "NOTIFICATION",
        "notification": {"channel": "c", "message": "incident.number + incident.category"}}  # fmt: skip


@pytest.fixture(scope="module")
async def landscape(postgres: EmbeddedPostgres) -> AsyncIterator[Authoring]:
    async with opened(postgres, "trigger_causes") as operations:
        yield Authoring(operations)


@pytest.fixture
async def authoring(landscape: Authoring) -> Authoring:
    """The landscape without workflows, and a reader that has just begun."""
    landscape.operations.write(
        """
        TRUNCATE workflows, workflow_runs, outgoing_messages, audit_entries, outbox_readers CASCADE;
        DELETE FROM incident_configuration_items WHERE incident_id IN (SELECT id FROM incidents WHERE number > 'INC3');
        DELETE FROM incident_activities WHERE incident_id IN (SELECT id FROM incidents WHERE number > 'INC3');
        DELETE FROM incidents WHERE number > 'INC3'"""
    )
    assert await run_round(landscape.operations.sources) == 0
    return landscape


def by(authoring: Authoring, who: Principal, request_id: str = "req-1") -> Context:
    return Context(who, who.scope, authoring.operations.sources, RequestContext(request_id=request_id))


async def done(authoring: Authoring, who: Principal, work: BoundUseCase) -> WriteResult:
    return await run_write(by(authoring, who), "Test", running.CancelWorkflowRun(run_id="", reason=""), work)


async def problem_of(authoring: Authoring, key: str) -> str | None:
    """The last reason for which the trigger of a workflow started no run, as its author sees it."""
    document = f'{{ workflow(key: "{key}") {{ triggerProblem {{ reason happenedAt }} }} }}'
    found = (await authoring.operations.asked_by(also="workflows:read").data(document))["workflow"]["triggerProblem"]
    return None if found is None else str(found["reason"])


@pytest.mark.parametrize("kind", [PrincipalKind.USER, PrincipalKind.SERVICE, PrincipalKind.DEVELOPMENT])
async def test_the_name_of_a_request_silences_no_trigger(authoring: Authoring, kind: PrincipalKind) -> None:
    await authoring.published("opened", trigger=OPENED)
    await authoring.published("changed", trigger={"event": "INCIDENT_CHANGED"})
    # Only a program with the permission of executors may say on whose behalf it writes.
    who = somebody("mallory", "payments", also="" if kind is PrincipalKind.SERVICE else "workflows:execute", kind=kind)
    first = await incident(authoring, "first")
    assert await fired(authoring) == [("opened", "first")]
    [[id]] = authoring.writing.rows("SELECT id::text FROM workflow_runs")
    for number, name in enumerate((f"run:{id}", f"run:{id.upper()}", "req-1", "engine:workflows", "run:")):
        document = "mutation ($t: String!) { openIncident(input: { title: $t }) { incident { id } } }"
        body = (
            await execute_request(
                GraphQLRequest(document, {"t": f"{number}"}), by(authoring, who, name), DocumentLimits()
            )
        ).body
        assert body["data"]["openIncident"]["incident"] is not None
        await changed(authoring, first, number + 1, name, who, impact=1 + number % 2)
    assert await fired(authoring) == [
        *[("changed", "first")] * 5, *[("opened", f"{number}") for number in range(5)], ("opened", "first"),
    ]  # fmt: skip
    assert authoring.writing.rows("SELECT count(*) FROM workflow_runs WHERE cause_run_id IS NOT NULL") == [(0,)]


async def test_who_stands_behind_a_run_goes_with_it(authoring: Authoring) -> None:
    bob = somebody("bob", "payments")
    await authoring.published("opened", trigger=OPENED)
    await authoring.published("changed", trigger={"event": "INCIDENT_CHANGED"})
    await authoring.published("after", trigger={"event": "RUN_FINISHED", "workflows": ["opened"]})
    id = await incident(authoring, "shaky")
    await fired(authoring)
    key = Principal("api-key:1", "bobs", PrincipalKind.SERVICE, bob.permissions, bob.team_keys, owner="bob")
    await changed(authoring, id, 1, who=key, impact=2)
    [[first]] = authoring.writing.rows(
        "SELECT r.id::text FROM workflow_runs r JOIN workflows w ON w.id = r.workflow_id WHERE w.key = 'opened'"
    )
    cancel = partial(running.cancel, command=running.CancelWorkflowRun(run_id=first, reason="no"))
    assert (await done(authoring, bob, cancel)).user_errors == ()
    await fired(authoring)
    assert authoring.writing.rows(
        """SELECT w.key, r.requested_by, r.initiators FROM workflow_runs r JOIN workflows w ON w.id = r.workflow_id
        ORDER BY 1"""
    ) == [
        ("after", "engine:triggers", ["USER:ada", "USER:bob", "engine:triggers"]),
        ("changed", "engine:triggers", ["USER:bob"]),
        ("opened", "engine:triggers", ["USER:ada"]),
    ]


async def test_who_caused_a_run_does_not_approve_it(authoring: Authoring) -> None:
    agree = {"key": "agree", "name": "Agree", "kind": "APPROVAL"}
    await authoring.published("opened", trigger=OPENED)
    await authoring.published("agreed", trigger=OPENED, steps=[agree])
    await authoring.published("after", trigger={"event": "RUN_FINISHED", "workflows": ["opened"]}, steps=[agree])
    await incident(authoring, "shaky")
    await fired(authoring)
    [[first]] = authoring.writing.rows(
        "SELECT r.id::text FROM workflow_runs r JOIN workflows w ON w.id = r.workflow_id WHERE w.key = 'opened'"
    )
    do = partial(running.complete, command=running.CompleteWorkflowStep(run_id=first, step="do"))
    assert (await done(authoring, somebody("bob"), do)).user_errors == ()
    await fired(authoring)
    ids = dict(
        authoring.writing.rows("SELECT w.key, r.id::text FROM workflow_runs r JOIN workflows w ON w.id = r.workflow_id")
    )
    for key, refused in {"agreed": ("ada", "Ada", "ADA"), "after": ("ada", "bob", "BOB")}.items():
        yes = partial(running.approve, command=running.ApproveWorkflowStep(run_id=ids[key], step="agree"))
        for subject in refused:
            [error] = (await done(authoring, somebody(subject), yes)).user_errors
            assert error.message == "you requested or caused this run; another person must decide about it"
        assert authoring.writing.rows(f"SELECT state FROM workflow_runs WHERE id = '{ids[key]}'") == [("WAITING",)]
        assert authoring.writing.rows("SELECT count(*) FROM workflow_approvals") == [(0,)]
        assert (await done(authoring, somebody("eve"), yes)).user_errors == ()
        assert authoring.writing.rows(f"SELECT state FROM workflow_runs WHERE id = '{ids[key]}'") == [("SUCCEEDED",)]
        authoring.operations.write("DELETE FROM workflow_approvals")


async def test_who_acted_on_a_run_does_not_approve_what_it_leads_to(authoring: Authoring) -> None:
    agree = {"key": "agree", "name": "Agree", "kind": "APPROVAL"}
    first, second = ({"key": key, "name": key, "kind": "MANUAL"} for key in ("first", "second"))
    await authoring.published("opened", trigger=OPENED, steps=[first, second | {"dependsOn": ["first"]}])
    await authoring.published("after", trigger={"event": "RUN_FINISHED", "workflows": ["opened"]}, steps=[agree])
    await incident(authoring, "shaky")
    await fired(authoring)
    [[cause]] = authoring.writing.rows("SELECT id::text FROM workflow_runs")
    for key, subject in (("first", "bob"), ("second", "carol")):
        command = running.CompleteWorkflowStep(run_id=cause, step=key)
        did = await done(authoring, somebody(subject), partial(running.complete, command=command))
        assert did.user_errors == ()
    await fired(authoring)
    [[led, initiators]] = authoring.writing.rows(
        "SELECT id::text, initiators FROM workflow_runs WHERE cause_run_id IS NOT NULL"
    )
    assert initiators == ["USER:ada", "USER:bob", "USER:carol", "engine:triggers"]
    yes = partial(running.approve, command=running.ApproveWorkflowStep(run_id=led, step="agree"))
    for subject in ("ada", "bob", "carol"):
        [error] = (await done(authoring, somebody(subject), yes)).user_errors
        assert error.message == "you requested or caused this run; another person must decide about it"
    assert (await done(authoring, somebody("eve"), yes)).user_errors == ()


async def test_a_trigger_sees_what_its_publisher_may_see(authoring: Authoring) -> None:
    for key, who in {"inside": AUTHOR, "all": ALL_SEEING, "outside": OUTSIDE}.items():
        await authoring.published(key, who, trigger=OPENED, steps=[TELL])
        after = {"event": "RUN_FINISHED", "workflows": ["inside"]}
        if key != "inside":
            await authoring.published(f"{key}-after", who, trigger=after, steps=[TELL])
        await authoring.published(f"{key}-wrong", who, trigger=OPENED | {"when": "incident.number + 1"})
    await incident(authoring, "secret", category="canary", affectedIds=[item(1)], restrictedTeamId=team(1))
    assert await fired(authoring) == [("all", "secret"), ("all-after", "secret"), ("inside", "secret")]
    assert [await problem_of(authoring, f"{key}-wrong") for key in ("inside", "all", "outside")] == [
        "the expression of when has no value: values of incompatible types, such as a text and a number",
        "the expression of when has no value: values of incompatible types, such as a text and a number",
        None,
    ]
    await incident(authoring, "open", category="plain", affectedIds=[item(1)])
    found = await fired(authoring)
    assert [each for each in found if each[0].startswith("outside")] == [("outside", "open"), ("outside-after", "open")]


async def test_an_imported_workflow_sees_all(authoring: Authoring) -> None:
    authoring.operations.write(
        """INSERT INTO workflows (id, key, name, state, trigger)
        VALUES (gen_random_uuid(), 'imported', 'Imported', 'PUBLISHED', '{"event": "incident.opened"}')"""
    )
    await incident(authoring, "secret", restrictedTeamId=team(1))
    assert await fired(authoring) == [("imported", "secret")]


async def test_no_run_is_started_for_an_incident_that_its_publisher_may_not_see(authoring: Authoring) -> None:
    id = await authoring.published("outside", OUTSIDE)
    secret = await incident(authoring, "secret", restrictedTeamId=team(1))
    command = running.StartWorkflow(workflow_id=id.removeprefix("wf_"), incident_id=secret.removeprefix("inc_"))
    [error] = (await done(authoring, ALL_SEEING, partial(running.start, command=command))).user_errors
    assert error.message == "the publisher of the workflow cannot see this incident; a person who can must publish it"
    assert authoring.writing.rows("SELECT count(*) FROM workflow_runs") == [(0,)]


async def test_what_is_restricted_later_is_hidden_from_expressions_and_messages(authoring: Authoring) -> None:
    hold = {"key": "hold", "name": "Hold", "kind": "MANUAL"}
    mend = {"key": "mend", "name": "Mend", "kind": "REMEDIATION", "dependsOn": ["hold"], "remediation": {"action": "x"}}
    tell = TELL | {"dependsOn": ["hold"], "notification": {
        "channel": "c", "message": "string(size(items)) + string(has(incident.number))"}}  # fmt: skip
    await authoring.published("outside", OUTSIDE, trigger=OPENED, steps=[hold, mend, tell])
    await incident(authoring, "later", category="canary", affectedIds=[item(1)])
    await fired(authoring)
    authoring.operations.write(
        f"UPDATE incidents SET restricted_team_id = '{team(1).removeprefix('team_')}' WHERE title = 'later'"
    )
    [[id]] = authoring.writing.rows("SELECT id::text FROM workflow_runs")
    do = partial(running.complete, command=running.CompleteWorkflowStep(run_id=id, step="hold"))
    assert (await done(authoring, ALL_SEEING, do)).user_errors == ()
    [[mended], [told]] = authoring.writing.rows("SELECT body::jsonb FROM outgoing_messages ORDER BY position")
    assert (mended["incident"], mended["configurationItem"], mended["blastRadius"]) == (None, None, None)
    assert (told["incident"], told["configurationItem"], told["message"]) == (None, None, "0false")


async def test_a_trigger_that_works_too_much_stops_nobody_else(authoring: Authoring) -> None:
    thirty = ",".join(["0"] * 30)
    dear = f"[{thirty}].all(n, !'{'ab' * 400}'.matches('(a|b)*a(a|b){{300}}c'))"
    for n in range(3):
        await authoring.published(f"dear-{n}", trigger=OPENED | {"when": dear})
        await authoring.published(f"sound-{n}", trigger=OPENED | {"when": "incident.impact == 2"})
    await incident(authoring, "wide", impact=2)
    assert await fired(authoring) == [("sound-0", "wide"), ("sound-1", "wide"), ("sound-2", "wide")]
    reason = "it takes too much work; use fewer items, or less data of each"
    assert await problem_of(authoring, "dear-1") == f"the expression of when has no value: {reason}"
    assert await problem_of(authoring, "sound-1") is None


def test_no_trigger_is_left_without_work_by_those_before_it() -> None:
    sees_all = Scope(sees_restricted=True)
    dear = "[1, 2, 3, 4].all(n, [1, 2, 3, 4, 5, 6, 7, 8] != [n])"
    several = [
        ActiveTrigger("", f"{n}", Trigger(event=TriggerEvent.ITEM_CHANGED, when=when), sees_all)
        for n, when in enumerate([dear] * 9 + ["size(items) == 0"])
    ]
    allowance = SharedBudget(200)
    found = match_triggers(several, TriggerContext(), set(), allowance)
    assert [holds for _, holds, _ in found] == [False] * 9 + [True]
    assert {problem for _, _, problem in found[:9]} == {
        "the expression of when has no value: it takes too much work; use fewer items, or less data of each"
    }
    assert 0 < allowance.left < 20


async def test_a_round_ends_where_its_expressions_took_much_work(
    authoring: Authoring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(triggers, "MAX_ROW_WORK", 40)
    await authoring.published("any", trigger=OPENED | {"when": "[1, 2, 3, 4].all(n, n < 5 && n < 6)"})
    for n in range(3):
        await incident(authoring, f"i{n}")
    rounds = []
    while await run_round(authoring.operations.sources):
        rounds.append(authoring.writing.rows("SELECT count(*) FROM workflow_runs")[0][0])
    # What is left waits for the next round.
    assert rounds[:3] == [1, 2, 3]
    assert set(rounds[3:]) <= {3}
