"""What waits in the queues and what lies dead, as numbers that can be watched."""

import json
import logging
from typing import Any

import psycopg
import pytest

from datasources.config import DocumentLimits
from datasources.observability.logs import JsonFormatter
from datasources.queues.tables.queue import TablesQueue
from datasources.request import RequestContext
from datasources.sources import Sources
from resolvers.context import Context
from resolvers.events.ingest import ingest_events
from resolvers.principals.principal import Principal, PrincipalKind
from schema.execution.execution import GraphQLRequest, execute_request
from tests.fixtures.event_stores import sources, url
from tests.fixtures.events import upserted
from workers import events as worker

__all__ = ["sources", "url"]


async def shown(
    sources: Sources, *permissions: str, document: str = "{ backlogs { name waiting oldestSeconds dead } }"
) -> dict[str, Any]:
    allowed = frozenset({"documents:free-form", *permissions})
    principal = Principal("x", "X", PrincipalKind.SERVICE, allowed)
    context = Context(principal, principal.scope, sources, RequestContext())
    return (await execute_request(GraphQLRequest(document, {}), context, DocumentLimits())).body


async def send(sources: Sources, *events: Any) -> TablesQueue:
    queue = TablesQueue(sources.main, "events")
    assert (await ingest_events(queue, [json.dumps(each).encode() for each in events], "r1")).refused == []
    return queue


async def test_backlog_age_and_rejects_are_numbers(sources: Sources, url: str) -> None:
    empty = {"name": "events", "waiting": 0, "oldestSeconds": 0.0, "dead": 0}
    assert (await shown(sources, "consistency:read"))["data"]["backlogs"] == [empty]
    queue = await send(sources, upserted("1", "a"), upserted("2", "x", class_="nothing"))
    await worker.process_batch(sources, queue)
    await send(sources, upserted("3", "b"), upserted("4", "c"), upserted("5", "d", source="/other"))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE queue_messages SET sent_at = now() - interval '90 s' WHERE group_key = '/other'")
    body = await shown(sources, "consistency:read")
    [events] = body["data"]["backlogs"]
    assert (events["name"], events["waiting"], events["dead"]) == ("events", 3, 1)
    assert 90 <= events["oldestSeconds"] < 150
    assert body["extensions"]["stores"]["sql"] == 1


async def test_who_may_not_know_is_told_so(sources: Sources) -> None:
    body = await shown(sources)
    assert (body["data"], body["errors"][0]["extensions"]["permission"]) == ({"backlogs": None}, "consistency:read")


WORKERS = """{ backlogs { name dead worker { name state } } workers { name state reason failures lastRoundAt } }"""


async def test_workers_are_told_with_their_state(sources: Sources) -> None:
    body = await shown(sources, "consistency:read", document=WORKERS)
    assert body["data"] == {"backlogs": [{"name": "events", "dead": 0, "worker": None}], "workers": []}
    sources.heartbeats.add("events", 60).fail(ValueError("a value of a row"), 1.0)
    sources.heartbeats.add("workflows", 60).succeed()
    body = await shown(sources, "consistency:read", document=WORKERS)
    events, workflows = body["data"]["workers"]
    assert events == {"name": "events", "state": "FAILING", "reason": "ValueError", "failures": 1, "lastRoundAt": None}
    assert (workflows["name"], workflows["state"]) == ("workflows", "RUNNING")
    assert workflows["lastRoundAt"] is not None
    assert body["data"]["backlogs"][0]["worker"] == {"name": "events", "state": "FAILING"}
    hidden = await shown(sources, document="{ workers { name } }")
    assert hidden["data"] == {"workers": None}


async def test_a_round_with_work_leaves_one_line(sources: Sources, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "stackflow.events"):
        queue = await send(sources, upserted("1", "a"), upserted("2", "b"), upserted("3", "x", class_="nothing"))
        assert (await worker.process_batch(sources, queue), await worker.process_batch(sources, queue)) == (3, 0)
    lines = [json.loads(JsonFormatter().format(each)) for each in caplog.records if each.levelname == "INFO"]
    assert len(lines) == 1
    assert {name: lines[0][name] for name in ("message", "received", "done", "dead", "again", "held")} == {
        "message": "events", "received": 3, "done": 2, "dead": 1, "again": 0, "held": 0,
    }  # fmt: skip
    assert lines[0]["milliseconds"] > 0
