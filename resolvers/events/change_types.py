"""What events of changes may say: a struct for each type. There is none for an approval, which is for people."""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from datasources.records.changes import ChangeRisk, ChangeType
from resolvers.changes.use_cases import ChangeOutcome
from resolvers.events.incident_types import Keys, Title
from resolvers.events.landscape_types import Text

Moment = Annotated[datetime, Meta(tz=True)]


class ChangeKey(Struct, frozen=True, forbid_unknown_fields=True):
    """By which key another system knows a change."""

    source: Text
    key: Annotated[str, Meta(min_length=1, max_length=450)]


class ChangeEvent(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which change an event is about."""

    change: ChangeKey


class ChangeProposed(ChangeEvent, frozen=True, kw_only=True):
    """A new change, or what is proposed of one that is known. Items are added to those that it has."""

    title: Title
    description: str | UnsetType = UNSET
    type: ChangeType | UnsetType = UNSET
    risk: ChangeRisk | UnsetType = UNSET
    # The key of a team; null for none.
    team: Text | UnsetType | None = UNSET
    items: Keys = ()


class ChangeScheduled(ChangeEvent, frozen=True, kw_only=True):
    """When it is to be done."""

    planned_start: Moment = msgspec.field(name="plannedStart")
    planned_end: Moment = msgspec.field(name="plannedEnd")


class ChangeStarted(ChangeEvent, frozen=True, kw_only=True):
    """Work began."""


class ChangeFinished(ChangeEvent, frozen=True, kw_only=True):
    """How it ended."""

    outcome: ChangeOutcome


class ChangeCancelled(ChangeEvent, frozen=True, kw_only=True):
    """It was called off."""
