"""POST /alerts/alertmanager: from Alertmanager's own words to incidents and back, and each kind of bad input."""

import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from datasources.aurora.alerts import writes as alert_writes
from datasources.aurora.driver.database import Database
from datasources.config import DocumentLimits
from datasources.files.mappings.alerts import AlertMapping, ItemTemplate, load_alert_mapping
from datasources.queues.port import Queue
from datasources.queues.tables.queue import TablesQueue
from datasources.request import RequestContext
from datasources.sources import Sources
from resolvers.alerts.labels import map_items
from resolvers.context import Context
from resolvers.principals.errors import UnknownApiKey
from resolvers.principals.principal import Principal, PrincipalKind
from schema.execution.execution import GraphQLRequest, execute_request
from schema.http.alert_webhooks import alert_routes
from tests.fixtures.alerts import NEVER, alert, incidents, notes, notification
from tests.fixtures.event_stores import sources, url
from tests.fixtures.events import rows, upserted
from tests.fixtures.operations_events import linked, take, write
from workers import events as worker

__all__ = ["sources", "url"]

MAPPING = AlertMapping(items=(ItemTemplate("cmdb", "{{instance.host}}"),), severity=load_alert_mapping().severity)


async def authenticate(header: str | None) -> Principal:
    if header not in {"Bearer alertmanager", "Bearer events"}:
        raise UnknownApiKey
    permissions = {"alerts:write"} if header == "Bearer alertmanager" else {"events:write"}
    return Principal("t", "T", PrincipalKind.SERVICE, frozenset(permissions))


@pytest.fixture
def queue(sources: Sources) -> Queue:
    return TablesQueue(sources.main, "events")


@pytest.fixture
async def client(queue: Queue) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=Starlette(routes=alert_routes(queue, authenticate, MAPPING)))
    headers = {"authorization": "Bearer alertmanager", "x-stackflow-request-id": "r-1"}
    async with httpx.AsyncClient(transport=transport, base_url="http://stackflow", headers=headers) as opened:
        yield opened


async def post(client: httpx.AsyncClient, body: Any, kind: str = "application/json") -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await client.post("/alerts/alertmanager", content=content, headers={"content-type": kind})


async def notify(client: httpx.AsyncClient, sources: Sources, queue: Queue, *alerts: Any, **of: Any) -> int:
    """A notification accepted as a whole and given its effect; how many events that took."""
    reply = await post(client, notification(*alerts, **of))
    assert (reply.status_code, reply.json()) == (202, {"accepted": len(alerts), "refused": [], "truncated": 0})
    done = 0
    while taken := await worker.process_batch(sources, queue):
        done += taken
    assert await queue.list_dead_letters(10) == []
    return done


async def shown(sources: Sources, *permissions: str, teams: tuple[str, ...] = ()) -> Any:
    principal = Principal(
        "x", "X", PrincipalKind.USER, frozenset({"documents:free-form", *permissions}), frozenset(teams)
    )
    context = Context(principal, principal.scope, sources, RequestContext())
    document = """{ incidents { nodes { title priority state
        alerts { fingerprint receiver status labels annotations generatorURL startsAt endsAt } } } }"""
    response = await execute_request(GraphQLRequest(document, {}), context, DocumentLimits())
    return response.body


async def test_a_critical_alert_becomes_a_p1_incident_and_its_end_resolves_it(
    client: httpx.AsyncClient, sources: Sources, queue: Queue, url: str
) -> None:
    await take(sources, upserted("0", "shop", owner="payments"))
    assert await notify(client, sources, queue, alert("1a30ba71cca2921f")) == 1
    assert incidents(url) == [("Redis 1a30ba71cca2921f is down", "NEW", 1, 1)]
    assert linked(url) == [("shop", "AFFECTED")]
    assert rows(url, "SELECT t.key, i.description FROM incidents i JOIN teams t ON t.id = i.team_id") == [
        ("payments", "Nothing answers on its port.")
    ]
    # The reminder of every repeat_interval.
    assert await notify(client, sources, queue, alert("1a30ba71cca2921f")) == 0
    body = await shown(sources, "incidents:read")
    assert body["data"]["incidents"]["nodes"] == [
        {
            "title": "Redis 1a30ba71cca2921f is down", "priority": 1, "state": "NEW",
            "alerts": [{
                "fingerprint": "1a30ba71cca2921f", "receiver": "stackflow", "status": "FIRING",
                "labels": {"alertname": "RedisDown", "instance": "shop:9121", "severity": "critical"},
                "annotations": alert("1a30ba71cca2921f")["annotations"],
                "generatorURL": "http://prometheus.example.org:9090/graph?g0.expr=redis_up+%3D%3D+0&g0.tab=1",
                "startsAt": "2026-03-01T12:00:00+00:00", "endsAt": None,
            }],
        }
    ]  # fmt: skip
    assert await notify(client, sources, queue, alert("1a30ba71cca2921f", 0, 7)) == 1
    assert incidents(url) == [("Redis 1a30ba71cca2921f is down", "RESOLVED", 1, 1)]
    [incident] = (await shown(sources, "incidents:read"))["data"]["incidents"]["nodes"]
    assert [(each["status"], each["endsAt"]) for each in incident["alerts"]] == [
        ("RESOLVED", "2026-03-01T12:07:00+00:00")
    ]
    told = "SELECT DISTINCT principal, request_id FROM audit_entries WHERE entity = 'INCIDENT'"
    assert rows(url, told) == [("event:/alertmanager/stackflow", "r-1")]
    assert rows(url, "SELECT count(*) FROM incidents") == [(1,)]


