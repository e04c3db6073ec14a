"""What came of an event."""

from dataclasses import dataclass
from enum import Enum

from resolvers.events.event import Event


class Result(Enum):
    """What came of an event; all but the last two are done with."""

    # It had its effect.
    DONE = "done"
    # It had its effect before.
    REPEATED = "repeated"
    # A newer event of the same entity and source had come before.
    OLDER = "older"
    # It can never have one.
    REFUSED = "refused"
    # It could not be tried, or not to its end; nothing of it was done.
    AGAIN = "again"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an event, and why if it is neither done nor needless."""

    result: Result
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Arrived:
    """An event that can be tried, and the request that brought it."""

    event: Event
    request_id: str


DONE = Outcome(Result.DONE)
REPEATED = Outcome(Result.REPEATED)
OLDER = Outcome(Result.OLDER)


def refused(reason: str) -> Outcome:
    """An event that can never work, and why."""
    return Outcome(Result.REFUSED, reason)


OTHER_CONTENT = refused("another event with this source and id says something else; an id is used once")
