"""The queue port: ordered messages in groups, each delivered until it is done or becomes a dead letter.

Laws: a group has one receiver at a time; a failed message holds back its group until it is received again; a message
that is not settled can be received again when its visibility ends; a message received too often becomes a dead letter.
So each message is delivered at least once, and its effect must be safe to repeat.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message to send. It is left out if its deduplication id was sent in the last 5 minutes."""

    group: str
    deduplication_id: str
    body: str
    request_id: str = ""

    @property
    def size_bytes(self) -> int:
        """The bytes of the message, including attributes with their names and types, as SQS counts them.

        https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html
        """
        attributes = {"group": self.group, "requestId": self.request_id}
        texts = [each for name, value in attributes.items() if value for each in (name, "String", value)]
        return sum(len(each.encode()) for each in (self.body, *texts))


@dataclass(frozen=True, slots=True)
class Message:
    """A received message; `attempt` counts receives from 1. `receipt` proves that this receiver may settle it."""

    id: str
    group: str
    body: str
    attempt: int
    request_id: str = ""
    receipt: str = ""
    # The reason of its last failure.
    reason: str = ""


class Disposition(Enum):
    """What happens to a message that is not done."""

    # Received again; the receive counts as an attempt.
    RETRY = "again"
    # Not attempted: an earlier message of its group failed, a store was unavailable, or the time of the batch was over.
    RELEASE = "held"
    # Can never succeed.
    DEAD_LETTER = "dead"


@dataclass(frozen=True, slots=True)
class MessageFailure:
    """A message that is not done, and the reason."""

    message: Message
    reason: str
    fate: Disposition = Disposition.RETRY


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that cannot succeed, or failed in all its attempts, with the last reason."""

    id: str
    group: str
    body: str
    attempt: int
    request_id: str
    reason: str
    died_at: datetime


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """The number of messages in a queue, received ones included, and the age of the oldest in seconds: 0 without
    messages, None if the queue does not report it."""

    waiting: int
    oldest_seconds: float | None


class DeadLetters(Protocol):
    """Messages that could not be processed, stored until they are redriven or deleted."""

    async def add_dead_letters(self, failures: Sequence[MessageFailure]) -> None:
        """Store messages that did not come from this queue's `receive`. Safe to repeat."""
        ...

    async def list_dead_letters(self, most: int) -> list[DeadLetter]:
        """Return dead letters, the oldest first."""
        ...

    async def redrive_dead_letters(self, ids: Sequence[str] | None) -> list[str]:
        """Send dead letters again, all if `ids` is None; return their ids. They come after all other messages."""
        ...

    async def delete_dead_letters(self, ids: Sequence[str] | None) -> list[str]:
        """Delete dead letters, all if `ids` is None; return the ids of those that existed."""
        ...


class Queue(DeadLetters, Protocol):
    """One queue with its dead letters. Raises SourceError."""

    async def send(self, messages: Sequence[NewMessage]) -> int:
        """Append messages in this order, all or none; return how many were not duplicates.

        Raise SourceInvalidValue if the queue does not accept the contents of a message.
        """
        ...

    async def receive(self, most: int, wait_seconds: float) -> list[Message]:
        """Return up to `most` messages, in order within each group; empty if none arrived in this time."""
        ...

    async def settle(self, done: Sequence[Message], failed: Sequence[MessageFailure]) -> None:
        """Report the results of received messages. A message whose visibility has ended is not affected."""
        ...

    async def depth(self) -> QueueDepth:
        """Return the number of messages that wait."""
        ...
