"""Poison in the queue and in the tables while all workers run: everything else has its effect, and only it is dead."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import psycopg

import app
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.queues.port import NewMessage
from datasources.queues.tables.queue import TablesQueue
from datasources.sources import Sources, open_sources
from settings import load_settings
from tests.fixtures.alerts import alert, notification
from tests.fixtures.events import related, rows, upserted
from tests.fixtures.poison import DEEP, LARGE_NUMBER, poisoned

BATCH = "application/cloudevents-batch+json"
# Events of each of so many sources, and which of each are poison in the queue.
SOURCES, EVENTS, POISON = 4, 60, (0, 17, 18, 41, 59)


@asynccontextmanager
async def served(url: str) -> AsyncIterator[tuple[httpx.AsyncClient, Sources]]:
    """The application with all its workers."""
    settings = load_settings({"DATABASE_URL": url, "REQUIREMENTS_URL": url, "REDIS_URL": "off"})
    sources = open_sources(*settings.require_stores())
    application = app.create_app(settings, sources, on_loopback=True, run_workers=True)
    async with application.router.lifespan_context(application):
        transport = httpx.ASGITransport(app=application)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000", timeout=60) as client:
            yield client, sources


async def drained(url: str) -> None:
    async with asyncio.timeout(120):
        while rows(url, "SELECT count(*) FROM queue_messages") != [(0,)] or rows(
            url, "SELECT count(*) FROM outbox WHERE NOT projected AND refused = ''"
        ) != [(0,)]:
            await asyncio.sleep(0.1)


async def asked(client: httpx.AsyncClient, document: str) -> Any:
    return (await client.post("/graphql", json={"query": document})).json()


async def test_poison_is_set_aside_and_everything_else_has_its_effect(postgres: EmbeddedPostgres) -> None:
    # One row of each kind that nobody can show, published triggers and a run that waits among them.
    url = poisoned(postgres, "faults_poison", LARGE_NUMBER, "infinity")
    with psycopg.connect(url, autocommit=True) as connection:
        # Its time has come long ago.
        connection.execute("UPDATE workflow_step_runs SET due_at = now() - interval '1 hour'")
    async with served(url) as (client, sources):
        queue = TablesQueue(sources.main, "events")
        made = {
            f"{number}-{n}": json.dumps(
                upserted(f"{number}-{n}", f"i{number}-{n}", n, source=f"/s{number}", attributes={"n": n})
            )
            for number in range(SOURCES)
            for n in range(EVENTS)
        }
        poison = {f"{number}-{n}" for number in range(SOURCES) for n in POISON}
        for nth, id in enumerate(sorted(poison)):
            # As the door of an earlier version let them in.
            made[id] = made[id].replace(f'{{"n": {id.partition("-")[2]}}}', (LARGE_NUMBER, DEEP)[nth % 2])
        await queue.send([NewMessage(f"/s{id[0]}", id, body, "r-1") for id, body in made.items()])
        # What touches the poisoned rows themselves works, and is refused by name where it is poison at the door.
        batch = [upserted("own", "a", name="renamed"), related("edge", "b>a"), upserted("nul", "c", source="/s\0"),
                 upserted("big", "c", attributes=json.loads(LARGE_NUMBER)), upserted("good", "c")]  # fmt: skip
        reply = await client.post("/events", content=json.dumps(batch), headers={"content-type": BATCH})
        assert (reply.status_code, reply.json()["accepted"]) == (202, 3)
        assert [(each["index"], each["id"]) for each in reply.json()["refused"]] == [(2, "nul"), (3, "big")]
        reply = await client.post("/alerts/alertmanager", json=notification(alert("f1")))
        assert reply.status_code == 202
        await drained(url)
        dead = rows(url, "SELECT body::jsonb ->> 'id' FROM dead_letters WHERE queue = 'events'")
        assert {id for (id,) in dead} == poison
        assert len(dead) == len(poison)
        found = rows(url, "SELECT key FROM configuration_item_keys WHERE source = 'cmdb'")
        assert {each for (each,) in found} == {f"i{id}" for id in made.keys() - poison} | {"a", "b", "c"}
        assert rows(url, "SELECT name FROM configuration_items WHERE name = 'renamed'") == [("renamed",)]
        assert rows(url, "SELECT count(*) FROM alerts WHERE fingerprint = 'f1'") == [(1,)]
        # The workers are alive, and whatever asks hears that.
        ready = await client.get("/health/ready")
        workers = {each["name"]: each["state"] for each in ready.json()["workers"]}
        assert (ready.status_code, workers) == (
            200, dict.fromkeys(["documents", "events", "projection", "requirements", "workflows"], "RUNNING"),
        )  # fmt: skip
        body = await asked(client, "{ backlogs { name waiting dead worker { state } } }")
        [events] = [each for each in body["data"]["backlogs"] if each["name"] == "events"]
        assert events == {
            "name": "events", "waiting": 0, "dead": len(poison), "worker": {"state": "RUNNING"},
        }  # fmt: skip
        # A replay of what is poison still ends where it was.
        assert len(await queue.redrive_dead_letters(None)) >= len(poison)
        await drained(url)
        dead = rows(url, "SELECT body::jsonb ->> 'id' FROM dead_letters WHERE queue = 'events'")
        assert {id for (id,) in dead} == poison
