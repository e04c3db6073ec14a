"""Events over HTTP: CloudEvents 1.0, structured, as a batch or binary, put onto the queue."""

from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from datasources.errors import SourceError
from datasources.observability.spans import SERVER, answered, recorded
from datasources.queues.port import Queue
from datasources.request import Call, calling
from resolvers.errors import Forbidden, ShownError, SourceLost
from resolvers.events.ingest import Accepted, accept
from schema.http.cloudevents import TooManyEvents, read_events
from schema.http.encoding import encode_answer
from schema.http.endpoint import REQUEST_ID, Authenticate, arrived, headers_of, status_of

WRITES = "events:write"

SECONDS = 10.0


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
        return await accept(queue, await read_events(http), call.request_id, sender=principal.actor)
    except SourceError as error:
        raise SourceLost(f"{error.source} is not available", store=error.source) from error


def refusal(error: ShownError, call: Call) -> Response:
    """The answer to a request of which nothing was accepted."""
    status = 413 if isinstance(error, TooManyEvents) else 403 if isinstance(error, Forbidden) else None
    told = {"errors": [{"message": str(error), "extensions": error.extensions}]}
    answer = reply(told, status or status_of(error), call)
    answer.headers.update(headers_of(error))
    return answer


def reply(body: dict[str, Any], status: int, call: Call) -> Response:
    """An answer as JSON, with the request id."""
    headers = {REQUEST_ID: call.request_id, "cache-control": "no-store"}
    return Response(encode_answer(body, call.request_id), status, headers, "application/json")
