"""Isolation of poison: what raises is found by halving, so that it alone is set aside and the rest goes on."""

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

# After so many receives a message that raises is a dead letter, even where nothing else of its batch worked.
MAX_ATTEMPTS = 5
WORKER = "events"

Handle = Callable[[Sources, Sequence[Message]], Awaitable[Settlement]]


async def handle_isolated(
    sources: Sources, messages: Sequence[Message], handle: Handle = process_messages
) -> tuple[Settlement, Exception | None]:
    """What became of messages, whatever handling them raises; and the error, if all of them raise.

    Messages that raised had their effect or none, and have it once, so the halves are handled again. One that still
    raises when it is alone is poison: dead with its reason if another message works, so that it holds nothing back. If
    none does, the fault may be ours and not theirs: then each is tried ATTEMPTS times, and the error is the caller's to
    report.
    """
    poison: list[tuple[Message, Exception]] = []
    handled = await _bisect(sources, messages, handle, poison)
    if not poison:
        return handled, None
    # Dead letters of events that say something impossible prove nothing: their data were never applied.
    works = bool(handled.done)
    if works:
        report_poison(poison)
    for message, error in poison:
        is_dead = works or message.attempt >= MAX_ATTEMPTS
        reason = f"handling it failed: {describe(error)}; the log has the traceback"
        handled.failed.append(
            MessageFailure(message, reason, Disposition.DEAD_LETTER if is_dead else Disposition.RETRY)
        )
    return _in_order(messages, handled), None if works else poison[0][1]


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
    waits = next((each for each in first.failed if each.fate is not Disposition.DEAD_LETTER), None)
    if waits is not None:
        # A store is lost: the order holds only if nothing behind is tried.
        held = [MessageFailure(each, waits.reason, Disposition.RELEASE) for each in messages[middle:]]
        return Settlement(first.done, first.failed + held)
    second = await _bisect(sources, messages[middle:], handle, poison)
    return Settlement(first.done + second.done, first.failed + second.failed)


def _in_order(messages: Sequence[Message], handled: Settlement) -> Settlement:
    """In the order of the messages; behind one that comes again, its group is held unless it is done already."""
    failures = {each.message.id: each for each in handled.failed}
    held: set[str] = set()
    ordered = Settlement([], [])
    for message in messages:
        failure = failures.get(message.id)
        if failure is None:
            ordered.done.append(message)
        elif failure.fate is Disposition.RETRY and message.group in held:
            ordered.failed.append(MessageFailure(message, failure.reason, Disposition.RELEASE))
        else:
            ordered.failed.append(failure)
            if failure.fate is not Disposition.DEAD_LETTER:
                held.add(message.group)
    return ordered


def report_poison(poison: Sequence[tuple[Message, Exception]]) -> None:
    """One line for each kind of fault, with the first message and how many there are."""
    kinds: dict[str, list[tuple[Message, Exception]]] = {}
    for message, error in poison:
        kinds.setdefault(describe(error), []).append((message, error))
    for alike in kinds.values():
        message, error = alike[0]
        report(log, "events cannot be handled", error, WORKER, len(alike), event=message.id, group=message.group)
