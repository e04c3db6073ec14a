"""Process messages of the events queue: parse, apply, and report a settlement for each."""

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
    """Messages that are done and messages that failed, in order."""

    done: list[Message]
    failed: list[MessageFailure]


async def process_messages(
    sources: Sources, messages: Sequence[Message], now: datetime | None = None, *, until: float = inf
) -> Settlement:
    """Apply every event, in transactions of at most 500. A retryable event holds back the rest of its group.

    After `until`, in seconds of the event loop's clock, at most one transaction is started. The messages of a group
    must be in order. Never raises for invalid events or an unavailable store.
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
        # After a store failed, the order is preserved only if no later event is attempted.
        results = [lost] * len(part) if lost else await apply_batch(sources, [each for _, each in part], until)
        outcomes |= {message.id: outcome for (message, _), outcome in zip(part, results, strict=True)}
        lost = lost or next((blocked_result(outcome) for outcome in results if outcome.is_retryable), None)
    return settle_messages(messages, outcomes)


def settle_messages(messages: Sequence[Message], outcomes: dict[str, EventResult]) -> Settlement:
    """Map results by message id to settlements; after a group's first failure the rest of the group is released."""
    handled = Settlement([], [])
    failed: set[str] = set()
    for message in messages:
        outcome = outcomes[message.id]
        if outcome.status is EventStatus.REJECTED:
            handled.failed.append(MessageFailure(message, outcome.reason, Disposition.DEAD_LETTER))
        elif outcome.is_retryable:
            # An unavailable store does not count as an attempt, so a long outage never creates dead letters.
            untried = outcome.status is not EventStatus.RETRY or message.group in failed
            disposition = Disposition.RELEASE if untried else Disposition.RETRY
            handled.failed.append(MessageFailure(message, outcome.reason, disposition))
            failed.add(message.group)
        else:
            handled.done.append(message)
    return handled
