"""Ingest events: parse them and send them to the queue in order; rejected ones are reported with the reason."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from datasources.errors import SourceInvalidValue
from datasources.queues.port import NewMessage, Queue
from resolvers.events.event import Event
from resolvers.events.parser import MAX_EVENT_BYTES, InvalidEvent, parse_event


@dataclass(frozen=True, slots=True)
class Rejection:
    """A rejected event: its index among those sent (from 0), its id and source as far as known, and the reason."""

    index: int
    id: str
    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class IngestResult:
    """The number of accepted events, repeated ones included, and the rejected ones."""

    accepted: int
    refused: list[Rejection]


async def ingest_events(
    queue: Queue, bodies: Sequence[bytes], request_id: str, now: datetime | None = None, sender: str = ""
) -> IngestResult:
    """Queue the valid events; an event that is invalid, or that the queue rejects, does not affect the others.

    Raises SourceError if the queue is unavailable; some events may be queued then, and sending them again creates no
    duplicates. `sender` is the responsible principal as KIND:subject: effects of an event count as that principal's.

    Events of one source form one group: they are applied in the order in which they were sent.
    """
    moment = now or datetime.now(UTC)
    places: list[tuple[int, Event]] = []
    sendings: list[NewMessage] = []
    refusals: list[Rejection] = []
    for index, body in enumerate(bodies):
        # The largest event takes about 20 ms; let other requests run in between.
        await asyncio.sleep(0)
        try:
            event = parse_event(body, moment)
        except InvalidEvent as unusable:
            refusals.append(Rejection(index, unusable.id, unusable.source, unusable.reason))
        else:
            sending = NewMessage(
                group=event.source, deduplication_id=_deduplication_id(event), body=_add_sender(body, sender),
                request_id=request_id,
            )  # fmt: skip
            if sending.size_bytes > MAX_EVENT_BYTES:
                reason = (
                    f"the event has {sending.size_bytes} bytes with the sender, source and request id that the queue"
                    f" stores with it; {MAX_EVENT_BYTES} are allowed"
                )
                refusals.append(Rejection(index, event.id, event.source, reason))
                continue
            places.append((index, event))
            sendings.append(sending)
    refused = await _send(queue, sendings, range(len(sendings)))
    for place, reason in refused.items():
        index, event = places[place]
        refusals.append(Rejection(index, event.id, event.source, reason))
    return IngestResult(len(sendings) - len(refused), sorted(refusals, key=lambda each: each.index))


async def _send(queue: Queue, sendings: Sequence[NewMessage], places: range) -> dict[int, str]:
    """Send the messages at these indexes, in order. Return the reasons of the queue for rejected ones, by index."""
    try:
        await queue.send([sendings[place] for place in places])
    except SourceInvalidValue as error:
        if len(places) == 1:
            return {places[0]: f"the queue rejects it: {error}"}
        middle = len(places) // 2
        return await _send(queue, sendings, places[:middle]) | await _send(queue, sendings, places[middle:])
    return {}


def _add_sender(body: bytes, sender: str) -> str:
    if not sender:
        return body.decode()
    envelope = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    envelope["stackflowsender"] = msgspec.Raw(msgspec.json.encode(sender))
    return msgspec.json.encode(envelope).decode()


def _deduplication_id(event: Event) -> str:
    # Includes the content, so that another event with a used id is rejected with a reason, not silently dropped.
    named = f"{len(event.source)} {event.source} {event.id}".encode()
    return hashlib.sha256(named + event.content).hexdigest()
