"""The consumer of events: a Lambda handler for SQS that preserves the order of groups, and a background loop."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from functools import cache, partial
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from datasources.errors import SourceError
from datasources.observability.logs import begin_invocation
from datasources.observability.metrics import MetricValues
from datasources.observability.spans import CONSUMER, record_call, record_work
from datasources.queues.factory import open_queues
from datasources.queues.port import DeadLetters, Disposition, Message, MessageFailure, Queue
from datasources.queues.sqs.queue import SqsQueue
from datasources.request import RequestContext, current_request, use_request
from datasources.sources import Sources, open_sources
from datasources.supervisor import Backoff, background_task, supervise
from resolvers.events.consumer import BATCH_SIZE, Settlement, process_messages
from workers.isolation import WORKER, handle_isolated, report_poison
from workers.lambda_runtime import bootstrap, load_settings
from workers.redelivery import AttemptCounter, is_dead, postpone

log = logging.getLogger("stackflow.events")

# Seconds to wait for events; a stop takes effect within this time.
RECEIVE_WAIT_SECONDS = 1.0
# Between failed rounds: events must not wait long behind others that always fail.
BACKOFF = Backoff(1.0, 4.0)
# Seconds after which a batch begins no further event: processed ones are settled, and the others are received again
# without counting as an attempt.
BATCH_SECONDS = 15.0
# Seconds that the current event then has until its deadline: together, half of the visibility timeout of a queue.
EVENT_SECONDS = 15.0
# Seconds after which a round counts as stuck.
STUCK_AFTER_SECONDS = 60.0


async def loop(sources: Sources, queue: Queue, stop: asyncio.Event) -> None:
    """Process events until `stop` is set; the current batch is completed first."""

    async def round() -> float:
        await process_batch(sources, queue, RECEIVE_WAIT_SECONDS)
        return 0.0

    await supervise(
        sources.heartbeats, WORKER, round, stop, stuck_after_seconds=STUCK_AFTER_SECONDS, lost=BACKOFF, failed=BACKOFF
    )


def background_event_consumer(sources: Sources, queue: Queue) -> AbstractAsyncContextManager[None]:
    """Run the loop in the background for the length of an `async with` block."""
    return background_task(WORKER, partial(loop, sources, queue))


async def process_batch(sources: Sources, queue: Queue, wait_seconds: float = 0.0) -> int:
    """Process one batch of up to 500 events. Return how many were received.

    SourceError if the queue is unavailable; no event is lost. An event whose processing raises is set aside, and the
    others are processed. If all of them raise, they are settled, and the error is raised.
    """
    with use_request(RequestContext()) as call, record_call("events", CONSUMER, call, keep_idle=False) as recording:
        received = await queue.receive(BATCH_SIZE, wait_seconds)
        record_work(recording, "messaging.batch.message_count", len(received))
        if received:
            begin = time.perf_counter()
            handled, error = await _handle_batch(sources, received)
            _log_failures(handled.failed)
            await queue.settle(handled.done, handled.failed)
            _log_counts(handled, begin)
            if error is not None:
                raise error
    return len(received)


async def _handle_batch(sources: Sources, messages: Sequence[Message]) -> tuple[Settlement, Exception | None]:
    # At most half of the visibility timeout, so that slow processing does not cause a second delivery.
    until = asyncio.get_running_loop().time() + BATCH_SECONDS
    with use_request(replace(current_request(), deadline=until + EVENT_SECONDS)):
        return await handle_isolated(sources, messages, partial(process_messages, until=until))


async def partial_response(
    sources: Sources, dead: DeadLetters, records: Sequence[Any], tries: AttemptCounter | None = None
) -> dict[str, Any]:
    """Process the records of one invocation. Return those that SQS must deliver again, in their order.

    An event that can never succeed becomes a dead letter with its reason and blocks no other. After an event that could
    not be processed, the rest of its group is delivered again, so that FIFO order holds. If `dead` is a queue in SQS,
    such groups wait there for less than the visibility timeout of the queue. Never raises because of the content of a
    record.
    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
    """
    tries = tries or AttemptCounter()
    with use_request(RequestContext()) as call, record_call("events", CONSUMER, call) as recording:
        record_work(recording, "messaging.batch.message_count", len(records))
        begin = time.perf_counter()
        messages = [_message(record, tries) for record in records]
        handled, error = await _handle_batch(sources, messages)
        if error is not None:
            report_poison([(messages[0], error)])
        _log_failures(handled.failed)
        _log_counts(handled, begin)
        tries.record_failures(handled.failed)
        not_stored = await _move_to_dead_letters(dead, [each for each in handled.failed if is_dead(each)])
        failed = {each.message.id for each in handled.failed if not is_dead(each)} | not_stored
        indexes = _extend_to_groups(messages, failed)
        if indexes and isinstance(dead, SqsQueue):
            await _postpone(dead, [messages[index] for index in indexes], records)
    return {"batchItemFailures": [{"itemIdentifier": records[index]["messageId"]} for index in indexes]}


def _extend_to_groups(messages: Sequence[Message], failed: set[str]) -> list[int]:
    """Return the indexes of messages that failed, and of later messages in their groups."""
    failed_groups: set[str] = set()
    indexes: list[int] = []
    for index, message in enumerate(messages):
        if message.id in failed or message.group in failed_groups:
            failed_groups.add(message.group)
            indexes.append(index)
    return indexes


async def _postpone(queue: SqsQueue, messages: Sequence[Message], records: Sequence[Any]) -> None:
    receives = {_id(record): _receives(record) for record in records}
    try:
        await postpone(queue, messages, receives)
    except SourceError as error:
        log.warning("events are delivered again when their visibility timeout ends: %s", error)


async def _move_to_dead_letters(dead: DeadLetters, failures: Sequence[MessageFailure]) -> set[str]:
    try:
        if failures:
            await dead.add_dead_letters(failures)
    except SourceError as error:
        log.warning("dead letters could not be stored and are delivered again: %s", error)
        return {each.message.id for each in failures}
    return set()


def _id(record: Any) -> str:
    # Dead letters are identified by uuids; ids of SQS need not be uuids.
    return str(uuid5(NAMESPACE_OID, record["messageId"]))


def _receives(record: Any) -> int:
    return int(record.get("attributes", {}).get("ApproximateReceiveCount", 1))


def _message(record: Any, tries: AttemptCounter) -> Message:
    request_id = record.get("messageAttributes", {}).get("requestId", {}).get("stringValue", "")
    return Message(
        id=_id(record),
        group=record.get("attributes", {}).get("MessageGroupId", ""),
        body=record["body"],
        attempt=tries.attempt(_id(record)),
        request_id=request_id,
        receipt=record.get("receiptHandle", ""),
    )


def _log_failures(failures: Sequence[MessageFailure]) -> None:
    # One line for each disposition of a batch; dead letters have the reason of each event.
    for fate in Disposition:
        matching = [each for each in failures if each.fate is fate]
        if matching:
            first = matching[0]
            log.warning("events %s: %d, the first %s of %s: %s", fate.value, len(matching), first.message.id,
                        first.message.group, first.reason)  # fmt: skip


def _log_counts(handled: Settlement, begin: float) -> None:
    counts = Counter(each.fate for each in handled.failed)
    log.info(
        "events",
        extra={
            "received": len(handled.done) + len(handled.failed),
            "done": len(handled.done),
            **{fate.value: counts[fate] for fate in Disposition},
            "milliseconds": round((time.perf_counter() - begin) * 1_000, 1),
            "measured": MetricValues(
                {
                    "EventsDone": len(handled.done),
                    "EventsAgain": counts[Disposition.RETRY],
                    "EventsHeld": counts[Disposition.RELEASE],
                    "EventsDead": counts[Disposition.DEAD_LETTER],
                }
            ),
        },
    )


@cache
def _open_lambda() -> tuple[asyncio.Runner, Sources, Queue, AttemptCounter]:
    # One event loop for each execution environment, because the connection pools belong to it.
    settings = load_settings()
    sources = open_sources(*settings.require_stores())
    return asyncio.Runner(), sources, open_queues(sources.main, settings.queues).events, AttemptCounter()


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Handle the queue of events on AWS Lambda; the event source mapping needs ReportBatchItemFailures."""
    begin_invocation(context)
    runner, sources, dead, tries = _open_lambda()
    return runner.run(partial_response(sources, dead, event["Records"], tries))


bootstrap(__name__, _open_lambda)
