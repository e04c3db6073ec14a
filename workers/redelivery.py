"""Redelivery of events by SQS to Lambda: how long a group waits until it is tried again, and how often it was tried."""

from collections import Counter
from collections.abc import Sequence

from datasources.errors import SourceError
from datasources.queues.port import Disposition, Message, MessageFailure
from datasources.queues.sqs.queue import SqsQueue
from workers.isolation import MAX_ATTEMPTS

# Seconds. The wait grows by a tenth with each receive, so it stays near a tenth of the time since the first failure.
MIN_WAIT_SECONDS = 5.0
WAIT_GROWTH = 1.1
# With it, 500 receives last for longer than the 14 days for which SQS keeps a message, so the receives never run out.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
MAX_WAIT_SECONDS = 3_600
# Messages that a process counts the tries of.
MAX_TRIES = 10_000


def wait_seconds(receives: int) -> int:
    """How long to wait for the next receive after so many."""
    return round(min(MIN_WAIT_SECONDS * WAIT_GROWTH ** (receives - 1), MAX_WAIT_SECONDS))


class AttemptCounter:
    """How often this process tried each message that came again.

    SQS counts every receive, also those in which a store was away, and that is to make no message a dead letter.
    """

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def attempt(self, id: str) -> int:
        """The number of the attempt that comes, counted from 1."""
        return self._counts[id] + 1

    def record_failures(self, failures: Sequence[MessageFailure]) -> None:
        """Count what was tried and failed."""
        if len(self._counts) > MAX_TRIES:
            self._counts.clear()
        self._counts.update(each.message.id for each in failures if each.fate is Disposition.RETRY)


def is_dead(failure: MessageFailure) -> bool:
    """Whether it is not to come again: it can never work, or did not in all its attempts."""
    return failure.fate is Disposition.DEAD_LETTER or (
        failure.fate is Disposition.RETRY and failure.message.attempt >= MAX_ATTEMPTS
    )


async def postpone(queue: SqsQueue, messages: Sequence[Message], receives: dict[str, int]) -> None:
    """Let each group come again when the first of these messages in it has waited. SourceError if SQS is away."""
    groups: dict[str, list[Message]] = {}
    for message in messages:
        groups.setdefault(message.group, []).append(message)
    lost: SourceError | None = None
    for group in groups.values():
        try:
            await queue.change_visibility(group, wait_seconds(receives[group[0].id]))
        except SourceError as error:
            lost = error
    if lost is not None:
        raise lost
