"""The alerts of an incident."""

from datetime import datetime

import strawberry
from strawberry.scalars import JSON

from datasources.records.alerts import AlertRecord, AlertStatus
from resolvers.alerts.loaders import AlertsByIncident
from schema.declarations.enums import register_enum
from schema.declarations.fields import attribute, link

register_enum(
    AlertStatus,
    "Whether the condition of an alert is true now.",
    FIRING="The condition is true.",
    RESOLVED="The condition is no longer true.",
)


@strawberry.type(description="One firing of a monitoring alert.")
class Alert:
    record = AlertRecord

    fingerprint: str = attribute(
        "The identity of the alert, shared by all its firings, for example `1a30ba71cca2921f`."
    )
    receiver: str = attribute("The receiver of Alertmanager that reported it, for example `stackflow`.")
    status: AlertStatus = attribute("Whether it fires.")
    labels: JSON = attribute("Its labels, for example `alertname` and `severity`.")
    annotations: JSON = attribute("The annotations of its rule, for example `summary`.")
    generator_url: str = attribute("The page of the rule or graph that produced it; can be empty.", name="generatorURL")
    starts_at: datetime = attribute("When it began to fire.")
    ends_at: datetime | None = attribute("When it stopped firing; null while it fires.")


@strawberry.type
class HasAlerts:
    """Adds the field `alerts` to a type."""

    alerts: list[Alert] | None = link(
        AlertsByIncident,
        "The alerts that opened or joined it, by start time. One statement.",
        key="id",
        needs="incidents:read",
        size=10,
    )
