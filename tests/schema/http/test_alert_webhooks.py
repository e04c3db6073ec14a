"""Webhooks of Grafana and of older Alertmanagers, and odd members of a notification: what can be used is taken."""

import json
from typing import Any

import httpx
import pytest

from datasources.queues.port import Queue
from datasources.sources import Sources
from resolvers.alerts.fingerprint import fingerprint_of
from tests.fixtures.alerts import alert, incidents, notification
from tests.fixtures.event_stores import sources, url
from tests.fixtures.events import rows
from tests.schema.http.test_alert_notifications import client, notify, post, queue, shown
from workers import events as worker

__all__ = ["client", "queue", "sources", "url"]


def grafana(*alerts: Any, **members: Any) -> dict[str, Any]:
    """What Grafana posts from a contact point of the kind webhook."""
    return {
        "receiver": "StackFlow", "status": "firing", "orgId": 1, "alerts": list(alerts),
        "groupLabels": {"alertname": "RedisDown"}, "commonLabels": {"alertname": "RedisDown"}, "commonAnnotations": {},
        "externalURL": "https://grafana.example.org/", "version": "1", "groupKey": '{}:{alertname="RedisDown"}',
        "truncatedAlerts": 0, "title": "[FIRING:1] RedisDown", "state": "alerting", "message": "**Firing**",
    } | members  # fmt: skip


async def test_a_contact_point_of_grafana_opens_and_resolves_an_incident(
    client: httpx.AsyncClient, sources: Sources, queue: Queue, url: str
) -> None:
    links = {
        "silenceURL": "https://grafana.example.org/silence", "dashboardURL": "https://grafana.example.org/d/redis",
        "panelURL": "", "values": {"B": 44.25, "C": 1, "D": None}, "imageURL": None,
    }  # fmt: skip
    fires = alert("c6eadffa33fcdf37") | links
    for body in (grafana(fires), grafana(alert("c6eadffa33fcdf37", 0, 9) | links, status="resolved", state="ok")):
        assert (await post(client, body)).json() == {"accepted": 1, "refused": [], "truncated": 0}
        while await worker.process_batch(sources, queue):
            pass
    assert await queue.list_dead_letters(10) == []
    assert [(title, state) for title, state, *_ in incidents(url)] == [("Redis c6eadffa33fcdf37 is down", "RESOLVED")]
    [incident] = (await shown(sources, "incidents:read"))["data"]["incidents"]["nodes"]
    [told] = incident["alerts"]
    annotations = fires["annotations"] | {
        "dashboardURL": "https://grafana.example.org/d/redis", "values": "B=44.25, C=1",
    }  # fmt: skip
    assert (told["receiver"], told["annotations"]) == ("StackFlow", annotations)


async def test_an_alert_without_a_fingerprint_has_that_of_its_labels(
    client: httpx.AsyncClient, sources: Sources, queue: Queue, url: str
) -> None:
    told = alert("x")
    old = {name: value for name, value in told.items() if name != "fingerprint"}
    own = fingerprint_of(told["labels"])
    assert await notify(client, sources, queue, old) == 1
    # After an upgrade, Alertmanager tells the same fingerprint itself.
    assert await notify(client, sources, queue, told | {"fingerprint": own}) == 0
    assert rows(url, "SELECT fingerprint FROM alerts") == [(own,)]


@pytest.mark.parametrize(
    "members",
    [
        {"version": "5"}, {"version": None}, {"externalURL": None}, {"truncatedAlerts": None},
        {"truncatedAlerts": "many"}, {"truncatedAlerts": -1}, {"groupLabels": None}, {"commonLabels": [1]},
        {"commonAnnotations": {"a": {"b": 10**400}}}, {"status": 7}, {"groupKey": 1234567890123456789},
        {"groupKey": ""}, {"groupKey": None}, {"receiver": None}, {"receiver": ""}, {"receiver": 7},
    ],
    ids=str,
)  # fmt: skip
async def test_what_is_odd_around_the_alerts_refuses_none_of_them(
    client: httpx.AsyncClient, queue: Queue, members: dict[str, Any]
) -> None:
    reply = await post(client, notification(alert("a"), alert("b")) | members)
    assert (reply.status_code, reply.json()) == (202, {"accepted": 2, "refused": [], "truncated": 0})
    assert (await queue.depth()).waiting == 2


