"""Notifications of Prometheus Alertmanager: each of their alerts becomes one event on the queue of events."""

import hashlib
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Literal
from urllib.parse import quote

import msgspec
from msgspec import Meta, Struct

from datasources.files.alerts import AlertMapping
from datasources.queues.port import Queue
from datasources.values import find_violation
from resolvers.alerts import labels as mapped
from resolvers.events.accepting import Accepted, Refusal, accept
from resolvers.events.alert_types import AlertFired, AlertResolved, Labels, Moment
from resolvers.events.reading import NOT_JSON, Unusable, without_nul
from resolvers.events.types import PREFIX

# Alerts of one notification.
MOST_ALERTS = 5_000

# Characters of an incident's title.
TITLE = 500

# Go's zero time: there is no end yet.
NEVER_BEFORE = datetime(2, 1, 1, tzinfo=UTC)


class Notification(Struct, frozen=True):
    """What matters of a webhook's body of version 4; other members are allowed.

    https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
    """

    version: Literal["4"]
    receiver: Annotated[str, Meta(min_length=1)]
    group_key: Annotated[str, Meta(min_length=1)] = msgspec.field(name="groupKey")
    alerts: Annotated[list[msgspec.Raw], Meta(min_length=1)]
    # How many more there are, which `max_alerts` cut off.
    truncated: Annotated[int, Meta(ge=0, le=2**63 - 1)] = msgspec.field(name="truncatedAlerts", default=0)


class NotifiedAlert(Struct, frozen=True):
    """One alert of a notification."""

    status: Literal["firing", "resolved"]
    labels: Labels
    annotations: Labels
    starts_at: Moment = msgspec.field(name="startsAt")
    ends_at: Moment = msgspec.field(name="endsAt")
    fingerprint: Annotated[str, Meta(min_length=1)]
    generator_url: str = msgspec.field(name="generatorURL", default="")


class TooManyAlerts(Exception):
    """A notification has more alerts than one may have."""


_NOTIFICATION = msgspec.json.Decoder(Notification)
_ALERT = msgspec.json.Decoder(NotifiedAlert)


def read(body: bytes) -> Notification:
    """The notification in these bytes. Unusable with its reason; TooManyAlerts."""
    try:
        notification = _NOTIFICATION.decode(body)
    except msgspec.ValidationError as error:
        raise Unusable(f"not a notification of version 4: {error}") from error
    except NOT_JSON as error:
        raise Unusable(f"not JSON: {error}") from error
    if len(notification.alerts) > MOST_ALERTS:
        raise TooManyAlerts
    return notification


async def accept_notification(
    queue: Queue,
    notification: Notification,
    mapping: AlertMapping,
    request_id: str,
    now: datetime | None = None,
    sender: str = "",
) -> Accepted:
    """Queue an event for each alert that can be tried, all in one go; what was refused by its place among the alerts.

    An alert that is told again, by whichever of several Alertmanagers, has the same id and source. SourceError if the
    queue is lost; then none is queued.
    """
    # Alertmanager escapes what regular expressions use.
    receiver = re.sub(r"\\(.)", r"\1", notification.receiver)
    source = f"/alertmanager/{quote(receiver, safe='')}"
    events: list[tuple[bool, int, bytes]] = []
    refused: list[Refusal] = []
    for place, raw in enumerate(notification.alerts):
        try:
            alert = _read_alert(raw)
        except Unusable as unusable:
            refused.append(Refusal(place, unusable.id, source, unusable.reason))
        else:
            body = _event(alert, receiver, source, notification.group_key, mapping)
            events.append((alert.status == "resolved", place, body))
    # What fires goes first: an incident that an alert of the same notification joins is not resolved in between.
    events.sort()
    accepted = await accept(queue, [body for _, _, body in events], request_id, now, sender)
    refused += [replace(each, index=events[each.index][1]) for each in accepted.refused]
    return Accepted(accepted.accepted, sorted(refused, key=lambda each: each.index))


def _read_alert(raw: msgspec.Raw) -> NotifiedAlert:
    try:
        alert = _ALERT.decode(raw)
    except (msgspec.ValidationError, *NOT_JSON) as error:
        raise Unusable(f"not an alert: {error}") from error
    if violation := find_violation(alert):
        raise Unusable(f"not an alert: {violation}", without_nul(alert.fingerprint))
    if alert.status == "resolved" and alert.ends_at < NEVER_BEFORE:
        raise Unusable("it is resolved and has no endsAt, so it counts as firing still", alert.fingerprint)
    return alert


def _event(alert: NotifiedAlert, receiver: str, source: str, group_key: str, mapping: AlertMapping) -> bytes:
    fires = alert.status == "firing"
    data = _fired(alert, receiver, group_key, mapping) if fires else _resolved(alert, receiver, group_key)
    said = msgspec.json.encode(data, order="deterministic")
    # With what it says: annotations may hold a value that moves, and another content under one id is refused.
    digest = hashlib.sha256(said).hexdigest()[:16]
    kind = "fired" if fires else "resolved"
    return msgspec.json.encode(
        {
            "specversion": "1.0",
            "id": f"{alert.fingerprint}-{alert.starts_at.astimezone(UTC).isoformat()}-{kind}-{digest}",
            "source": source,
            "type": f"{PREFIX}alert.{kind}",
            "time": alert.starts_at if fires else alert.ends_at,
            "data": msgspec.Raw(said),
        }
    )


def _fired(alert: NotifiedAlert, receiver: str, group_key: str, mapping: AlertMapping) -> AlertFired:
    gravity = mapped.gravity(mapping, alert.labels)
    title = alert.annotations.get("summary", "").strip() or alert.labels.get("alertname", "").strip()
    return AlertFired(
        receiver=receiver,
        group_key=group_key,
        fingerprint=alert.fingerprint,
        starts_at=alert.starts_at,
        labels=alert.labels,
        title=(title or f"Alert {alert.fingerprint}")[:TITLE],
        impact=gravity.impact,
        urgency=gravity.urgency,
        items=mapped.items(mapping, alert.labels),
        annotations=alert.annotations,
        generator_url=alert.generator_url,
    )


def _resolved(alert: NotifiedAlert, receiver: str, group_key: str) -> AlertResolved:
    return AlertResolved(
        receiver=receiver,
        group_key=group_key,
        fingerprint=alert.fingerprint,
        starts_at=alert.starts_at,
        labels=alert.labels,
        ends_at=alert.ends_at,
    )
