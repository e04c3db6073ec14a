"""What events of incidents may say: a struct for each type."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from resolvers.events.landscape_types import Key, Text

Title = Annotated[str, Meta(min_length=1, max_length=500, pattern=r"\S")]
NonBlankText = Annotated[str, Meta(min_length=1, pattern=r"\S")]
Level = Annotated[int, Meta(ge=1, le=5, description="From 1, the gravest, to 5.")]
Keys = Annotated[tuple[Key, ...], Meta(max_length=500, description="Configuration items by identification key.")]


class IncidentKey(Struct, frozen=True, forbid_unknown_fields=True):
    """By which key another system knows an incident."""

    source: Text
    key: Annotated[str, Meta(min_length=1, max_length=450)]


class IncidentEvent(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which incident an event is about."""

    incident: IncidentKey


class IncidentOpened(IncidentEvent, frozen=True, kw_only=True):
    """A new incident, or what is said of one that is known. Items are added to those that it has."""

    title: Title
    description: str | UnsetType = UNSET
    impact: Level | UnsetType = UNSET
    urgency: Level | UnsetType = UNSET
    category: str | UnsetType = UNSET
    # The key of a team; null for none.
    team: Text | UnsetType | None = UNSET
    # The key of the only team that may see it; an incident is restricted when it is opened or never.
    restricted_team: Text | UnsetType = msgspec.field(name="restrictedTeam", default=UNSET)
    affected: Keys = ()
    causes: Keys = ()


class IncidentUpdated(IncidentEvent, frozen=True, kw_only=True):
    """What is said of an incident. What is left out stays; items are added to those that it has."""

    title: Title | UnsetType = UNSET
    description: str | UnsetType = UNSET
    impact: Level | UnsetType = UNSET
    urgency: Level | UnsetType = UNSET
    category: str | UnsetType = UNSET
    team: Text | UnsetType | None = UNSET
    affected: Keys = ()
    causes: Keys = ()


class IncidentResolved(IncidentEvent, frozen=True, kw_only=True):
    """It is solved, and how."""

    code: Annotated[str, Meta(min_length=1, max_length=200, pattern=r"\S")]
    resolution: NonBlankText


class IncidentTransitionEvent(IncidentEvent, frozen=True, kw_only=True):
    """A step without more to say than a note."""

    note: str = ""


class IncidentReopened(IncidentTransitionEvent, frozen=True, kw_only=True):
    """It was not solved after all."""


class IncidentClosed(IncidentTransitionEvent, frozen=True, kw_only=True):
    """Nothing more is to be done."""


class IncidentCancelled(IncidentTransitionEvent, frozen=True, kw_only=True):
    """It was no incident."""


class IncidentNoted(IncidentEvent, frozen=True, kw_only=True):
    """Something to remember about an incident."""

    note: NonBlankText