async def test_a_number_of_alerts_that_nobody_can_count_is_bounded(client: httpx.AsyncClient) -> None:
    reply = await post(client, notification(alert("a")) | {"truncatedAlerts": 2**70})
    assert (reply.status_code, reply.json()["truncated"]) == (202, 2**64 - 1)


async def test_where_no_group_is_told_each_alert_is_one_of_its_own(
    client: httpx.AsyncClient, sources: Sources, queue: Queue, url: str
) -> None:
    both = [alert("a"), alert("b")]
    await post(client, notification(*both) | {"groupKey": None})
    while await worker.process_batch(sources, queue):
        pass
    # The labels of the group are its key, where there are any.
    assert rows(url, "SELECT count(DISTINCT incident_id), count(*) FROM alerts") == [(1, 2)]
    await post(client, notification(alert("c"), alert("d")) | {"groupKey": None, "groupLabels": {}})
    while await worker.process_batch(sources, queue):
        pass
    assert rows(url, "SELECT count(*) FROM incidents") == [(3,)]


@pytest.mark.parametrize(
    ("odd", "reason"),
    [
        (alert("x") | {"startsAt": "9999-12-31T23:59:59-14:00"}, "not an alert: startsAt is outside the years"),
        (alert("x", 0, 1) | {"endsAt": "0001-01-01T00:00:00+14:00"}, "not an alert: endsAt is outside the years"),
        (
            alert("x") | {"startsAt": "2016-12-31T23:59:60Z"},
            "not an alert: Invalid RFC3339 encoded datetime - at `$.startsAt`; a leap second",
        ),
        (alert("x") | {"status": "pending"}, "not an alert: Invalid enum value 'pending' - at `$.status`"),
        (alert("x") | {"labels": {"a": 1}}, "not an alert: Expected `str`, got `int` - at `$.labels[...]`"),
        (alert("x") | {"startsAt": None}, "not an alert: Expected `datetime`, got `null` - at `$.startsAt`"),
        (alert("x") | {"fingerprint": 7}, "not an alert: Expected `str | null`, got `int` - at `$.fingerprint`"),
        (None, "not an alert: it is no object"),
    ],
)  # fmt: skip
async def test_an_odd_alert_loses_none_of_its_neighbours(
    client: httpx.AsyncClient, queue: Queue, odd: Any, reason: str
) -> None:
    reply = await post(client, notification(alert("a"), odd, alert("b")))
    assert (reply.status_code, reply.json()["accepted"]) == (202, 2)
    [refused] = reply.json()["refused"]
    assert refused["index"] == 1
    assert refused["reason"].startswith(reason)
    assert (await queue.depth()).waiting == 2


@pytest.mark.parametrize(
    ("member", "refused"),
    [("labels", True), ("annotations", True), ("startsAt", True), ("values", False), ("of another version", False)],
)
@pytest.mark.parametrize("odd", ["[" * 6_000 + "]" * 6_000, r'"\ud800"', '"a" b', "NaN"])
async def test_a_member_that_is_no_json_loses_no_other_alert(
    client: httpx.AsyncClient, queue: Queue, member: str, refused: bool, odd: str
) -> None:
    body = json.dumps(notification(alert("a"), alert("x") | {member: "here"}, alert("b")) | {"commonLabels": "here"})
    reply = await post(client, body.replace('"here"', odd).encode())
    assert (reply.status_code, reply.json()["accepted"]) == (202, 2 if refused else 3)
    assert [each["index"] for each in reply.json()["refused"]] == ([1] if refused else [])
    assert (await queue.depth()).waiting == reply.json()["accepted"]


async def test_what_an_alert_may_leave_out_is_no_reason(client: httpx.AsyncClient, queue: Queue) -> None:
    bare = {"status": "firing", "startsAt": "2026-03-01T12:00:00Z"}
    empty = alert("x") | {"labels": None, "annotations": None, "endsAt": None, "generatorURL": None, "fingerprint": ""}
    reply = await post(client, notification(bare, empty))
    assert (reply.status_code, reply.json()["refused"]) == (202, [])
