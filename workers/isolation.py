"""Isolation of poison messages: find the messages that raise by bisection, so that only they are set aside."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from datasources.errors import SourceUnavailable
from datasources.observability.exceptions import describe, report
from datasources.queues.port import Disposition, Message, MessageFailure
from datasources.sources import Sources
from datasources.supervisor import CaughtError, attempt
from resolvers.events.consumer import Settlement, process_messages

log = logging.getLogger("stackflow.workers")

# After this many attempts a message that raises is a dead letter, even if no other message of its batch succeeded.
MAX_ATTEMPTS = 5
WORKER = "events"

Handle = Callable[[Sources, Sequence[Message]], Awaitable[Settlement]]


async def handle_isolated(
    sources: Sources, messages: Sequence[Message], handle: Handle = process_messages
) -> tuple[Settlement, Exception | None]:
    """Handle messages. Return their settlement, and the error if all of them raise.

    Handling is idempotent, so after an exception the halves can be handled again. A message that raises alone is
    poison: it becomes a dead letter with its reason if another message succeeds, so that it blocks no other. If none
    succeeds, the fault can be in the server: then each message is attempted MAX_ATTEMPTS times, and the caller reports
    the error.
    """
    poison: list[tuple[Message, Exception]] = []
    handled = await _bisect(sources, messages, handle, poison)
    if not poison:
        return handled, None
    # Dead letters of invalid events are no evidence of success: their data were never applied.
    has_success = bool(handled.done)
    if has_success:
        report_poison(poison)
    for message, error in poison:
        is_dead = has_success or message.attempt >= MAX_ATTEMPTS
        reason = f"handling it failed: {describe(error)}; the log has the traceback"
        handled.failed.append(
            MessageFailure(message, reason, Disposition.DEAD_LETTER if is_dead else Disposition.RETRY)
        )
    return _in_order(messages, handled), None if has_success else poison[0][1]


async def _bisect(
    sources: Sources, messages: Sequence[Message], handle: Handle, poison: list[tuple[Message, Exception]]
) -> Settlement:
    try:
        outcome = await attempt(partial(handle, sources, messages))
    except SourceUnavailable as error:
        return Settlement([], [MessageFailure(each, str(error), Disposition.RELEASE) for each in messages])
    if not isinstance(outcome, CaughtError):
        return outcome
    if len(messages) == 1:
        poison.append((messages[0], outcome.error))
        return Settlement([], [])
    middle = len(messages) // 2
    first = await _bisect(sources, messages[:middle], handle, poison)
    blocking = next((each for each in first.failed if each.fate is not Disposition.DEAD_LETTER), None)
    if blocking is not None:
        # A store is unavailable: to preserve the order, later messages must not be attempted.
        released = [MessageFailure(each, blocking.reason, Disposition.RELEASE) for each in messages[middle:]]
        return Settlement(first.done, first.failed + released)
    second = await _bisect(sources, messages[middle:], handle, poison)
    return Settlement(first.done + second.done, first.failed + second.failed)


def _in_order(messages: Sequence[Message], handled: Settlement) -> Settlement:
    """Sort by the order of the messages. After a message that is delivered again, release failures of its group."""
    failures = {each.message.id: each for each in handled.failed}
    blocked_groups: set[str] = set()
    ordered = Settlement([], [])
    for message in messages:
        failure = failures.get(message.id)
        if failure is None:
            ordered.done.append(message)
        elif failure.fate is Disposition.RETRY and message.group in blocked_groups:
            ordered.failed.append(MessageFailure(message, failure.reason, Disposition.RELEASE))
        else:
            ordered.failed.append(failure)
            if failure.fate is not Disposition.DEAD_LETTER:
                blocked_groups.add(message.group)
    return ordered


def report_poison(poison: Sequence[tuple[Message, Exception]]) -> None:
    """Log one line for each kind of error, with its first message and the number of messages."""
    kinds: dict[str, list[tuple[Message, Exception]]] = {}
    for message, error in poison:
        kinds.setdefault(describe(error), []).append((message, error))
    for failures in kinds.values():
        message, error = failures[0]
        report(log, "events cannot be handled", error, WORKER, len(failures), event=message.id, group=message.group)
