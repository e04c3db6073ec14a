"""Redelivery of events by SQS to Lambda: the wait before a group is delivered again, and the count of attempts."""

from collections import Counter
from collections.abc import Sequence

from datasources.errors import SourceError
from datasources.queues.port import Disposition, Message, MessageFailure
from datasources.queues.sqs.queue import SqsQueue
from workers.isolation import MAX_ATTEMPTS

# Seconds. The wait grows by a tenth with each receive, so it stays near a tenth of the time since the first failure.
MIN_WAIT_SECONDS = 5.0
WAIT_GROWTH = 1.1
# With it, 500 receives take longer than the 14 days for which SQS retains a message, so the receives never run out.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
MAX_WAIT_SECONDS = 3_600
# Messages whose attempts a process counts.
MAX_TRIES = 10_000


def wait_seconds(receives: int) -> int:
    """Return the seconds to wait for the next receive after this number of receives."""
    return round(min(MIN_WAIT_SECONDS * WAIT_GROWTH ** (receives - 1), MAX_WAIT_SECONDS))


class AttemptCounter:
    """Counts the attempts of this process for each redelivered message.

    SQS also counts receives while a store was unavailable, and those must not make a message a dead letter.
    """

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def attempt(self, id: str) -> int:
        """Return the number of the next attempt, from 1."""
        return self._counts[id] + 1

    def record_failures(self, failures: Sequence[MessageFailure]) -> None:
        """Count the attempts that failed."""
        if len(self._counts) > MAX_TRIES:
            self._counts.clear()
        self._counts.update(each.message.id for each in failures if each.fate is Disposition.RETRY)


def is_dead(failure: MessageFailure) -> bool:
    """Whether the message must not be delivered again: it can never succeed, or has used all its attempts."""
    return failure.fate is Disposition.DEAD_LETTER or (
        failure.fate is Disposition.RETRY and failure.message.attempt >= MAX_ATTEMPTS
    )


async def postpone(queue: SqsQueue, messages: Sequence[Message], receives: dict[str, int]) -> None:
    """Delay the redelivery of each group by the wait of its first message. SourceError if SQS is unavailable."""
    groups: dict[str, list[Message]] = {}
    for message in messages:
        groups.setdefault(message.group, []).append(message)
    failure: SourceError | None = None
    for group in groups.values():
        try:
            await queue.change_visibility(group, wait_seconds(receives[group[0].id]))
        except SourceError as error:
            failure = error
    if failure is not None:
        raise failure
