"""Notifications of Alertmanager and Grafana: each of their alerts becomes one event on the queue of events."""

import asyncio
import hashlib
import re
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import quote

import msgspec

from datasources.files.alerts import AlertMapping
from datasources.messages import truncate_message
from datasources.queues.port import Queue
from resolvers.alerts import labels as mapped
from resolvers.alerts.webhook import Notification, NotifiedAlert, parse_alert
from resolvers.events.alert_types import AlertFired, AlertResolved
from resolvers.events.ingest import IngestResult, Rejection, ingest_events
from resolvers.events.landscape_types import EVENT_TYPE_PREFIX
from resolvers.events.parser import MAX_NAME_CHARACTERS, InvalidEvent

# Characters of an incident's title.
MAX_TITLE_LENGTH = 500


async def ingest_notification(
    queue: Queue,
    notification: Notification,
    mapping: AlertMapping,
    request_id: str,
    now: datetime | None = None,
    sender: str = "",
) -> IngestResult:
    """Queue an event for each alert that can be tried, all in one go; what was refused by its place among the alerts.

    An alert that is told again, by whichever of several Alertmanagers, has the same id and source. SourceError if the
    queue is lost; then none is queued.
    """
    # Alertmanager escapes what regular expressions use.
    receiver = re.sub(r"\\(.)", r"\1", notification.receiver)
    source = f"/alertmanager/{quote(receiver, safe='')}"
    events: list[tuple[bool, int, bytes]] = []
    refused: list[Rejection] = []
    for place, raw in enumerate(notification.alerts):
        # Others are answered in between.
        await asyncio.sleep(0)
        try:
            alert = parse_alert(raw)
        except InvalidEvent as unusable:
            refused.append(
                Rejection(place, unusable.id, truncate_message(source, MAX_NAME_CHARACTERS), unusable.reason)
            )
        else:
            # Where no group is told, an alert is one of its own.
            group_key = notification.group_key or alert.fingerprint
            body = _event(alert, receiver, source, group_key, mapping)
            events.append((alert.status == "resolved", place, body))
    # What fires goes first: an incident that an alert of the same notification joins is not resolved in between.
    events.sort()
    accepted = await ingest_events(queue, [body for _, _, body in events], request_id, now, sender)
    refused += [replace(each, index=events[each.index][1]) for each in accepted.refused]
    return IngestResult(accepted.accepted, sorted(refused, key=lambda each: each.index))


def _event(alert: NotifiedAlert, receiver: str, source: str, group_key: str, mapping: AlertMapping) -> bytes:
    fires = alert.status == "firing"
    data = (
        _to_fired_event(alert, receiver, group_key, mapping)
        if fires
        else _to_resolved_event(alert, receiver, group_key)
    )
    said = msgspec.json.encode(data, order="deterministic")
    # With what it says: annotations may hold a value that moves, and another content under one id is refused.
    digest = hashlib.sha256(said).hexdigest()[:16]
    kind = "fired" if fires else "resolved"
    return msgspec.json.encode(
        {
            "specversion": "1.0",
            "id": f"{alert.fingerprint}-{alert.starts_at.astimezone(UTC).isoformat()}-{kind}-{digest}",
            "source": source,
            "type": f"{EVENT_TYPE_PREFIX}alert.{kind}",
            "time": alert.starts_at if fires else alert.ends_at,
            "data": msgspec.Raw(said),
        }
    )


def _to_fired_event(alert: NotifiedAlert, receiver: str, group_key: str, mapping: AlertMapping) -> AlertFired:
    gravity = mapped.map_severity(mapping, alert.labels)
    title = alert.annotations.get("summary", "").strip() or alert.labels.get("alertname", "").strip()
    return AlertFired(
        receiver=receiver,
        group_key=group_key,
        fingerprint=alert.fingerprint,
        starts_at=alert.starts_at,
        labels=alert.labels,
        title=(title or f"Alert {alert.fingerprint}")[:MAX_TITLE_LENGTH],
        impact=gravity.impact,
        urgency=gravity.urgency,
        items=mapped.map_items(mapping, alert.labels),
        annotations=alert.links | alert.annotations,
        generator_url=alert.generator_url,
    )


def _to_resolved_event(alert: NotifiedAlert, receiver: str, group_key: str) -> AlertResolved:
    return AlertResolved(
        receiver=receiver,
        group_key=group_key,
        fingerprint=alert.fingerprint,
        starts_at=alert.starts_at,
        labels=alert.labels,
        ends_at=alert.ends_at,
    )
