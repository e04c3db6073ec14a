"""Events accepted: read, and put onto the queue in their order; what cannot be is told with its reason."""

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
    """An event that was not accepted: its place among those sent, from 0, its names as far as known, and why."""

    index: int
    id: str
    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class IngestResult:
    """How many events were accepted, those sent before included, and what was refused."""

    accepted: int
    refused: list[Rejection]


async def ingest_events(
    queue: Queue, bodies: Sequence[bytes], request_id: str, now: datetime | None = None, sender: str = ""
) -> IngestResult:
    """Queue the events that can be tried; one that cannot be, or that the queue refuses for what it says, holds back no
    other. SourceError if the queue is lost; then some may be queued, and sent again they are not doubled.

    `sender` is who stands behind them, as KIND:subject: what a person sends by an event, that one has done.

    Events of one source are one group: they have their effect in the order in which they were sent.
    """
    moment = now or datetime.now(UTC)
    places: list[tuple[int, Event]] = []
    sendings: list[NewMessage] = []
    refusals: list[Rejection] = []
    for index, body in enumerate(bodies):
        # The largest takes some 20 ms, in which nobody else is answered.
        await asyncio.sleep(0)
        try:
            event = parse_event(body, moment)
        except InvalidEvent as unusable:
            refusals.append(Rejection(index, unusable.id, unusable.source, unusable.reason))
        else:
            sending = NewMessage(event.source, _deduplication_id(event), _add_sender(body, sender), request_id)
            if sending.size_bytes > MAX_EVENT_BYTES:
                reason = (
                    f"the event has {sending.size_bytes} bytes with its sender, source and request id as the queue"
                    f" keeps them; {MAX_EVENT_BYTES} are allowed"
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
    """Send those at these places in their order; why the queue refuses which of them."""
    try:
        await queue.send([sendings[place] for place in places])
    except SourceInvalidValue as error:
        if len(places) == 1:
            return {places[0]: f"the queue does not take it: {error}"}
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
    # With the content, so that another event under a used id is not lost silently but refused with its reason.
    named = f"{len(event.source)} {event.source} {event.id}".encode()
    return hashlib.sha256(named + event.content).hexdigest()
