"""A run on its whole way over HTTP: started, approved, its message on the queue, the result an event, the run over."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import psycopg
from uuid_utils import uuid7

import app
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.queues.factory import open_queues
from datasources.sources import open_sources
from resolvers.principals.api_keys import hash_of
from settings import Settings, load_settings
from tests.fixtures.databases import create_database

OPENED = """mutation ($items: [ID!]!) { openIncident(input: {title: "Redis is down", impact: 1, urgency: 1,
    affectedIds: $items}) { incident { id number priority } userErrors { message } } }"""
STARTED = """mutation ($incident: ID!, $item: ID!) { startWorkflow(input: {workflowKey: "failover",
    incidentId: $incident, configurationItemId: $item}) { workflowRun { id number state } userErrors { message } } }"""
AGREED = """mutation ($run: ID!) { approveWorkflowStep(input: {runId: $run, step: "agree", comment: "Go"})
    { workflowRun { state } userErrors { message } } }"""
SHOWN = """query ($run: ID!) { workflowRun(id: $run) { state blastRadius { total } stepRuns { state step { key } }
    incident { activities { kind } } } }"""


def seeded(url: str) -> str:
    """Fill a database with an item on which another depends, a workflow, and the key of a program; the item."""
    item, other, workflow = (str(uuid7()) for _ in range(3))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("INSERT INTO configuration_item_classes (key, name) VALUES ('cache', 'Cache')")
        connection.execute(
            "INSERT INTO relationship_types VALUES ('depends_on', 'needs', 'is needed by', 'REVERSE', '')"
        )
        for id, name in ((item, "redis"), (other, "shop")):
            connection.execute(
                "INSERT INTO configuration_items (id, name, class_key, criticality)"
                " VALUES (%s, %s, 'cache', 'CRITICAL')",
                (id, name),
            )
        connection.execute(
            "INSERT INTO relationships (id, from_id, to_id, type_key, source, impact_from_id, impact_to_id)"
            " VALUES (%s, %s, %s, 'depends_on', '', %s, %s)",
            (str(uuid7()), other, item, item, other),
        )
        connection.execute(
            "INSERT INTO workflows (id, key, name, state) VALUES (%s, 'failover', 'Fail over', 'PUBLISHED')",
            (workflow,),
        )
        for position, (key, kind, after, configuration) in enumerate(
            (
                ("agree", "APPROVAL", [], {"approvals": 1}),
                ("promote", "REMEDIATION", ["agree"], {"action": "redis.promote", "timeout": 600}),
            )
        ):
            connection.execute(
                "INSERT INTO workflow_steps (id, workflow_id, key, position, name, kind, depends_on, configuration)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
                (str(uuid7()), workflow, key, position, key, kind, after, json.dumps(configuration)),
            )
        connection.execute(
            "INSERT INTO api_keys (id, name, hash, permissions) VALUES (%s, 'robot', %s, '{*}')",
            (str(uuid7()), hash_of(KEY)),
        )
    return item


KEY = "sfk_" + "r" * 43


async def until(done: Callable[[], Any]) -> Any:
    """What is found, as soon as it is."""
    while True:
        found = await done()
        if found:
            return found
        await asyncio.sleep(0.05)


async def test_a_run_goes_from_its_start_to_its_end(postgres: EmbeddedPostgres) -> None:
    url = create_database(postgres, "workflow_runs_e2e")
    await led(url, load_settings({"DATABASE_URL": url, "REQUIREMENTS_URL": url, "REDIS_URL": "off"}), seeded(url))


async def led(url: str, settings: Settings, item: str) -> None:
    """A run of what is seeded in the database of `url`, by the service with these settings."""
    sources = open_sources(*settings.require_stores())
    application = app.create_app(settings, sources, on_loopback=True, run_workers=True)
    transport = httpx.ASGITransport(app=application)
    async with (
        application.router.lifespan_context(application),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000", timeout=30) as client,
    ):

        async def ask(document: str, *, key: str | None = None, **variables: Any) -> Any:
            headers = {} if key is None else {"authorization": f"Bearer {key}"}
            reply = await client.post("/graphql", json={"query": document, "variables": variables}, headers=headers)
            body = reply.json()
            assert body.get("errors", []) == []
            return next(iter(body["data"].values()))

        incident = (await ask(OPENED, items=[f"ci_{item}"]))["incident"]
        assert incident["priority"] == 1
        # A program asks for the run, so that the developer's are the other two eyes.
        run = (await ask(STARTED, key=KEY, incident=incident["id"], item=f"ci_{item}"))["workflowRun"]
        assert run["state"] == "WAITING"
        refused = await ask(AGREED, key=KEY, run=run["id"])
        assert [each["message"] for each in refused["userErrors"]] == [
            "a program cannot decide under the four-eyes rule; a person must decide with a personal token"
        ]
        assert (await ask(AGREED, run=run["id"]))["workflowRun"] == {"state": "RUNNING"}
        urgent = open_queues(sources.main).remediation_p1
        [message] = await until(lambda: urgent.receive(10, 0))
        body = json.loads(message.body)
        assert (body["action"], body["incident"], body["run"], body["priority"], body["blastRadius"]) == (
            "redis.promote", incident["number"], run["number"], 1, {"total": 1, "critical": ["shop"]},
        )  # fmt: skip
        await urgent.settle([message], [])
        event = {
            "specversion": "1.0", "id": "done-1", "source": "/robot", "type": body["replyWith"],
            "time": datetime.now(UTC).isoformat(),
            "data": {"id": body["id"], "state": "SUCCEEDED", "outcome": {"promoted": "redis-03"}},
        }  # fmt: skip
        reply = await client.post(
            "/events", content=json.dumps(event), headers={"content-type": "application/cloudevents+json"}
        )
        assert reply.status_code == 202

        async def over() -> Any:
            shown = await ask(SHOWN, run=run["id"])
            return shown if shown["state"] == "SUCCEEDED" else None

        shown = await until(over)
    assert shown["blastRadius"] == {"total": 1}
    assert [(each["step"]["key"], each["state"]) for each in shown["stepRuns"]] == [
        ("agree", "SUCCEEDED"), ("promote", "SUCCEEDED"),
    ]  # fmt: skip
    assert [each["kind"] for each in shown["incident"]["activities"]] == [
        "Opened", "Workflow started", "Workflow step approved", "Workflow finished",
    ]  # fmt: skip
    with psycopg.connect(url) as connection:
        attempts = connection.execute("SELECT state, attempt, outcome FROM workflow_step_runs ORDER BY started_at")
        assert attempts.fetchall() == [
            ("SUCCEEDED", 1, {"approvedBy": ["DEVELOPMENT:development"]}),
            ("SUCCEEDED", 1, {"promoted": "redis-03"}),
        ]
        assert connection.execute("SELECT count(*) FROM queue_messages").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM dead_letters").fetchone() == (0,)
        assert connection.execute("SELECT queue, sent_at IS NOT NULL FROM outgoing_messages").fetchall() == [
            ("remediation-p1", True)
        ]
