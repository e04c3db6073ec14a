"""Events over HTTP: CloudEvents 1.0 in structured JSON, alone or as a batch, put onto the queue."""

from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from datasources.call import Call, calling
from datasources.errors import SourceError
from datasources.queues.port import Queue
from datasources.seen.spans import SERVER, answered, recorded
from resolvers.errors import BadUserInput, Forbidden, LimitExceeded, ShownError, SourceLost
from resolvers.events.accepting import Accepted, accept
from resolvers.events.reading import MOST_BYTES, Unusable, split
from schema.encoding import encode_answer
from schema.http import REQUEST_ID, Authenticate, UnsupportedMedia, arrived, read_body, status_of

# https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"

WRITES = "events:write"

# Bytes of a batch.
BODY_BYTES = 8 * 1_048_576
# Events of a batch.
MOST_EVENTS = 5_000
SECONDS = 10.0


class TooManyEvents(LimitExceeded):
    """The batch has more events than a request may have."""


def event_routes(queue: Queue, authenticate: Authenticate) -> list[Route]:
    """/events, for who may `events:write`.

    202 with what was refused and why, as soon as one event was accepted; 400 if none was; 413 for too much.
    """

    async def events(http: Request) -> Response:
        call = arrived(http, SECONDS)
        with calling(call), recorded("POST /events", SERVER, call) as recording:
            try:
                accepted = await _accepted(http, queue, authenticate, call)
                answer = reply(asdict(accepted), 202 if accepted.accepted else 400, call)
            except ShownError as error:
                answer = refusal(error, call)
            answered(recording, answer.status_code)
        return answer

    return [Route("/events", events, methods=["POST"])]


async def _accepted(http: Request, queue: Queue, authenticate: Authenticate, call: Call) -> Accepted:
    try:
        principal = await authenticate(http.headers.get("authorization"))
        if not principal.allows(WRITES):
            raise Forbidden(f"this needs the permission {WRITES}", permission=WRITES)
        return await accept(queue, await _bodies(http), call.request_id, sender=principal.actor)
    except SourceError as error:
        raise SourceLost(f"{error.source} is not available", store=error.source) from error


async def _bodies(http: Request) -> list[bytes]:
    kind = http.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == STRUCTURED:
        return [await read_body(http, MOST_BYTES)]
    if kind != BATCH:
        raise UnsupportedMedia(f"content-type is {kind or 'missing'!r}; send {STRUCTURED} or {BATCH}")
    try:
        bodies = split(await read_body(http, BODY_BYTES))
    except Unusable as unusable:
        raise BadUserInput(unusable.reason) from unusable
    if len(bodies) > MOST_EVENTS:
        raise TooManyEvents(f"the batch has {len(bodies)} events", allowed=MOST_EVENTS)
    return bodies


def refusal(error: ShownError, call: Call) -> Response:
    """The answer to a request of which nothing was accepted."""
    status = 413 if isinstance(error, TooManyEvents) else 403 if isinstance(error, Forbidden) else None
    told = {"errors": [{"message": str(error), "extensions": error.extensions}]}
    return reply(told, status or status_of(error), call)


def reply(body: dict[str, Any], status: int, call: Call) -> Response:
    """An answer as JSON, with the request id."""
    headers = {REQUEST_ID: call.request_id, "cache-control": "no-store"}
    if status == 401:
        headers["www-authenticate"] = "Bearer"
    return Response(encode_answer(body, call.request_id), status, headers, "application/json")
