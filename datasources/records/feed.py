"""What changed, as the outbox tells it."""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple


class FeedKind(StrEnum):
    """What something that changed is."""

    CONFIGURATION_ITEM = "CONFIGURATION_ITEM"
    RELATIONSHIP = "RELATIONSHIP"
    INCIDENT = "INCIDENT"
    CHANGE = "CHANGE"
    TEAM = "TEAM"
    USER = "USER"
    WORKFLOW = "WORKFLOW"
    WORKFLOW_RUN = "WORKFLOW_RUN"


class FeedStep(StrEnum):
    """What was done to it."""

    CREATED = "CREATED"
    CHANGED = "CHANGED"
    DELETED = "DELETED"


class FeedCursor(NamedTuple):
    """A place in the feed: all of the transactions before, and of this one what stands at the position or before."""

    transaction: int
    position: int


class FeedEntry(NamedTuple):
    """One row that one transaction changed."""

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
