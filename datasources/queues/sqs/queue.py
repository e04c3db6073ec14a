"""A queue in SQS, by boto3 in a thread; its dead letters are stored in tables, with their reasons."""

import asyncio
import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit
from uuid import NAMESPACE_OID, uuid5

from datasources.errors import SourceInvalidValue, SourceRefused, SourceUnavailable
from datasources.observability.spans import CLIENT, PRODUCER, record_span
from datasources.queues.port import (
    DeadLetter,
    DeadLetters,
    Disposition,
    Message,
    MessageFailure,
    NewMessage,
    QueueDepth,
)

# The limits of one call, in entries and in bytes.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
MAX_BATCH_ENTRIES = 10
MAX_BATCH_BYTES = 262_144

# Names of operations in spans, by the action's name in the API.
# https://opentelemetry.io/docs/specs/semconv/messaging/sqs/
_SPANS = {
    "send_message_batch": ("SendMessageBatch", "send", PRODUCER),
    "receive_message": ("ReceiveMessage", "receive", CLIENT),
    "delete_message_batch": ("DeleteMessageBatch", "settle", CLIENT),
    "change_message_visibility_batch": ("ChangeMessageVisibilityBatch", "settle", CLIENT),
    "get_queue_attributes": ("GetQueueAttributes", "look at", CLIENT),
}

# Characters that SQS does not accept. Messages are JSON, so they occur only inside strings, where they can be escaped.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
_REFUSED_CHARACTERS = {0xFFFE: "\\ufffe", 0xFFFF: "\\uffff"}

# Error codes about the contents of a message; a retry would be refused again.
_VALUE_FAULTS = frozenset({"InvalidMessageContents", "BatchRequestTooLong", "InvalidParameterValue"})

# More dead letters than this are redriven in several calls.
MAX_REDRIVEN = 10_000


