"""What events of alerts may say: that one fired, and that it is over."""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from resolvers.events.incident_types import Level, Title
from resolvers.events.landscape_types import Key, Text

Labels = dict[str, str]
Moment = Annotated[datetime, Meta(tz=True)]


class AlertEvent(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which firing of which alert an event is about. Alerts of one group belong to one incident while it is open."""

    receiver: Text
    group_key: Annotated[str, Meta(min_length=1)] = msgspec.field(name="groupKey")
    # The same for every firing of an alert.
    fingerprint: Text
    # Tells the firings of an alert apart.
    starts_at: Moment = msgspec.field(name="startsAt")
    labels: Labels = msgspec.field(default_factory=dict)


class AlertFired(AlertEvent, frozen=True, kw_only=True):
    """Something that is watched went wrong. An incident about it is described by the annotation `description`."""

    title: Title
    impact: Level = 3
    urgency: Level = 3
    # Of these, the first that is known is what the alert is about.
    items: Annotated[tuple[Key, ...], Meta(max_length=50)] = ()
    annotations: Labels = msgspec.field(default_factory=dict)
    generator_url: str = msgspec.field(name="generatorURL", default="")


class AlertResolved(AlertEvent, frozen=True, kw_only=True):
    """It is right again."""

    ends_at: Moment = msgspec.field(name="endsAt")
