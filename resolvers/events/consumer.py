"""Messages of the events queue handled: read, applied, and told what becomes of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf

from datasources.queues.port import Disposition, Message, MessageFailure
from datasources.sources import Sources
from resolvers.events.apply_batch import apply_batch
from resolvers.events.parser import InvalidEvent, parse_event
from resolvers.events.results import EventResult, EventStatus, ReceivedEvent, blocked_result, rejection

BATCH_SIZE = 500


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of messages, in their order."""

    done: list[Message]
    failed: list[MessageFailure]


async def process_messages(
    sources: Sources, messages: Sequence[Message], now: datetime | None = None, *, until: float = inf
) -> Settlement:
    """Give every event its effect, in transactions of up to 500. What could not be tried holds back its group. After
    `until`, in seconds of the event loop's clock, no more is begun than one transaction.

    Messages of one group must stand in their order. Never raises for what an event says or for a lost store.
    """
    moment = now or datetime.now(UTC)
    outcomes: dict[str, EventResult] = {}
    arrived: list[tuple[Message, ReceivedEvent]] = []
    for message in messages:
        try:
            arrived.append(
                (message, ReceivedEvent(parse_event(message.body.encode(), moment), message.request_id or message.id))
            )
        except InvalidEvent as unusable:
            outcomes[message.id] = rejection(unusable.reason)
    lost: EventResult | None = None
    for begin in range(0, len(arrived), BATCH_SIZE):
        part = arrived[begin : begin + BATCH_SIZE]
        # After a lost store the order holds only if nothing behind is tried.
        found = [lost] * len(part) if lost else await apply_batch(sources, [each for _, each in part], until)
        outcomes |= {message.id: outcome for (message, _), outcome in zip(part, found, strict=True)}
        lost = lost or next((blocked_result(outcome) for outcome in found if outcome.is_retryable), None)
    return settle_messages(messages, outcomes)


def settle_messages(messages: Sequence[Message], outcomes: dict[str, EventResult]) -> Settlement:
    """Outcomes by message id as what the queue needs to know: behind the first that failed, a group is held."""
    handled = Settlement([], [])
    failed: set[str] = set()
    for message in messages:
        outcome = outcomes[message.id]
        if outcome.status is EventStatus.REJECTED:
            handled.failed.append(MessageFailure(message, outcome.reason, Disposition.DEAD_LETTER))
        elif outcome.is_retryable:
            # That a store was away counts for no message: however long it is, none is a dead letter of it.
            untried = outcome.status is not EventStatus.RETRY or message.group in failed
            fate = Disposition.RELEASE if untried else Disposition.RETRY
            handled.failed.append(MessageFailure(message, outcome.reason, fate))
            failed.add(message.group)
        else:
            handled.done.append(message)
    return handled
