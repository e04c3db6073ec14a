"""What happens starts runs: which ones, exactly once, whatever crashes, and never in a ring."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from datasources.aurora.workflow_runs import triggers as rows
from datasources.config import DocumentLimits
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.request import RequestContext
from resolvers.context import Context
from resolvers.principals.principal import Principal, PrincipalKind
from resolvers.workflow_runs import trigger_matching as matching
from resolvers.workflow_runs import triggers
from resolvers.workflow_runs.triggers import MAX_CHAIN_LENGTH, run_round
from schema.execution.execution import GraphQLRequest, execute_request
from tests.fixtures.operations import opened
from tests.fixtures.workflows import Authoring
from tests.fixtures.writing import ADA, item, somebody, team

OPENED = {"event": "INCIDENT_OPENED"}


@pytest.fixture(scope="module")
async def landscape(postgres: EmbeddedPostgres) -> AsyncIterator[Authoring]:
    async with opened(postgres, "triggers") as operations:
        yield Authoring(operations)


@pytest.fixture
async def authoring(landscape: Authoring) -> Authoring:
    """The landscape without workflows, and a reader that has just begun."""
    landscape.operations.write(
        """
        ALTER TABLE workflow_runs DROP CONSTRAINT IF EXISTS poison;
        TRUNCATE workflows, workflow_runs, outgoing_messages, audit_entries, outbox_readers, dead_letters CASCADE;
        DELETE FROM incident_configuration_items WHERE incident_id IN (SELECT id FROM incidents WHERE number > 'INC3');
        DELETE FROM incident_activities WHERE incident_id IN (SELECT id FROM incidents WHERE number > 'INC3');
        DELETE FROM incidents WHERE number > 'INC3'"""
    )
    assert await run_round(landscape.operations.sources) == 0
    return landscape


async def fired(authoring: Authoring) -> list[tuple[str, str | None]]:
    """The runs by workflow and title of their incident or name of their item, after all rounds that find something."""
    while await run_round(authoring.operations.sources):
        pass
    return authoring.writing.rows(
        """SELECT w.key, coalesce(i.title, c.name) FROM workflow_runs r JOIN workflows w ON w.id = r.workflow_id
        LEFT JOIN incidents i ON i.id = r.incident_id LEFT JOIN configuration_items c ON c.id = r.configuration_item_id
        ORDER BY 1, 2"""
    )


async def incident(authoring: Authoring, title: str, **input: Any) -> str:
    done = await authoring.writing.do("openIncident", ADA, title=title, **input)
    assert done.errors == []
    id: str = done.shown["id"]
    return id


EXECUTOR = somebody("executor", "payments", also="workflows:execute", kind=PrincipalKind.SERVICE)


async def changed(
    authoring: Authoring, id: str, version: int, request_id: str = "req-2", who: Principal = ADA, **input: Any
) -> None:
    """An incident is described again in a request of this name."""
    context = Context(who, who.scope, authoring.operations.sources, RequestContext(request_id=request_id))
    document = "mutation ($input: UpdateIncidentInput!) { updateIncident(input: $input) { userErrors { message } } }"
    variables = {"input": {"id": id, "expectedVersion": version} | input}
    body = (await execute_request(GraphQLRequest(document, variables), context, DocumentLimits())).body
    assert body["data"] == {"updateIncident": {"userErrors": []}}


async def test_all_conditions_hold_for_what_starts_a_run(authoring: Authoring) -> None:
    authoring.operations.write(
        """
        UPDATE configuration_items SET environment = 'PRODUCTION', attributes = '{"tier": "1"}' WHERE name = 'redis';
        UPDATE configuration_items SET environment = 'TEST', attributes = '{"tier": "2"}' WHERE name = 'ledger'"""
    )
    wanted: dict[str, dict[str, Any]] = {
        "any": {},
        "grave": {"priority": [1, 2]},
        "network": {"category": "network"},
        "below": {"class": "database"},
        "exactly": {"class": "cache"},
        "production": {"environment": ["PRODUCTION", "STAGING"]},
        "label": {"labels": [{"name": "tier", "value": "1"}]},
        "one-item": {"class": "database", "environment": ["PRODUCTION"], "labels": [{"name": "tier", "value": "1"}]},
        "two-items": {"environment": ["PRODUCTION"], "labels": [{"name": "tier", "value": "2"}]},
        "when": {"when": "incident.impact == 1 && items.exists(i, i.labels.tier == '2') && !incident.restricted"},
    }
    for key, conditions in wanted.items():
        await authoring.published(key, trigger=OPENED | conditions)
    await authoring.published("by-hand")
    await incident(authoring, "nothing")
    await incident(authoring, "ledger", affectedIds=[item(2)], impact=1, urgency=1)
    await incident(authoring, "redis", affectedIds=[item(3)], category="network")
    await incident(authoring, "both", affectedIds=[item(2), item(3)], causeIds=[item(1)])
    await incident(authoring, "cause", causeIds=[item(3)])
    assert await fired(authoring) == [
        ("any", "both"), ("any", "cause"), ("any", "ledger"), ("any", "nothing"), ("any", "redis"),
        ("below", "both"), ("below", "ledger"), ("below", "redis"),
        ("exactly", "both"), ("exactly", "redis"),
        ("grave", "ledger"),
        ("label", "both"), ("label", "redis"),
        ("network", "redis"),
        ("one-item", "both"), ("one-item", "redis"),
        ("production", "both"), ("production", "redis"),
        ("when", "ledger"),
    ]  # fmt: skip
    # An incident of one item is about it; of several, about none of them.
    assert authoring.writing.rows(
        """SELECT i.title, c.name FROM workflow_runs r JOIN workflows w ON w.id = r.workflow_id AND w.key = 'any'
        JOIN incidents i ON i.id = r.incident_id LEFT JOIN configuration_items c ON c.id = r.configuration_item_id
        ORDER BY 1"""
    ) == [("both", None), ("cause", None), ("ledger", "ledger"), ("nothing", None), ("redis", "redis")]
    # Who follows the request finds the run.
    assert authoring.writing.rows("SELECT DISTINCT request_id, requested_by FROM workflow_runs") == [
        ("req-1", "engine:triggers")
    ]


async def test_history_starts_nothing(authoring: Authoring) -> None:
    # The landscape was there before the reader began.
    await authoring.published("any", trigger=OPENED)
    assert await fired(authoring) == []
    # An incident that was over before it was looked at, as an import brings it, opens nothing.
    authoring.operations.write(
        "INSERT INTO incidents (id, number, title, state) VALUES (gen_random_uuid(), 'INC77', 'old', 'CLOSED')"
    )
    assert await fired(authoring) == []


async def test_each_event_starts_its_own(authoring: Authoring) -> None:
    for event in ("INCIDENT_OPENED", "INCIDENT_CHANGED", "ITEM_CREATED", "ITEM_CHANGED"):
        await authoring.published(event.lower().replace("_", "-"), trigger={"event": event})
    id = await incident(authoring, "shaky")
    await changed(authoring, id, 1, "req-2", impact=2)
    await changed(authoring, id, 2, "req-3", impact=1)
    authoring.operations.write(
        "INSERT INTO configuration_items (id, name, class_key) VALUES (gen_random_uuid(), 'new', 'service')"
    )
    # Two changes in one transaction are one happening.
    authoring.operations.write(
        "UPDATE configuration_items SET status = status WHERE name = 'shop';"
        "UPDATE configuration_items SET status = status WHERE name = 'shop'"
    )
    assert await fired(authoring) == [
        ("incident-changed", "shaky"), ("incident-changed", "shaky"), ("incident-opened", "shaky"),
        ("item-changed", "shop"), ("item-created", "new"),
    ]  # fmt: skip


async def test_a_crash_starts_nothing_twice_and_leaves_nothing_out(
    authoring: Authoring, monkeypatch: pytest.MonkeyPatch
) -> None:
    await authoring.published("any", trigger=OPENED)
    for n in range(3):
        await incident(authoring, f"i{n}")

    class Crash(Exception):
        pass

    async def crash(*_: object) -> None:
        raise Crash

    with monkeypatch.context() as broken:
        broken.setattr(rows, "advance_reader", crash)
        with pytest.raises(Crash):
            await run_round(authoring.operations.sources)
    assert authoring.writing.rows("SELECT count(*) FROM workflow_runs") == [(0,)]
    assert await fired(authoring) == [("any", "i0"), ("any", "i1"), ("any", "i2")]
    # A place that was lost is gone over again: what had its run gets no other.
    authoring.operations.write("UPDATE outbox_readers SET transaction = '3', position = 0")
    # INC1 and INC2 of the landscape were never looked at; INC3 is closed.
    assert await fired(authoring) == [
        ("any", "Card numbers leaked"), ("any", "Ledger is slow"), ("any", "i0"), ("any", "i1"), ("any", "i2"),
    ]  # fmt: skip


async def test_two_workers_start_one_run(authoring: Authoring) -> None:
    await authoring.published("any", trigger=OPENED)
    await incident(authoring, "once")
    await asyncio.gather(*(run_round(authoring.operations.sources) for _ in range(4)))
    assert await fired(authoring) == [("any", "once")]


async def test_a_transaction_under_way_is_waited_for(authoring: Authoring) -> None:
    await authoring.published("any", trigger=OPENED)
    with psycopg.connect(authoring.operations.url) as slow:
        slow.execute("INSERT INTO incidents (id, number, title) VALUES (gen_random_uuid(), 'INC88', 'slow')")
        await incident(authoring, "fast")
        # It stands behind one that nobody can see yet.
        assert await fired(authoring) == []
        slow.commit()
    assert await fired(authoring) == [("any", "fast"), ("any", "slow")]


async def test_nothing_of_a_restricted_incident_gets_out(authoring: Authoring) -> None:
    tell = {"key": "tell", "name": "Tell", "kind": "NOTIFICATION",
            "notification": {"channel": "c", "message": "'Mind ' + incident.number"}}  # fmt: skip
    await authoring.published("any", trigger=OPENED | {"category": "s3cr3t"}, steps=[tell])
    await incident(authoring, "s3cr3t title", description="s3cr3t", category="s3cr3t", restrictedTeamId=team(1))
    assert await fired(authoring) == [("any", "s3cr3t title")]
    told = authoring.writing.rows(
        """SELECT to_jsonb(r)::text FROM workflow_runs r UNION ALL SELECT to_jsonb(s)::text FROM workflow_step_runs s
        UNION ALL SELECT to_jsonb(m)::text FROM outgoing_messages m
        UNION ALL SELECT to_jsonb(a)::text FROM audit_entries a WHERE a.entity <> 'WORKFLOW'"""
    )
    assert len(told) >= 5
    assert [each for (each,) in told if "s3cr3t" in each] == []


async def test_a_workflow_does_not_start_itself(authoring: Authoring, caplog: pytest.LogCaptureFixture) -> None:
    await authoring.published("again", trigger={"event": "INCIDENT_CHANGED"})
    id = await incident(authoring, "shaky")
    await changed(authoring, id, 1, impact=2)
    assert await fired(authoring) == [("again", "shaky")]
    [[first]] = authoring.writing.rows("SELECT id::text FROM workflow_runs")
    # What the run asked for changes the incident, under its own name or under that of the request it began with.
    await changed(authoring, id, 2, f"run:{first}", EXECUTOR, impact=1)
    await changed(authoring, id, 3, "req-2", EXECUTOR, impact=2)
    with caplog.at_level(logging.WARNING):
        assert await fired(authoring) == [("again", "shaky")]
    problem = "again would start itself: again -> again"
    assert [each.__dict__["problem"] for each in caplog.records if "problem" in each.__dict__] == [problem, problem]
    audits, _ = authoring.writing.left(f"run_{first}")
    assert [each[3] for each in audits][-2:] == [{"notStarted": "again", "reason": problem}] * 2
    # Somebody else may.
    await changed(authoring, id, 4, "req-9", EXECUTOR, impact=3)
    # A name that no run has is nobody's.
    await changed(authoring, id, 5, "run:01931f0a-0000-7000-8000-0000000000aa", EXECUTOR, impact=2)
    await changed(authoring, id, 6, "run:nonsense", EXECUTOR, impact=1)
    assert await fired(authoring) == [("again", "shaky")] * 4


async def test_the_end_of_a_run_starts_those_that_follow(authoring: Authoring) -> None:
    await authoring.published("first", trigger=OPENED)
    await authoring.published("second", trigger={
        "event": "RUN_FINISHED", "workflows": ["first"], "when": "cause.state == 'FAILED' && cause.workflow == 'first'",
    })  # fmt: skip
    await authoring.published("third", trigger={"event": "RUN_FINISHED", "workflows": ["second"]})
    await incident(authoring, "broken", affectedIds=[item(1)])
    assert await fired(authoring) == [("first", "broken")]
    end = (
        "UPDATE workflow_runs SET state = '{}', finished_at = now()"
        " FROM workflows w WHERE w.id = workflow_id AND key = '{}'"
    )
    authoring.operations.write(end.format("FAILED", "first"))
    assert await fired(authoring) == [("first", "broken"), ("second", "broken")]
    authoring.operations.write(end.format("SUCCEEDED", "second"))
    # Once more written, a run that is over is not over again.
    authoring.operations.write(end.format("SUCCEEDED", "second"))
    assert await fired(authoring) == [("first", "broken"), ("second", "broken"), ("third", "broken")]
    assert authoring.writing.rows(
        """SELECT w.key, d.key, c.name FROM workflow_runs r JOIN workflows w ON w.id = r.workflow_id
        LEFT JOIN workflow_runs b ON b.id = r.cause_run_id LEFT JOIN workflows d ON d.id = b.workflow_id
        LEFT JOIN configuration_items c ON c.id = r.configuration_item_id ORDER BY 1"""
    ) == [("first", None, "shop"), ("second", "first", "shop"), ("third", "second", "shop")]


async def test_a_row_of_runs_has_an_end(authoring: Authoring) -> None:
    await authoring.published("w0")
    for n in range(1, MAX_CHAIN_LENGTH + 1):
        await authoring.published(f"w{n}", trigger={"event": "RUN_FINISHED", "workflows": [f"w{n - 1}"]})
    authoring.operations.write(
        "INSERT INTO workflow_runs (id, number, workflow_id)"
        " SELECT gen_random_uuid(), 'RUN1', id FROM workflows WHERE key = 'w0'"
    )
    for _ in range(MAX_CHAIN_LENGTH + 1):
        authoring.operations.write("UPDATE workflow_runs SET state = 'SUCCEEDED', finished_at = now()")
        await fired(authoring)
    assert [key for key, _ in await fired(authoring)] == [f"w{n}" for n in range(MAX_CHAIN_LENGTH)]
    [[reason]] = authoring.writing.rows(
        "SELECT DISTINCT after->>'reason' FROM audit_entries WHERE after ? 'notStarted'"
    )
    assert reason == (
        f"more than {MAX_CHAIN_LENGTH} runs would lead to one another: "
        + " -> ".join(f"w{n}" for n in range(MAX_CHAIN_LENGTH + 1))
    )


async def test_what_cannot_be_read_or_evaluated_stops_nobody_else(
    authoring: Authoring, caplog: pytest.LogCaptureFixture
) -> None:
    await authoring.published("a-unreadable", trigger=OPENED)
    await authoring.published("b-no-value", trigger=OPENED | {"when": "items[0].name == 'x'"})
    await authoring.published("c-no-answer", trigger=OPENED | {"when": "incident.number"})
    await authoring.published("d-no-steps", trigger=OPENED)
    await authoring.published("e-well", trigger=OPENED)
    authoring.operations.write(
        """
        UPDATE workflows SET trigger = '{"event": "incident.opened", "priority": "high"}' WHERE key = 'a-unreadable';
        UPDATE workflow_steps SET configuration = '{"nonsense": 1}'
        WHERE workflow_id IN (SELECT id FROM workflows WHERE key = 'd-no-steps')"""
    )
    await incident(authoring, "s3cr3t", restrictedTeamId=team(1))
    with caplog.at_level(logging.WARNING):
        assert await fired(authoring) == [("e-well", "s3cr3t")]
    told = {
        each.__dict__["workflow"]: each.__dict__["problem"] for each in caplog.records if "problem" in each.__dict__
    }
    assert told == {
        "a-unreadable": "Expected `array`, got `str` - at `$.priority`",
        "b-no-value": "the expression of when has no value: a list index is out of range",
        "c-no-answer": "the expression of when has no value: its value is neither true nor false",
        "d-no-steps": told["d-no-steps"],
    }
    assert told["d-no-steps"].startswith("the workflow cannot be run; correct steps.0.configuration in a new revision")
    # Its workflow says so to whoever looks.
    problems = await authoring.operations.asked_by(also="workflows:read").data(
        '{ workflow(key: "a-unreadable") { problems { field message } } }'
    )
    assert problems["workflow"]["problems"] == [{"field": "trigger", "message": told["a-unreadable"]}]


async def test_a_row_that_the_store_refuses_is_passed_over(
    authoring: Authoring, caplog: pytest.LogCaptureFixture
) -> None:
    await authoring.published("any", trigger=OPENED)
    for title in ("before", "poison", "after"):
        await incident(authoring, title)
    [[poison]] = authoring.writing.rows("SELECT id::text FROM incidents WHERE title = 'poison'")
    authoring.operations.write(f"ALTER TABLE workflow_runs ADD CONSTRAINT poison CHECK (incident_id <> '{poison}')")
    with caplog.at_level(logging.ERROR):
        assert await fired(authoring) == [("any", "after"), ("any", "before")]
    assert [each.message for each in caplog.records if each.levelno == logging.ERROR] == ["a change starts no runs"]
    [(entity, reason)] = passed_over(authoring)
    assert (entity, reason.partition(":")[0]) == (poison, "it starts no runs")


def passed_over(authoring: Authoring) -> list[tuple[str, str]]:
    return [
        (json.loads(body)["entityId"], reason)
        for body, reason in authoring.writing.rows(
            "SELECT body, reason FROM dead_letters WHERE queue = 'workflow-triggers' ORDER BY died_at"
        )
    ]


async def test_a_row_that_raises_is_passed_over_and_kept_where_operators_look(
    authoring: Authoring, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    await authoring.published("any", trigger=OPENED)
    for title in ("before", "poison", "after"):
        await incident(authoring, title)
    [[poison]] = authoring.writing.rows("SELECT id::text FROM incidents WHERE title = 'poison'")
    real = matching.load_trigger_context

    async def known(transaction: Any, entry: Any) -> Any:
        if entry.entity_id == poison:
            raise ZeroDivisionError("a value of a row")
        return await real(transaction, entry)

    monkeypatch.setattr("resolvers.workflow_runs.triggers.load_trigger_context", known)
    with caplog.at_level(logging.ERROR):
        assert await fired(authoring) == [("any", "after"), ("any", "before")]
    [(entity, reason)] = passed_over(authoring)
    assert entity == poison
    assert reason.startswith("it starts no runs: ZeroDivisionError at tests/resolvers/workflow_runs/test_triggers.py:")
    # Nothing is left that the next round would stumble over.
    assert await triggers.run_round(authoring.operations.sources) == 0


async def test_only_what_is_published_starts(authoring: Authoring) -> None:
    id = await authoring.published("retired", trigger=OPENED)
    assert (await authoring.do("retireWorkflow", id=id, expectedVersion=2)).errors == []
    await authoring.do("createWorkflow", key="draft", name="Draft", trigger=OPENED)
    await authoring.published("used", trigger=OPENED)
    await authoring.published("used", trigger=OPENED | {"priority": [1]})
    await incident(authoring, "plain")
    await incident(authoring, "grave", impact=1, urgency=1)
    assert await fired(authoring) == [("used", "grave")]
