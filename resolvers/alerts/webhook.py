"""Parse webhook bodies of Prometheus Alertmanager (all versions) and of Grafana alerting.

Only the required members are parsed, so other members cannot cause a rejection.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal, TypeVar

import msgspec
from msgspec import Struct

from datasources.json_members import TooManyMembers, split_array, split_object
from datasources.values import MAX_INTEGER, find_violation
from resolvers.alerts.fingerprint import fingerprint_of
from resolvers.events.handlers.alert_types import Labels, Moment
from resolvers.events.parser import JSON_ERRORS, MAX_MEMBERS, TOO_DEEP, InvalidEvent, explain_json_error, replace_nul

T = TypeVar("T")

# Maximum number of alerts in one notification.
MAX_ALERTS = 5_000
# Used if the notification does not name a receiver.
DEFAULT_RECEIVER = "default"
# Earlier end times are the zero time of Go: the alert has no end yet.
NEVER_BEFORE = datetime(2, 1, 1, tzinfo=UTC)


class Notification(Struct, frozen=True):
    """A notification. `group_key` is empty if it has no group; then each alert is its own group."""

    receiver: str
    group_key: str
    alerts: list[bytes]
    # How many alerts Alertmanager omitted because of `max_alerts`.
    truncated: int


class NotifiedAlert(Struct, frozen=True):
    """One alert of a notification. `links` are Grafana's additional values by name, as text."""

    status: Literal["firing", "resolved"]
    labels: Labels
    annotations: Labels
    starts_at: datetime
    ends_at: datetime
    fingerprint: str
    generator_url: str
    links: Labels


class _Alert(Struct, frozen=True, rename="camel"):
    """An alert as sent. Alertmanager before 0.19 sends no fingerprint; Grafana sometimes sends no start."""

    status: Literal["firing", "resolved"]
    starts_at: Moment
    ends_at: Moment | None = None
    labels: Labels | None = None
    annotations: Labels | None = None
    fingerprint: str | None = None
    generator_url: str | None = msgspec.field(name="generatorURL", default=None)


_ALERT = msgspec.json.Decoder(_Alert)
ALERT_MEMBERS = _Alert.__struct_encode_fields__


def parse_notification(body: bytes) -> Notification:
    """Return the notification with its alerts unparsed. Raises InvalidEvent with the reason, or TooManyMembers.

    https://prometheus.io/docs/alerting/latest/configuration/#webhook_config and
    https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/
    """
    try:
        members = split_object(body, MAX_MEMBERS)
    except ValueError as error:
        raise InvalidEvent(f"not a notification: {error}") from error
    try:
        alerts = split_array(members.get("alerts", b""), MAX_ALERTS)
    except TooManyMembers:
        raise
    except ValueError as error:
        raise InvalidEvent(f"not a notification: alerts: {error}") from error
    if not alerts:
        raise InvalidEvent("not a notification: it has no alerts")
    receiver = _decode(members.get("receiver"), str) or DEFAULT_RECEIVER
    truncated = _decode(members.get("truncatedAlerts"), int)
    return Notification(receiver, _group_key(members), alerts, min(max(0, truncated or 0), MAX_INTEGER))


def parse_alert(raw: bytes) -> NotifiedAlert:
    """Parse one alert. Raises InvalidEvent with the reason."""
    try:
        members = split_object(raw, MAX_MEMBERS)
        needed = [b'"%s":%s' % (name.encode(), members[name]) for name in ALERT_MEMBERS if name in members]
        alert = _ALERT.decode(b"{" + b",".join(needed) + b"}")
    except RecursionError as error:
        raise InvalidEvent(f"not an alert: {TOO_DEEP}") from error
    except (ValueError, *JSON_ERRORS) as error:
        raise InvalidEvent(f"not an alert: {explain_json_error(error, raw)}") from error
    labels = alert.labels or {}
    fingerprint = alert.fingerprint or fingerprint_of(labels)
    ends_at = alert.ends_at or NEVER_BEFORE.replace(year=1)
    notified = NotifiedAlert(
        status=alert.status,
        labels=labels,
        annotations=alert.annotations or {},
        starts_at=alert.starts_at,
        ends_at=ends_at,
        fingerprint=fingerprint,
        generator_url=alert.generator_url or "",
        links=_links(members),
    )
    if violation := find_violation(notified):
        raise InvalidEvent(f"not an alert: {violation}", replace_nul(fingerprint))
    if alert.status == "resolved" and ends_at < NEVER_BEFORE:
        raise InvalidEvent("it is resolved but has no endsAt, so it still counts as firing", fingerprint)
    return notified


def _group_key(members: Mapping[str, bytes]) -> str:
    # In versions before 4 it is a number.
    group_key = members.get("groupKey")
    if key := _decode(group_key, str) or _decode(group_key, int):
        return str(key)
    labels = _decode(members.get("groupLabels"), dict[str, str])
    return msgspec.json.encode(labels, order="sorted").decode() if labels else ""


def _links(members: Mapping[str, bytes]) -> Labels:
    values = _decode(members.get("values"), dict[str, float | None])
    links = {
        "dashboardURL": _decode(members.get("dashboardURL"), str),
        "panelURL": _decode(members.get("panelURL"), str),
        "values": ", ".join(f"{name}={value:g}" for name, value in sorted(values.items()) if value is not None)
        if values
        else None,
    }
    return {name: text for name, text in links.items() if text}


def _decode(raw: bytes | None, kind: type[T]) -> T | None:
    """Return the member if it has this type, else None: optional members cannot cause a rejection."""
    if raw is None:
        return None
    try:
        return msgspec.json.decode(raw, type=kind)
    except (ValueError, *JSON_ERRORS):
        return None
