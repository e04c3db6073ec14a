"""Data of change events, one struct for each type. There is no approval event: only people approve."""

from datetime import datetime
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from datasources.records.changes import ChangeRisk, ChangeType
from resolvers.changes.use_cases import ChangeOutcome
from resolvers.events.handlers.incident_types import Keys, Title
from resolvers.events.handlers.landscape_types import Text

Moment = Annotated[datetime, Meta(tz=True)]


class ChangeKey(Struct, frozen=True, forbid_unknown_fields=True):
    """Another system's identification of a change."""

    source: Text
    key: Annotated[str, Meta(min_length=1, max_length=450)]


class ChangeEvent(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename="camel"):
    """Identifies the change of the event."""

    change: ChangeKey


class ChangeProposed(ChangeEvent, frozen=True, kw_only=True):
    """A new change, or new values of a known one. Items are added to the existing ones."""

    title: Title
    description: str | UnsetType = UNSET
    type: ChangeType | UnsetType = UNSET
    risk: ChangeRisk | UnsetType = UNSET
    # The key of a team; null for none.
    team: Text | UnsetType | None = UNSET
    items: Keys = ()


class ChangeScheduled(ChangeEvent, frozen=True, kw_only=True):
    """The planned time window was set."""

    planned_start: Moment
    planned_end: Moment


class ChangeStarted(ChangeEvent, frozen=True, kw_only=True):
    """Work started."""


class ChangeFinished(ChangeEvent, frozen=True, kw_only=True):
    """Work finished, with an outcome."""

    outcome: ChangeOutcome


class ChangeCancelled(ChangeEvent, frozen=True, kw_only=True):
    """The change was cancelled."""
