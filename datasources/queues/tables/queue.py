"""A queue in PostgreSQL: the first message of each group is locked with SKIP LOCKED, the others follow it."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from itertools import groupby

from uuid_utils import uuid7

from datasources.aurora.driver.database import Database
from datasources.aurora.driver.transaction import Transaction
from datasources.aurora.statements import statements
from datasources.queues.port import DeadLetter, Disposition, Message, MessageFailure, NewMessage, QueueDepth

_STATEMENTS = "queues/queues"

# Seconds in which a duplicate is not sent, as in SQS FIFO.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-messagededuplicationid-property.html
DEDUPLICATION_SECONDS = 300.0

# Seconds between two polls of an empty queue.
POLL_SECONDS = 0.2

# Consecutive messages of one group in a batch while other groups wait: enough to be written as a set.
GROUP_BATCH_SIZE = 10


class TablesQueue:
    """A queue with this name in the main database.

    `visibility` is how many seconds a receiver may take, `delay` how many a failed message waits. After `attempts`
    receives a message becomes a dead letter.
    """

    def __init__(
        self, main: Database, name: str, *, visibility: float = 60.0, delay: float = 1.0, attempts: int = 5
    ) -> None:
        self._main = main
        self._name = name
        self._visibility = visibility
        self._delay = delay
        self._attempts = attempts

    async def send(self, messages: Sequence[NewMessage]) -> int:
        """See the port."""
        if not messages:
            return 0
        async with self._main.transaction() as transaction:
            await self._lock(transaction)
            await transaction.execute(
                statements(_STATEMENTS)["queue_forgotten"], {"queue": self._name, "seconds": DEDUPLICATION_SECONDS}
            )
            sent = await transaction.fetch(
                statements(_STATEMENTS)["queue_sent"],
                {
                    "queue": self._name,
                    "ids": [str(uuid7()) for _ in messages],
                    "groups": [each.group for each in messages],
                    "deduplication_ids": [each.deduplication_id for each in messages],
                    "bodies": [each.body for each in messages],
                    "request_ids": [each.request_id for each in messages],
                },
                str,
            )
        return len(sent)

    async def receive(self, most: int, wait_seconds: float) -> list[Message]:
        """See the port."""
        end = asyncio.get_running_loop().time() + wait_seconds
        while True:
            messages = await self._take(most)
            remaining = end - asyncio.get_running_loop().time()
            if messages or remaining <= 0:
                return messages
            await asyncio.sleep(min(POLL_SECONDS, remaining))

    async def _take(self, most: int) -> list[Message]:
        taken = await self._main.fetch(
            statements(_STATEMENTS)["queue_received"],
            {
                "queue": self._name,
                "most": most,
                "turn": GROUP_BATCH_SIZE,
                "receipt": str(uuid7()),
                "visibility": self._visibility,
            },
            Message,
        )
        # These were not settled in any of their attempts; they may have crashed their receivers.
        exhausted = [
            MessageFailure(
                each, each.reason or f"received {self._attempts} times and never settled", Disposition.DEAD_LETTER
            )
            for each in taken
            if each.attempt > self._attempts
        ]
        if exhausted:
            await self.settle((), exhausted)
        return [each for each in taken if each.attempt <= self._attempts]

    async def settle(self, done: Sequence[Message], failed: Sequence[MessageFailure]) -> None:
        """See the port."""
        messages = [*done, *(each.message for each in failed)]
        if not messages:
            return
        dead = [each for each in failed if self._is_dead(each)]
        retried = [each for each in failed if not self._is_dead(each)]
        async with self._main.transaction() as transaction:
            await self._lock(transaction)
            for receipt, each in _by_receipt(done).items():
                await transaction.execute(
                    statements(_STATEMENTS)["queue_done"],
                    {"queue": self._name, "receipt": receipt, "ids": [message.id for message in each]},
                )
            for receipt, parts in _failures_by_receipt(retried).items():
                await transaction.execute(
                    statements(_STATEMENTS)["queue_failed"],
                    {
                        "queue": self._name,
                        "receipt": receipt,
                        "delay": self._delay,
                        "ids": [part.message.id for part in parts],
                        "reasons": [part.reason for part in parts],
                        "untried": [int(part.fate is Disposition.RELEASE) for part in parts],
                    },
                )
            for receipt, parts in _failures_by_receipt(dead).items():
                await transaction.execute(
                    statements(_STATEMENTS)["queue_died"],
                    {
                        "queue": self._name,
                        "receipt": receipt,
                        "ids": [part.message.id for part in parts],
                        "reasons": [part.reason for part in parts],
                    },
                )
            groups = [key for key, _ in groupby(message.group for message in messages)]
            await transaction.execute(
                statements(_STATEMENTS)["queue_promoted"], {"queue": self._name, "groups": groups}
            )

    def _is_dead(self, failure: MessageFailure) -> bool:
        exhausted = failure.fate is Disposition.RETRY and failure.message.attempt >= self._attempts
        return exhausted or failure.fate is Disposition.DEAD_LETTER

    async def depth(self) -> QueueDepth:
        """See the port."""
        [depth] = await self._main.fetch(statements(_STATEMENTS)["queue_depth"], {"queue": self._name}, QueueDepth)
        return depth

    async def peek(self, most: int) -> list[Message]:
        """Return the oldest messages, received ones included, without receiving them. Only this adapter supports it."""
        return await self._main.fetch(
            statements(_STATEMENTS)["queue_looked"], {"queue": self._name, "most": most}, Message
        )

    async def add_dead_letters(self, failures: Sequence[MessageFailure]) -> None:
        """See the port."""
        await self._main.fetch(
            statements(_STATEMENTS)["dead_letters_buried"],
            {
                "queue": self._name,
                "ids": [each.message.id for each in failures],
                "groups": [each.message.group for each in failures],
                "bodies": [each.message.body for each in failures],
                "request_ids": [each.message.request_id for each in failures],
                "attempts": [each.message.attempt for each in failures],
                "reasons": [each.reason for each in failures],
            },
            str,
        )

    async def list_dead_letters(self, most: int) -> list[DeadLetter]:
        """See the port."""
        return await self._main.fetch(
            statements(_STATEMENTS)["dead_letters_listed"], {"queue": self._name, "most": most}, DeadLetter
        )

    async def redrive_dead_letters(self, ids: Sequence[str] | None) -> list[str]:
        """See the port."""
        async with self._main.transaction() as transaction:
            await self._lock(transaction)
            return await transaction.fetch(
                statements(_STATEMENTS)["dead_letters_replayed"], {"queue": self._name, "ids": _to_array(ids)}, str
            )

    async def delete_dead_letters(self, ids: Sequence[str] | None) -> list[str]:
        """See the port."""
        return await self._main.fetch(
            statements(_STATEMENTS)["dead_letters_dropped"], {"queue": self._name, "ids": _to_array(ids)}, str
        )

    async def _lock(self, transaction: Transaction) -> None:
        await transaction.fetch(statements(_STATEMENTS)["queue_locked"], {"queue": self._name}, bool)


def _to_array(ids: Sequence[str] | None) -> list[str] | None:
    return None if ids is None else list(ids)


def _by_receipt(messages: Sequence[Message]) -> dict[str, list[Message]]:
    result: defaultdict[str, list[Message]] = defaultdict(list)
    for each in messages:
        result[each.receipt].append(each)
    return result


def _failures_by_receipt(failures: Sequence[MessageFailure]) -> dict[str, list[MessageFailure]]:
    result: defaultdict[str, list[MessageFailure]] = defaultdict(list)
    for each in failures:
        result[each.message.receipt].append(each)
    return result
