"""Events over HTTP: CloudEvents 1.0 in structured, batch or binary mode, put on the queue."""

from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from datasources.errors import SourceError
from datasources.observability.spans import SERVER, record_call, record_status
from datasources.queues.port import Queue
from datasources.request import RequestContext, use_request
from resolvers.errors import Forbidden, ShownError, SourceLost
from resolvers.events.ingest import IngestResult, ingest_events
from schema.http.cloudevents import TooManyEvents, read_events
from schema.http.encoding import encode_response
from schema.http.endpoint import REQUEST_ID_HEADER, Authenticate, error_headers, error_status, new_call

WRITE_PERMISSION = "events:write"

TIMEOUT_SECONDS = 10.0


def event_routes(queue: Queue, authenticate: Authenticate) -> list[Route]:
    """Return the route /events, for callers with `events:write`.

    202 with the rejected events and reasons if at least one was accepted; 400 if none was; 413 for too many events.
    """

    async def events(http: Request) -> Response:
        call = new_call(http, TIMEOUT_SECONDS)
        with use_request(call), record_call("POST /events", SERVER, call) as recording:
            try:
                accepted = await _ingest_events(http, queue, authenticate, call)
                response = json_response(asdict(accepted), 202 if accepted.accepted else 400, call)
            except ShownError as error:
                response = event_error_response(error, call)
            record_status(recording, response.status_code)
        return response

    return [Route("/events", events, methods=["POST"])]


async def _ingest_events(http: Request, queue: Queue, authenticate: Authenticate, call: RequestContext) -> IngestResult:
    try:
        principal = await authenticate(http.headers.get("authorization"))
        if not principal.allows(WRITE_PERMISSION):
            raise Forbidden(f"this needs the permission {WRITE_PERMISSION}", permission=WRITE_PERMISSION)
        return await ingest_events(queue, await read_events(http), call.request_id, sender=principal.actor)
    except SourceError as error:
        raise SourceLost(f"{error.source} is not available", store=error.source) from error


def event_error_response(error: ShownError, call: RequestContext) -> Response:
    """Return the response to a request of which nothing was accepted."""
    status = 413 if isinstance(error, TooManyEvents) else 403 if isinstance(error, Forbidden) else None
    body = {"errors": [{"message": str(error), "extensions": error.extensions}]}
    response = json_response(body, status or error_status(error), call)
    response.headers.update(error_headers(error))
    return response


def json_response(body: dict[str, Any], status: int, call: RequestContext) -> Response:
    """Return a JSON response with the request id."""
    headers = {REQUEST_ID_HEADER: call.request_id, "cache-control": "no-store"}
    return Response(encode_response(body, call.request_id), status, headers, "application/json")
