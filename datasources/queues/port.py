"""The queue port: messages in order within their group, each until it is done or among the dead letters.

Laws: a group has one receiver at a time; a message that failed holds back its group until it is received again; what
nobody settles can be received again when its visibility ends; a message received too often is a dead letter. So a
message comes at least once, and its effect must be safe to repeat.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message to send. One whose deduplication id was sent in the last 5 minutes is left out."""

    group: str
    deduplication_id: str
    body: str
    request_id: str = ""

    @property
    def size_bytes(self) -> int:
        """Bytes of the message, its attributes with their names and types included, as SQS counts them.

        https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html
        """
        attributes = {"group": self.group, "requestId": self.request_id}
        texts = [each for name, value in attributes.items() if value for each in (name, "String", value)]
        return sum(len(each.encode()) for each in (self.body, *texts))


@dataclass(frozen=True, slots=True)
class Message:
    """A message as received: for the `attempt`th time, counted from 1. `receipt` says that it is ours to settle."""

    id: str
    group: str
    body: str
    attempt: int
    request_id: str = ""
    receipt: str = ""
    # Why it failed the last time.
    reason: str = ""


class Disposition(Enum):
    """What becomes of a message that is not done."""

    # To be received again; it counts as tried.
    RETRY = "again"
    # Not tried, because one before it in its group failed, a store was away, or the time of its batch was over.
    RELEASE = "held"
    # Can never work.
    DEAD_LETTER = "dead"


@dataclass(frozen=True, slots=True)
class MessageFailure:
    """A message that is not done, and why."""

    message: Message
    reason: str
    fate: Disposition = Disposition.RETRY


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that can't work, or did not in all its attempts, with the last reason."""

    id: str
    group: str
    body: str
    attempt: int
    request_id: str
    reason: str
    died_at: datetime


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """How many messages are in a queue, received ones included, and the age of the oldest in seconds: 0 without any,
    None where the queue does not tell."""

    waiting: int
    oldest_seconds: float | None


class DeadLetters(Protocol):
    """What could not be done, kept until somebody looks at it."""

    async def add_dead_letters(self, failures: Sequence[MessageFailure]) -> None:
        """Keep messages that did not come by this queue's `receive`. Safe to repeat."""
        ...

    async def list_dead_letters(self, most: int) -> list[DeadLetter]:
        """The oldest first."""
        ...

    async def redrive_dead_letters(self, ids: Sequence[str] | None) -> list[str]:
        """Send dead letters again, all if `ids` is None; the ids of those that were. They come after all others."""
        ...

    async def delete_dead_letters(self, ids: Sequence[str] | None) -> list[str]:
        """Forget dead letters, all if `ids` is None; the ids of those that were there."""
        ...


class Queue(DeadLetters, Protocol):
    """One queue with its dead letters. Errors: SourceError."""

    async def send(self, messages: Sequence[NewMessage]) -> int:
        """Put messages at the end, in this order, all or none; how many were not sent before.

        SourceRefusedValue if one of them says what the queue does not take.
        """
        ...

    async def receive(self, most: int, wait_seconds: float) -> list[Message]:
        """Up to so many messages, in order within each group; empty if none came in this time."""
        ...

    async def settle(self, done: Sequence[Message], failed: Sequence[MessageFailure]) -> None:
        """Tell what became of received messages. Nothing happens to one whose visibility ended meanwhile."""
        ...

    async def depth(self) -> QueueDepth:
        """How much there is to do."""
        ...
