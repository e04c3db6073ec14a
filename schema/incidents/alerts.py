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
    "Whether what an alert watches is wrong now.",
    FIRING="It is wrong.",
    RESOLVED="It is right again.",
)


@strawberry.type(description="One firing of an alert of monitoring.")
class Alert:
    record = AlertRecord

    fingerprint: str = attribute("What all firings of the same alert share, for example `1a30ba71cca2921f`.")
    receiver: str = attribute("The receiver of Alertmanager that told of it, for example `stackflow`.")
    status: AlertStatus = attribute("Whether it fires.")
    labels: JSON = attribute("Its labels, for example `alertname` and `severity`.")
    annotations: JSON = attribute("What its rule says of it, for example `summary`.")
    generator_url: str = attribute("Where what made it can be looked at; may be empty.", name="generatorURL")
    starts_at: datetime = attribute("When it began to fire.")
    ends_at: datetime | None = attribute("When it was over; null while it fires.")


@strawberry.type
class HasAlerts:
    """What hangs alerts on an incident."""

    alerts: list[Alert] | None = link(
        AlertsByIncident,
        "The alerts that it was opened by and that joined it, in the order in which they began. One statement.",
        key="id",
        needs="incidents:read",
        size=10,
    )
