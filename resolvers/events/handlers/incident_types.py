"""Data of incident events, one struct for each type."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from resolvers.events.handlers.landscape_types import Key, Text

Title = Annotated[str, Meta(min_length=1, max_length=500, pattern=r"\S")]
NonBlankText = Annotated[str, Meta(min_length=1, pattern=r"\S")]
Level = Annotated[int, Meta(ge=1, le=5, description="From 1 (highest) to 5.")]
Keys = Annotated[tuple[Key, ...], Meta(max_length=500, description="Configuration items by identification key.")]


class IncidentKey(Struct, frozen=True, forbid_unknown_fields=True):
    """Another system's identification of an incident."""

    source: Text
    key: Annotated[str, Meta(min_length=1, max_length=450)]


class IncidentEvent(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename="camel"):
    """Identifies the incident of the event."""

    incident: IncidentKey


class IncidentOpened(IncidentEvent, frozen=True, kw_only=True):
    """A new incident, or new values of a known one. Items are added to the existing ones."""

    title: Title
    description: str | UnsetType = UNSET
    impact: Level | UnsetType = UNSET
    urgency: Level | UnsetType = UNSET
    category: str | UnsetType = UNSET
    # The key of a team; null for none.
    team: Text | UnsetType | None = UNSET
    # The key of the only team that can see it; an incident can be restricted only when it is opened.
    restricted_team: Text | UnsetType = UNSET
    affected: Keys = ()
    causes: Keys = ()


class IncidentUpdated(IncidentEvent, frozen=True, kw_only=True):
    """New values of an incident. Fields that are left out stay unchanged; items are added to the existing ones."""

    title: Title | UnsetType = UNSET
    description: str | UnsetType = UNSET
    impact: Level | UnsetType = UNSET
    urgency: Level | UnsetType = UNSET
    category: str | UnsetType = UNSET
    team: Text | UnsetType | None = UNSET
    affected: Keys = ()
    causes: Keys = ()


class IncidentResolved(IncidentEvent, frozen=True, kw_only=True):
    """The incident was resolved, with a code and a text."""

    code: Annotated[str, Meta(min_length=1, max_length=200, pattern=r"\S")]
    resolution: NonBlankText


class IncidentTransitionEvent(IncidentEvent, frozen=True, kw_only=True):
    """A transition with an optional note."""

    note: str = ""


class IncidentReopened(IncidentTransitionEvent, frozen=True, kw_only=True):
    """The incident was not resolved and is reopened."""


class IncidentClosed(IncidentTransitionEvent, frozen=True, kw_only=True):
    """The incident is closed; no work remains."""


class IncidentCancelled(IncidentTransitionEvent, frozen=True, kw_only=True):
    """The incident was opened by mistake."""


class IncidentNoted(IncidentEvent, frozen=True, kw_only=True):
    """A note about an incident."""

    note: NonBlankText
