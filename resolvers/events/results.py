"""What came of an event."""

from dataclasses import dataclass
from enum import Enum

from datasources.errors import SourceTimeout, SourceUnavailable
from resolvers.events.event import Event


class Result(Enum):
    """What came of an event; all but the last three are done with."""

    # It had its effect.
    DONE = "done"
    # It had its effect before.
    REPEATED = "repeated"
    # A newer event of the same entity and source had come before.
    OLDER = "older"
    # It can never have one.
    REFUSED = "refused"
    # It was not tried to its end; nothing of it was done.
    AGAIN = "again"
    # The store was away, whatever the event says; nothing of it was done.
    AWAY = "away"
    # It was not tried: the time of its batch was over, or the store was late for one before it.
    UNTRIED = "untried"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an event, and why if it is neither done nor needless."""

    result: Result
    reason: str = ""

    @property
    def waits(self) -> bool:
        """Whether it is to come again."""
        return self.result in (Result.AGAIN, Result.AWAY, Result.UNTRIED)


@dataclass(frozen=True, slots=True)
class Arrived:
    """An event that can be tried, and the request that brought it."""

    event: Event
    request_id: str


def away(error: SourceUnavailable) -> Outcome:
    """An event that could not be tried for want of a store; one that was late may be the fault of what it says."""
    return Outcome(Result.AGAIN if isinstance(error, SourceTimeout) else Result.AWAY, str(error))


def behind(outcome: Outcome) -> Outcome:
    """What comes of an event behind one that waits: it waits too, and does not count as tried."""
    return Outcome(Result.UNTRIED, outcome.reason) if outcome.result is Result.AGAIN else outcome


DONE = Outcome(Result.DONE)
REPEATED = Outcome(Result.REPEATED)
UNTRIED = Outcome(Result.UNTRIED, "the time of its batch was over")
OLDER = Outcome(Result.OLDER)


def refused(reason: str) -> Outcome:
    """An event that can never work, and why."""
    return Outcome(Result.REFUSED, reason)


OTHER_CONTENT = refused("another event with this source and id says something else; an id is used once")
