"""Notifications of Alertmanager and Grafana: each alert becomes one event in the events queue."""

import asyncio
import hashlib
import re
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import quote

import msgspec

from datasources.files.mappings.alerts import AlertMapping
from datasources.messages import truncate_message
from datasources.queues.port import Queue
from resolvers.alerts import labels
from resolvers.alerts.webhook import Notification, NotifiedAlert, parse_alert
from resolvers.events.handlers.alert_types import AlertFired, AlertResolved
from resolvers.events.handlers.landscape_types import EVENT_TYPE_PREFIX
from resolvers.events.ingest import IngestResult, Rejection, ingest_events
from resolvers.events.parser import MAX_NAME_CHARACTERS, InvalidEvent

# In characters, for the title of an incident.
MAX_TITLE_LENGTH = 500


async def ingest_notification(
    queue: Queue,
    notification: Notification,
    mapping: AlertMapping,
    request_id: str,
    now: datetime | None = None,
    sender: str = "",
) -> IngestResult:
    """Queue one event for each valid alert, in one call; report rejected alerts by their index in the notification.

    A repeated notification of an alert, also by another Alertmanager, produces the same event id and source.
    Raises SourceError if the queue is unavailable; then no event is queued.
    """
    # Alertmanager escapes the special characters of regular expressions.
    receiver = re.sub(r"\\(.)", r"\1", notification.receiver)
    source = f"/alertmanager/{quote(receiver, safe='')}"
    events: list[tuple[bool, int, bytes]] = []
    refused: list[Rejection] = []
    for place, raw in enumerate(notification.alerts):
        # Let other requests run between two alerts.
        await asyncio.sleep(0)
        try:
            alert = parse_alert(raw)
        except InvalidEvent as unusable:
            refused.append(
                Rejection(place, unusable.id, truncate_message(source, MAX_NAME_CHARACTERS), unusable.reason)
            )
        else:
            # Without a group key, each alert is its own group.
            group_key = notification.group_key or alert.fingerprint
            body = _event(alert, receiver, source, group_key, mapping)
            events.append((alert.status == "resolved", place, body))
    # Firing alerts first: otherwise a resolved alert could resolve an incident that a firing one is about to join.
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
    # The id contains a digest of the data: annotations may hold changing values, and an id with other data is rejected.
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
    gravity = labels.map_severity(mapping, alert.labels)
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
        items=labels.map_items(mapping, alert.labels),
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
