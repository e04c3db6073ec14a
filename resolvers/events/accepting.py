"""Events accepted: read, and put onto the queue in their order; what cannot be is told with its reason."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from datasources.queues.port import Queue, Sending
from resolvers.events.event import Event
from resolvers.events.reading import Unusable, read


@dataclass(frozen=True, slots=True)
class Refusal:
    """An event that was not accepted: its place among those sent, from 0, its names as far as known, and why."""

    index: int
    id: str
    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """How many events were accepted, those sent before included, and what was refused."""

    accepted: int
    refused: list[Refusal]


async def accept(
    queue: Queue, bodies: Sequence[bytes], request_id: str, now: datetime | None = None, sender: str = ""
) -> Accepted:
    """Queue the events that can be tried, all in one go. SourceError if the queue is lost; then none is queued.

    `sender` is who stands behind them, as KIND:subject: what a person sends by an event, that one has done.

    Events of one source are one group: they have their effect in the order in which they were sent.
    """
    moment = now or datetime.now(UTC)
    sendings: list[Sending] = []
    refusals: list[Refusal] = []
    for index, body in enumerate(bodies):
        try:
            event = read(body, moment)
        except Unusable as unusable:
            refusals.append(Refusal(index, unusable.id, unusable.source, unusable.reason))
        else:
            sendings.append(Sending(event.source, _deduplication_id(event), _signed(body, sender), request_id))
    await queue.send(sendings)
    return Accepted(len(sendings), refusals)


def _signed(body: bytes, sender: str) -> str:
    if not sender:
        return body.decode()
    envelope = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    envelope["stackflowsender"] = msgspec.Raw(msgspec.json.encode(sender))
    return msgspec.json.encode(envelope).decode()


def _deduplication_id(event: Event) -> str:
    # With the content, so that another event under a used id is not lost silently but refused with its reason.
    named = f"{len(event.source)} {event.source} {event.id}".encode()
    return hashlib.sha256(named + event.content).hexdigest()
