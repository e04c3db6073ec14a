"""What came of an event."""

from dataclasses import dataclass
from enum import Enum

from datasources.errors import SourceTimeout, SourceUnavailable
from resolvers.events.event import Event


class EventStatus(Enum):
    """What came of an event; all but the last three are done with."""

    # It had its effect.
    APPLIED = "done"
    # It had its effect before.
    DUPLICATE = "repeated"
    # A newer event of the same entity and source had come before.
    STALE = "older"
    # It can never have one.
    REJECTED = "refused"
    # It was not tried to its end; nothing of it was done.
    RETRY = "again"
    # The store was away, whatever the event says; nothing of it was done.
    STORE_UNAVAILABLE = "away"
    # It was not tried: the time of its batch was over, or the store was late for one before it.
    NOT_ATTEMPTED = "untried"


@dataclass(frozen=True, slots=True)
class EventResult:
    """What came of an event, and why if it is neither done nor needless."""

    status: EventStatus
    reason: str = ""

    @property
    def is_retryable(self) -> bool:
        """Whether it is to come again."""
        return self.status in (EventStatus.RETRY, EventStatus.STORE_UNAVAILABLE, EventStatus.NOT_ATTEMPTED)


@dataclass(frozen=True, slots=True)
class ReceivedEvent:
    """An event that can be tried, and the request that brought it."""

    event: Event
    request_id: str


def unavailable_result(error: SourceUnavailable) -> EventResult:
    """An event that could not be tried for want of a store; one that was late may be the fault of what it says."""
    return EventResult(
        EventStatus.RETRY if isinstance(error, SourceTimeout) else EventStatus.STORE_UNAVAILABLE, str(error)
    )


def blocked_result(outcome: EventResult) -> EventResult:
    """What comes of an event behind one that waits: it waits too, and does not count as tried."""
    return EventResult(EventStatus.NOT_ATTEMPTED, outcome.reason) if outcome.status is EventStatus.RETRY else outcome


APPLIED = EventResult(EventStatus.APPLIED)
DUPLICATE = EventResult(EventStatus.DUPLICATE)
NOT_ATTEMPTED = EventResult(EventStatus.NOT_ATTEMPTED, "the time of its batch was over")
STALE = EventResult(EventStatus.STALE)


def rejection(reason: str) -> EventResult:
    """An event that can never work, and why."""
    return EventResult(EventStatus.REJECTED, reason)


ID_REUSED = rejection("another event with this source and id says something else; an id is used once")