@pytest.mark.parametrize(
    ("labels", "name", "team"),
    [
        ({"service": "redis"}, "Persistent Redis", "scalability"),
        ({"type": "web", "tier": "sv"}, "GitLab.com Web", "create"),
        ({"instance": "redis-persistent-01:9121", "service": "redis"}, "Persistent Redis node 01", "scalability"),
        ({"instance": "10.1.2.3:9100", "node": "db-main-01"}, "Main database node 01", "database"),
        (
            {"configuration_item_source": "gitlab", "configuration_item": "api", "service": "web"},
            "GitLab API",
            "create",
        ),
    ],
)
async def test_the_mapping_that_ships_knows_the_demo(
    demo: tuple[str, str], labels: dict[str, str], name: str, team: str
) -> None:
    main = Database("main", demo[0])
    async with main.transaction() as transaction:
        found = await alert_writes.find_item(
            transaction, [(key.source, key.key) for key in map_items(load_alert_mapping(), labels)]
        )
    await main.close()
    assert found is not None
    assert rows(
        demo[0],
        "SELECT c.name, t.key FROM configuration_items c JOIN teams t ON t.id = c.owner_team_id "
        f"WHERE c.id = '{found.id}' AND t.id = '{found.team_id}'",
    ) == [(name, team)]


async def test_a_moving_annotation_is_no_news(
    client: httpx.AsyncClient, sources: Sources, queue: Queue, url: str
) -> None:
    await notify(client, sources, queue, alert("f", summary="Redis uses 91%"))
    assert await notify(client, sources, queue, alert("f", summary="Redis uses 97%")) == 1
    assert incidents(url) == [("Redis uses 91%", "NEW", 1, 1)]
    assert rows(url, "SELECT version FROM incidents") == [(2,)]


async def test_one_that_ends_as_another_fires_keeps_the_incident_open(
    client: httpx.AsyncClient, sources: Sources, queue: Queue, url: str
) -> None:
    await notify(client, sources, queue, alert("a"))
    await notify(client, sources, queue, alert("a", 0, 5), alert("b", 5))
    assert incidents(url) == [("Redis a is down", "NEW", 1, 2)]
    assert rows(url, "SELECT kind FROM incident_activities ORDER BY happened_at, id") == [
        ("Opened",), ("Note",), ("Note",), ("Note",),
    ]  # fmt: skip


async def test_alertmanagers_that_tell_the_same_are_one(
    client: httpx.AsyncClient, sources: Sources, queue: Queue, url: str
) -> None:
    both = alert("a"), alert("b", 1, severity="warning")
    assert await notify(client, sources, queue, *both) == 2
    assert await notify(client, sources, queue, *reversed(both)) == 0
    assert incidents(url) == [("Redis a is down", "NEW", 1, 2)]
    # Another receiver is told on its own account.
    assert await notify(client, sources, queue, *both, receiver="web\\.hook 2") == 2
    assert rows(url, "SELECT DISTINCT receiver FROM alerts ORDER BY 1") == [("stackflow",), ("web.hook 2",)]
    assert rows(url, "SELECT DISTINCT source FROM received_events ORDER BY 1") == [
        ("/alertmanager/stackflow",), ("/alertmanager/web.hook%202",),
    ]  # fmt: skip


async def test_an_alert_without_an_item_or_a_summary_still_opens_an_incident(
    client: httpx.AsyncClient, sources: Sources, queue: Queue, url: str
) -> None:
    bare = alert("f") | {"annotations": {}, "labels": {"alertname": "Watchdog", "severity": "none"}}
    nameless = alert("g") | {"annotations": {}, "labels": {}}
    await notify(client, sources, queue, bare, group="1")
    await notify(client, sources, queue, nameless, group="2")
    assert incidents(url) == [("Watchdog", "NEW", 4, 1), ("Alert g", "NEW", 3, 1)]
    assert notes(url)[0] == (
        "Opened by an alert: Watchdog (no configuration item matches its labels; link what it affects)"
    )


