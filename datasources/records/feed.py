"""Entries of the change feed, as the outbox stores them."""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple


class FeedKind(StrEnum):
    """The kind of the entity that changed."""

    CONFIGURATION_ITEM = "CONFIGURATION_ITEM"
    RELATIONSHIP = "RELATIONSHIP"
    INCIDENT = "INCIDENT"
    CHANGE = "CHANGE"
    TEAM = "TEAM"
    USER = "USER"
    WORKFLOW = "WORKFLOW"
    WORKFLOW_RUN = "WORKFLOW_RUN"


class FeedStep(StrEnum):
    """The operation on the entity."""

    CREATED = "CREATED"
    CHANGED = "CHANGED"
    DELETED = "DELETED"


class FeedCursor(NamedTuple):
    """A position in the feed: after all earlier transactions, and after the entries of this one up to `position`."""

    transaction: int
    position: int


class FeedEntry(NamedTuple):
    """One row that a transaction changed."""

    transaction: int
    position: int
    kind: FeedKind
    entity_id: str
    step: FeedStep
    request_id: str
    written_at: datetime

    @property
    def place(self) -> FeedCursor:
        return FeedCursor(self.transaction, self.position)