class SqsQueue:
    """The queue at this URL. `letters` stores its dead letters.

    If `fifo` is false, it is a standard queue, which accepts neither groups nor deduplication ids: the laws of the port
    about order and duplicates do not hold, and the effects of messages must tolerate that.

    `visibility` and `delay` are in seconds. After `attempts` receives a failed message becomes a dead letter here; the
    redrive policy of the queue should allow more, for messages whose receivers crash. `endpoint` is for servers other
    than AWS.
    """

    def __init__(
        self,
        url: str,
        letters: DeadLetters,
        *,
        region: str | None = None,
        endpoint: str | None = None,
        fifo: bool = True,
        visibility: int = 60,
        delay: int = 1,
        attempts: int = 5,
    ) -> None:
        self._url = url
        self._letters = letters
        self._region = region
        self._endpoint = endpoint
        self._fifo = fifo
        self._visibility = visibility
        self._delay = delay
        self._attempts = attempts
        self._client: Any = None
        self._queue = url.rpartition("/")[2]
        self._address = {
            "messaging.system": "aws_sqs", "messaging.destination.name": self._queue, "aws.sqs.queue.url": url,
            "server.address": urlsplit(url).hostname or "",
        }  # fmt: skip

    async def send(self, messages: Sequence[NewMessage]) -> int:
        """Send messages as the port defines, with two differences: SQS does not report duplicates, and after an error
        some messages may have been sent; a FIFO queue discards them when they are sent again."""
        for part in _parts(messages):
            entries = [{"Id": str(number)} | self._entry(each) for number, each in enumerate(part)]
            await self._batch("send_message_batch", entries)
        return len(messages)

    def _entry(self, message: NewMessage) -> dict[str, Any]:
        entry: dict[str, Any] = {
            "MessageBody": message.body.translate(_REFUSED_CHARACTERS),
            "MessageAttributes": _attributes(group=message.group, requestId=message.request_id),
        }
        if self._fifo:
            # A standard queue refuses the deduplication id, and uses the group for fairness between tenants.
            entry["MessageGroupId"] = _group_id(message.group)
            entry["MessageDeduplicationId"] = message.deduplication_id
        return entry

    async def receive(self, most: int, wait_seconds: float) -> list[Message]:
        """Receive messages as the port defines. SQS waits whole seconds, at most 20."""
        messages: list[Message] = []
        while len(messages) < most:
            reply = await self._call(
                "receive_message",
                MaxNumberOfMessages=min(MAX_BATCH_ENTRIES, most - len(messages)),
                WaitTimeSeconds=0 if messages else min(20, round(wait_seconds)),
                VisibilityTimeout=self._visibility,
                AttributeNames=["MessageGroupId", "ApproximateReceiveCount"],
                MessageAttributeNames=["All"],
            )
            received = [_message(each) for each in reply.get("Messages", ())]
            messages += received
            if not received:
                break
        return messages

    async def settle(self, done: Sequence[Message], failed: Sequence[MessageFailure]) -> None:
        """Settle messages as the port defines. Dead letters are stored before their messages are deleted."""
        dead = [each for each in failed if self._is_dead(each)]
        retried = [each.message for each in failed if not self._is_dead(each)]
        if dead:
            await self._letters.add_dead_letters(dead)
        settled = [*done, *(each.message for each in dead)]
        for start in range(0, len(settled), MAX_BATCH_ENTRIES):
            await self._batch("delete_message_batch", _receipts(settled[start : start + MAX_BATCH_ENTRIES]))
        await self.change_visibility(retried, self._delay)

    async def change_visibility(self, messages: Sequence[Message], seconds: int) -> None:
        """Make received messages available again in so many seconds, also those that Lambda received."""
        # The last first: a group becomes available only with its first message.
        last_first = messages[::-1]
        for start in range(0, len(last_first), MAX_BATCH_ENTRIES):
            entries = [
                each | {"VisibilityTimeout": seconds}
                for each in _receipts(last_first[start : start + MAX_BATCH_ENTRIES])
            ]
            await self._batch("change_message_visibility_batch", entries)

    def _is_dead(self, failure: MessageFailure) -> bool:
        exhausted = failure.fate is Disposition.RETRY and failure.message.attempt >= self._attempts
        return exhausted or failure.fate is Disposition.DEAD_LETTER

    async def depth(self) -> QueueDepth:
        """Return the approximate depth; the age of the oldest message is only in CloudWatch."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        reply = await self._call("get_queue_attributes", AttributeNames=names)
        return QueueDepth(sum(int(reply["Attributes"].get(name, 0)) for name in names), None)

    async def add_dead_letters(self, failures: Sequence[MessageFailure]) -> None:
        """See the port."""
        await self._letters.add_dead_letters(failures)

    async def list_dead_letters(self, most: int) -> list[DeadLetter]:
        """See the port."""
        return await self._letters.list_dead_letters(most)

    async def redrive_dead_letters(self, ids: Sequence[str] | None) -> list[str]:
        """Redrive as the port defines. A crash between sending and deleting sends messages twice."""
        selected = [
            each for each in await self._letters.list_dead_letters(MAX_REDRIVEN) if ids is None or each.id in ids
        ]
        await self.send([
            NewMessage(
                group=each.group, deduplication_id=hashlib.sha256(f"{each.id} {each.died_at}".encode()).hexdigest(),
                body=each.body, request_id=each.request_id,
            )
            for each in selected
        ])  # fmt: skip
        return await self._letters.delete_dead_letters([each.id for each in selected])

    async def delete_dead_letters(self, ids: Sequence[str] | None) -> list[str]:
        """See the port."""
        return await self._letters.delete_dead_letters(ids)

    async def _batch(self, name: str, entries: list[dict[str, Any]]) -> None:
        reply = await self._call(name, Entries=entries)
        refused = reply.get("Failed", ())
        # An expired receipt is not an error: its message is received again.
        if name == "send_message_batch" and refused:
            if any(each.get("SenderFault") for each in refused):
                raise SourceInvalidValue("queue", f"SQS refuses a message: {refused[0].get('Code', '')}")
            raise SourceUnavailable("queue", f"SQS did not take a message: {refused[0].get('Message', '')}")

    async def _call(self, name: str, **arguments: Any) -> Any:
        operation, type_, kind = _SPANS[name]
        with record_span(f"{type_} {self._queue}", kind, self._address) as span:
            span.set_attribute("messaging.operation.name", operation)
            span.set_attribute("messaging.operation.type", type_)
            if "Entries" in arguments:
                span.set_attribute("messaging.batch.message_count", len(arguments["Entries"]))
            return await asyncio.to_thread(self._call_blocking, name, arguments)

    def _call_blocking(self, name: str, arguments: dict[str, Any]) -> Any:
        # Importing these adds about 200 ms to a cold start, so they are imported only if SQS is used.
        import boto3
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            if self._client is None:
                self._client = boto3.client("sqs", region_name=self._region, endpoint_url=self._endpoint)
            call: Callable[..., Any] = getattr(self._client, name)
            return call(QueueUrl=self._url, **arguments)
        except BotoCoreError as error:
            raise SourceUnavailable("queue", "SQS cannot be reached") from error
        except ClientError as error:
            if error.response.get("Error", {}).get("Code", "").rpartition(".")[2] in _VALUE_FAULTS:
                raise SourceInvalidValue("queue", "SQS refuses a message: it is too long or has a character") from error
            raise SourceRefused("queue", f"SQS refused a call: {error}") from error


def _parts(messages: Sequence[NewMessage]) -> Iterator[list[NewMessage]]:
    part: list[NewMessage] = []
    size = 0
    for each in messages:
        if part and (len(part) == MAX_BATCH_ENTRIES or size + each.size_bytes > MAX_BATCH_BYTES):
            yield part
            part, size = [], 0
        part.append(each)
        size += each.size_bytes
    if part:
        yield part


def _group_id(group: str) -> str:
    # SQS accepts 128 characters without spaces; the group itself is sent as an attribute.
    return hashlib.sha256(group.encode()).hexdigest()


def _attributes(**texts: str) -> dict[str, Any]:
    return {name: {"DataType": "String", "StringValue": text} for name, text in texts.items() if text}


def _message(received: Any) -> Message:
    attributes = received.get("MessageAttributes", {})
    texts = {name: attributes[name]["StringValue"] for name in ("group", "requestId") if name in attributes}
    return Message(
        id=str(uuid5(NAMESPACE_OID, received["MessageId"])),
        group=texts.get("group", received["Attributes"].get("MessageGroupId", "")),
        body=received["Body"],
        attempt=int(received["Attributes"]["ApproximateReceiveCount"]),
        request_id=texts.get("requestId", ""),
        receipt=received["ReceiptHandle"],
    )


def _receipts(messages: Sequence[Message]) -> list[dict[str, Any]]:
    return [{"Id": str(number), "ReceiptHandle": each.receipt} for number, each in enumerate(messages)]
