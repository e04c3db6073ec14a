"""Results of applying events."""

from dataclasses import dataclass
from enum import Enum

from datasources.errors import SourceTimeout, SourceUnavailable
from resolvers.events.event import Event


class EventStatus(Enum):
    """The result of an event; all but the last three are final."""

    # It was applied.
    APPLIED = "done"
    # It had been applied before.
    DUPLICATE = "repeated"
    # A newer event of the same entity and source was applied before.
    STALE = "older"
    # It can never be applied.
    REJECTED = "refused"
    # The attempt failed and was rolled back.
    RETRY = "again"
    # The store was unavailable, independently of the event; the attempt was rolled back.
    STORE_UNAVAILABLE = "away"
    # It was not attempted: the time of its batch was over, or the store timed out for an earlier event.
    NOT_ATTEMPTED = "untried"


@dataclass(frozen=True, slots=True)
class EventResult:
    """The result of an event, with a reason unless it was applied or skipped."""

    status: EventStatus
    reason: str = ""

    @property
    def is_retryable(self) -> bool:
        """Whether the event must be processed again."""
        return self.status in (EventStatus.RETRY, EventStatus.STORE_UNAVAILABLE, EventStatus.NOT_ATTEMPTED)


@dataclass(frozen=True, slots=True)
class ReceivedEvent:
    """A parsed event and the id of the request that sent it."""

    event: Event
    request_id: str


def unavailable_result(error: SourceUnavailable) -> EventResult:
    """Return the result if a store is unavailable; a timeout may be caused by the event itself, so it is a RETRY."""
    return EventResult(
        EventStatus.RETRY if isinstance(error, SourceTimeout) else EventStatus.STORE_UNAVAILABLE, str(error)
    )


def blocked_result(outcome: EventResult) -> EventResult:
    """Return the result of an event behind a retryable one: retryable too, but not counted as an attempt."""
    return EventResult(EventStatus.NOT_ATTEMPTED, outcome.reason) if outcome.status is EventStatus.RETRY else outcome


APPLIED = EventResult(EventStatus.APPLIED)
DUPLICATE = EventResult(EventStatus.DUPLICATE)
NOT_ATTEMPTED = EventResult(EventStatus.NOT_ATTEMPTED, "the time of its batch was over")
STALE = EventResult(EventStatus.STALE)


def rejection(reason: str) -> EventResult:
    """Return the result of an event that can never be applied."""
    return EventResult(EventStatus.REJECTED, reason)


ID_REUSED = rejection("another event with this source and id has other content; use each id once")