async def test_alerts_are_hidden_where_their_incident_is(
    client: httpx.AsyncClient, sources: Sources, queue: Queue, url: str
) -> None:
    await notify(client, sources, queue, alert("f"))
    body = await shown(sources)
    assert (body["data"]["incidents"], body["errors"][0]["extensions"]["permission"]) == (None, "incidents:read")
    write(url, "UPDATE incidents SET restricted_team_id = (SELECT id FROM teams WHERE key = 'payments')")
    assert (await shown(sources, "incidents:read"))["data"]["incidents"]["nodes"] == []
    [seen] = (await shown(sources, "incidents:read", teams=("payments",)))["data"]["incidents"]["nodes"]
    assert [each["fingerprint"] for each in seen["alerts"]] == ["f"]


GOOD = alert("f")


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (3, "not an alert: it is no object"),
        (GOOD | {"status": "pending"}, "not an alert: Invalid enum value 'pending' - at `$.status`"),
        (GOOD | {"startsAt": "yesterday"}, "not an alert: Invalid RFC3339 encoded datetime - at `$.startsAt`"),
        (GOOD | {"labels": {"a": 1}}, "not an alert: Expected `str`, got `int` - at `$.labels[...]`"),
        ({name: GOOD[name] for name in GOOD if name != "startsAt"},
         "not an alert: Object missing required field `startsAt`"),
        (GOOD | {"status": "resolved", "endsAt": NEVER},
         "it is resolved but has no endsAt, so it still counts as firing"),
        (GOOD | {"startsAt": "2999-01-01T00:00:00Z"},
         "its time 2999-01-01T00:00:00+00:00 is too far in the future; correct the clock of the source"),
        (GOOD | {"startsAt": NEVER},
         "its time 0001-01-01T00:00:00+00:00 is before 1970; correct the clock of the source"),
        (GOOD | {"annotations": {"description": "x" * 300_000}},
         "the event has 300609 bytes; 262144 are allowed"),
    ],
)  # fmt: skip
async def test_an_alert_that_is_none_is_refused_and_the_others_are_taken(
    client: httpx.AsyncClient, queue: Queue, bad: Any, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "stackflow.alerts"):
        reply = await post(client, notification(alert("a"), bad, alert("b"), cut=2))
    assert reply.status_code == 202
    assert (reply.json()["accepted"], reply.json()["truncated"]) == (2, 2)
    assert [(each["index"], each["reason"]) for each in reply.json()["refused"]] == [(1, reason)]
    assert (await queue.depth()).waiting == 2
    assert [each.getMessage() for each in caplog.records] == [
        f"alerts not taken: 1 refused, 2 cut off by max_alerts; {reason}"
    ]
    alone = await post(client, notification(bad))
    assert (alone.status_code, alone.json()["accepted"]) == (400, 0)


@pytest.mark.parametrize(
    ("body", "kind", "status", "message"),
    [
        (b"{", "application/json", 400, "not a notification: the object has no end"),
        ([], "application/json", 400, "not a notification: it is no object"),
        (notification(), "application/json", 400,
         "not a notification: it has no alerts"),
        (notification(*[1] * 5_001), "application/json", 413, "the notification has more than 5,000 alerts"),
        (b" " * 8_388_609, "application/json", 413, "the body is over 8388608 bytes"),
        (notification(GOOD), "application/cloudevents+json", 415,
         "content-type is 'application/cloudevents+json'; send application/json"),
    ],
)  # fmt: skip
async def test_what_is_no_notification_is_refused_as_a_whole(
    client: httpx.AsyncClient, queue: Queue, body: Any, kind: str, status: int, message: str
) -> None:
    reply = await post(client, body, kind)
    assert (reply.status_code, reply.json()["errors"][0]["message"]) == (status, message)
    assert (await queue.depth()).waiting == 0


async def test_who_may_not_write_alerts_sends_none(client: httpx.AsyncClient, queue: Queue) -> None:
    client.headers["authorization"] = "Bearer events"
    reply = await post(client, notification(GOOD))
    assert (reply.status_code, reply.json()["errors"][0]["extensions"]) == (
        403,
        {"code": "FORBIDDEN", "permission": "alerts:write"},
    )
    client.headers["authorization"] = "Bearer nobody"
    reply = await post(client, notification(GOOD))
    assert (reply.status_code, reply.headers["www-authenticate"]) == (401, "Bearer")
    assert (await queue.depth()).waiting == 0


async def test_a_lost_queue_is_told_so_that_alertmanager_sends_again() -> None:
    away = Database("main", "postgresql://nobody@127.0.0.1:1/none", pool_timeout=0.1)
    transport = httpx.ASGITransport(
        app=Starlette(routes=alert_routes(TablesQueue(away, "events"), authenticate, MAPPING))
    )
    async with httpx.AsyncClient(transport=transport, base_url="http://stackflow") as client:
        client.headers["authorization"] = "Bearer alertmanager"
        reply = await post(client, notification(GOOD))
    assert (reply.status_code, reply.json()["errors"][0]["extensions"]["code"]) == (503, "SOURCE_UNAVAILABLE")
    await away.close()
