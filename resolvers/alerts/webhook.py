"""Bodies of webhooks read: those of Prometheus Alertmanager, whatever its version, and of Grafana's alerting.

Only what is needed of a notification is looked at, and only what is needed of an alert can refuse it.
"""

from datetime import UTC, datetime
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from datasources.json_nesting import cut_json
from datasources.values import MAX_INTEGER, find_violation
from resolvers.alerts.fingerprint import fingerprint_of
from resolvers.events.alert_types import Labels, Moment
from resolvers.events.reading import NOT_JSON, Unusable, without_nul

T = TypeVar("T")

# Alerts of one notification.
MOST_ALERTS = 5_000
# The receiver of a notification that names none.
NOBODY = "default"
# Go's zero time: there is no end yet.
NEVER_BEFORE = datetime(2, 1, 1, tzinfo=UTC)


class Notification(Struct, frozen=True):
    """A notification; `group_key` is empty where it names no group, then each alert is one of its own."""

    receiver: str
    group_key: str
    alerts: list[Raw]
    # How many more there are, which `max_alerts` cut off.
    truncated: int


class NotifiedAlert(Struct, frozen=True):
    """One alert of a notification. `links` are what Grafana adds: by name, as texts."""

    status: Literal["firing", "resolved"]
    labels: Labels
    annotations: Labels
    starts_at: datetime
    ends_at: datetime
    fingerprint: str
    generator_url: str
    links: Labels


class TooManyAlerts(Exception):
    """A notification has more alerts than one may have."""


class _Body(Struct, frozen=True):
    """https://prometheus.io/docs/alerting/latest/configuration/#webhook_config and
    https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/
    """

    alerts: Annotated[list[Raw], Meta(min_length=1)]
    receiver: Raw | UnsetType = UNSET
    group_key: Raw | UnsetType = msgspec.field(name="groupKey", default=UNSET)
    group_labels: Raw | UnsetType = msgspec.field(name="groupLabels", default=UNSET)
    truncated: Raw | UnsetType = msgspec.field(name="truncatedAlerts", default=UNSET)


class _Alert(Struct, frozen=True):
    """Alertmanager before 0.19 tells no fingerprint, and Grafana no start of some."""

    status: Literal["firing", "resolved"]
    starts_at: Moment = msgspec.field(name="startsAt")
    ends_at: Moment | None = msgspec.field(name="endsAt", default=None)
    labels: Labels | None = None
    annotations: Labels | None = None
    fingerprint: str | None = None
    generator_url: str | None = msgspec.field(name="generatorURL", default=None)
    dashboard_url: Raw | UnsetType = msgspec.field(name="dashboardURL", default=UNSET)
    panel_url: Raw | UnsetType = msgspec.field(name="panelURL", default=UNSET)
    values: Raw | UnsetType = UNSET


_BODY = msgspec.json.Decoder(_Body)
_ALERT = msgspec.json.Decoder(_Alert)


def read(body: bytes) -> Notification:
    """The notification in these bytes. Unusable with its reason; TooManyAlerts.

    What is nested too deeply to be read is cut, so that it costs its own alert alone.
    """
    try:
        told = _body(body)
    except msgspec.ValidationError as error:
        raise Unusable(f"not a notification: {error}") from error
    except NOT_JSON as error:
        raise Unusable(f"not JSON: {error}") from error
    if len(told.alerts) > MOST_ALERTS:
        raise TooManyAlerts
    receiver = _decoded(told.receiver, str) or NOBODY
    truncated = _decoded(told.truncated, int)
    return Notification(receiver, _group_key(told), told.alerts, min(max(0, truncated or 0), MAX_INTEGER))


def _body(body: bytes) -> _Body:
    try:
        return _BODY.decode(body)
    except RecursionError:
        return _BODY.decode(cut_json(body))


def read_alert(raw: Raw) -> NotifiedAlert:
    """One alert. Unusable with its reason."""
    try:
        alert = _ALERT.decode(raw)
    except (msgspec.ValidationError, *NOT_JSON) as error:
        raise Unusable(f"not an alert: {error}") from error
    labels = alert.labels or {}
    fingerprint = alert.fingerprint or fingerprint_of(labels)
    ends_at = alert.ends_at or NEVER_BEFORE.replace(year=1)
    told = NotifiedAlert(
        status=alert.status,
        labels=labels,
        annotations=alert.annotations or {},
        starts_at=alert.starts_at,
        ends_at=ends_at,
        fingerprint=fingerprint,
        generator_url=alert.generator_url or "",
        links=_links(alert),
    )
    if violation := find_violation(told):
        raise Unusable(f"not an alert: {violation}", without_nul(fingerprint))
    if alert.status == "resolved" and ends_at < NEVER_BEFORE:
        raise Unusable("it is resolved and has no endsAt, so it counts as firing still", fingerprint)
    return told


def _group_key(told: _Body) -> str:
    # A number in versions before 4.
    if key := _decoded(told.group_key, str) or _decoded(told.group_key, int):
        return str(key)
    labels = _decoded(told.group_labels, dict[str, str])
    return msgspec.json.encode(labels, order="sorted").decode() if labels else ""


def _links(alert: _Alert) -> Labels:
    values = _decoded(alert.values, dict[str, float | None])
    found = {
        "dashboardURL": _decoded(alert.dashboard_url, str),
        "panelURL": _decoded(alert.panel_url, str),
        "values": ", ".join(f"{name}={value:g}" for name, value in sorted(values.items()) if value is not None)
        if values
        else None,
    }
    return {name: text for name, text in found.items() if text}


def _decoded(raw: Raw | UnsetType, kind: type[T]) -> T | None:
    """What a member says, if it is of this type; what is not needed refuses nothing."""
    if raw is UNSET:
        return None
    try:
        return msgspec.json.decode(raw, type=kind)
    except (ValueError, *NOT_JSON):
        return None
