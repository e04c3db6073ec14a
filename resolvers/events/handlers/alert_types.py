"""Data of alert events: an alert fired, or it was resolved."""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from resolvers.events.handlers.incident_types import Level, Title
from resolvers.events.handlers.landscape_types import Key, Text

Labels = dict[str, str]
Moment = Annotated[datetime, Meta(tz=True)]


class AlertEvent(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename="camel"):
    """Identifies one firing of an alert. Alerts of one group belong to one incident while it is open."""

    receiver: Text
    group_key: Annotated[str, Meta(min_length=1)]
    # Equal for all firings of an alert.
    fingerprint: Text
    # Distinguishes the firings of an alert.
    starts_at: Moment
    labels: Labels = msgspec.field(default_factory=dict)


class AlertFired(AlertEvent, frozen=True, kw_only=True):
    """An alert fired. The annotation `description` becomes the description of a new incident."""

    title: Title
    impact: Level = 3
    urgency: Level = 3
    # The first known key identifies the affected item.
    items: Annotated[tuple[Key, ...], Meta(max_length=50)] = ()
    annotations: Labels = msgspec.field(default_factory=dict)
    generator_url: str = msgspec.field(name="generatorURL", default="")


class AlertResolved(AlertEvent, frozen=True, kw_only=True):
    """The alert ended."""

    ends_at: Moment
