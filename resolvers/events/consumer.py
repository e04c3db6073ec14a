"""Messages of the events queue handled: read, applied, and told what becomes of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf

from datasources.queues.port import Failure, Fate, Message
from datasources.sources import Sources
from resolvers.events.apply_batch import apply
from resolvers.events.parser import Unusable, read
from resolvers.events.results import Arrived, Outcome, Result, behind, refused

BATCH = 500


@dataclass(frozen=True, slots=True)
class Handled:
    """What became of messages, in their order."""

    done: list[Message]
    failed: list[Failure]


async def handle(
    sources: Sources, messages: Sequence[Message], now: datetime | None = None, *, until: float = inf
) -> Handled:
    """Give every event its effect, in transactions of up to 500. What could not be tried holds back its group. After
    `until`, in seconds of the event loop's clock, no more is begun than one transaction.

    Messages of one group must stand in their order. Never raises for what an event says or for a lost store.
    """
    moment = now or datetime.now(UTC)
    outcomes: dict[str, Outcome] = {}
    arrived: list[tuple[Message, Arrived]] = []
    for message in messages:
        try:
            arrived.append((message, Arrived(read(message.body.encode(), moment), message.request_id or message.id)))
        except Unusable as unusable:
            outcomes[message.id] = refused(unusable.reason)
    lost: Outcome | None = None
    for begin in range(0, len(arrived), BATCH):
        part = arrived[begin : begin + BATCH]
        # After a lost store the order holds only if nothing behind is tried.
        found = [lost] * len(part) if lost else await apply(sources, [each for _, each in part], until)
        outcomes |= {message.id: outcome for (message, _), outcome in zip(part, found, strict=True)}
        lost = lost or next((behind(outcome) for outcome in found if outcome.waits), None)
    return told(messages, outcomes)


def told(messages: Sequence[Message], outcomes: dict[str, Outcome]) -> Handled:
    """Outcomes by message id as what the queue needs to know: behind the first that failed, a group is held."""
    handled = Handled([], [])
    failed: set[str] = set()
    for message in messages:
        outcome = outcomes[message.id]
        if outcome.result is Result.REFUSED:
            handled.failed.append(Failure(message, outcome.reason, Fate.DEAD))
        elif outcome.waits:
            # That a store was away counts for no message: however long it is, none is a dead letter of it.
            untried = outcome.result is not Result.AGAIN or message.group in failed
            fate = Fate.HELD if untried else Fate.AGAIN
            handled.failed.append(Failure(message, outcome.reason, fate))
            failed.add(message.group)
        else:
            handled.done.append(message)
    return handled
